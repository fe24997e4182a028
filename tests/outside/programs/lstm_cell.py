import random
from micrograd.engine import Value
from micrograd.nn import Module, Neuron

def sig(v): return ((v * 0.5).tanh() + 1) * 0.5

class LSTMCell(Module):
    def __init__(self, nin, nh):
        self.nh = nh
        self.gates = {g: [Neuron(nin + nh, nonlin=False) for _ in range(nh)] for g in 'ifgo'}
        for n in self.gates['f']:
            n.b.data = 1.0
    def __call__(self, x, state):
        h, c = state
        z = list(x) + h
        i, f, o = ([sig(n(z)) for n in self.gates[k]] for k in 'ifo')
        g = [n(z).tanh() for n in self.gates['g']]
        c = [fj * cj + ij * gj for fj, cj, ij, gj in zip(f, c, i, g)]
        h = [oj * cj.tanh() for oj, cj in zip(o, c)]
        return h, c
    def parameters(self):
        return [p for ns in self.gates.values() for n in ns for p in n.parameters()]

random.seed(17)
cell, head = LSTMCell(1, 2), Neuron(2, nonlin=False)
params = cell.parameters() + head.parameters()
print(len(params))
seq = [0.1, 0.5, -0.3, 0.8, -0.9, 0.2]
for it in range(16):
    state = [Value(0.0), Value(0.0)], [Value(0.0), Value(0.0)]
    loss = 0
    for x, nxt in zip(seq, seq[1:]):
        state = cell([x], state)
        loss = loss + (head(state[0]) - nxt) ** 2
    for p in params: p.grad = 0
    loss.backward()
    for p in params: p.data -= 0.1 * p.grad
    if it % 5 == 0: print(it, f'{loss.data:.5f}')
print('%.4f' % cell.gates['f'][0].b.data, '%.4f' % head.b.data)
