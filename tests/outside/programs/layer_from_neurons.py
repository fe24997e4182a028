from micrograd.engine import Value
from micrograd.nn import Module, Neuron
import random

random.seed(3)

class TanhLayer(Module):
    def __init__(self, nin, nout):
        self.neurons = [Neuron(nin, nonlin=False) for _ in range(nout)]

    def __call__(self, x):
        return [n(x).tanh() for n in self.neurons]

    def parameters(self):
        return [p for n in self.neurons for p in n.parameters()]

class Net(Module):
    def __init__(self):
        self.hidden = TanhLayer(2, 4)
        self.out = Neuron(4, nonlin=False)

    def __call__(self, x):
        return self.out(self.hidden(x))

    def parameters(self):
        return self.hidden.parameters() + self.out.parameters()

net = Net()
print(len(net.parameters()))
# all neurons must start out different
ws = [tuple(w.data for w in n.w) for n in net.hidden.neurons]
print(len(set(ws)))

# XOR
data = [([0, 0], -1), ([0, 1], 1), ([1, 0], 1), ([1, 1], -1)]
for epoch in range(121):
    loss = sum((net(x) - t)**2 for x, t in data)
    net.zero_grad()
    loss.backward()
    for p in net.parameters():
        p.data -= 0.1 * p.grad
    if epoch % 30 == 0:
        print('epoch', epoch, 'loss %.4f' % loss.data)
for x, t in data:
    print(x, t, '%.2f' % net(x).data)
