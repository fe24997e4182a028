from micrograd.engine import Value
from micrograd.nn import Module, Layer
import random

class ReLU(Module):
    def __call__(self, x): return [v.relu() for v in x]
    def __repr__(self): return 'ReLU()'

class Tanh(Module):
    def __call__(self, x): return [v.tanh() for v in x]
    def __repr__(self): return 'Tanh()'

class Dropout(Module):
    def __init__(self, p): self.p, self.training = p, True
    def __call__(self, x):
        if not self.training: return x
        return [v * (random.random() > self.p) * (1 / (1 - self.p)) for v in x]
    def __repr__(self): return 'Dropout(%.1f)' % self.p

class Linear(Module):
    def __init__(self, nin, nout, bias=True):
        self.W = [[Value(random.gauss(0, 1) * nin**-0.5) for _ in range(nin)] for _ in range(nout)]
        self.b = [Value(0) for _ in range(nout)] if bias else None
    def __call__(self, x):
        out = [sum((wi * xi for wi, xi in zip(row, x)), start=Value(0)) for row in self.W]
        return [o + b for o, b in zip(out, self.b)] if self.b else out
    def parameters(self):
        return sum(self.W, []) + (self.b or [])
    def __repr__(self): return f'Linear({len(self.W[0])}, {len(self.W)})'

class Sequential(Module):
    def __init__(self, *mods): self.mods = mods
    def __call__(self, x):
        for m in self.mods: x = m(x)
        return x
    def parameters(self): return [p for m in self.mods for p in m.parameters()]
    def __iter__(self): return iter(self.mods)

random.seed(6)
net = Sequential(Linear(2, 6), Tanh(), Dropout(0.2), Linear(6, 4, bias=False), ReLU(), Layer(4, 2, nonlin=False))
print(*net, sep='\n')
print(len(net.parameters()))
for i in range(12):
    y1, y2 = net([0.4, -0.9])
    loss = (y1 - 1)**2 + (y2 + 1)**2
    net.zero_grad()
    loss.backward()
    for p in net.parameters(): p.data -= 0.05 * p.grad
    if i % 4 == 0: print('%.5f' % loss.data)
net.mods[2].training = False
print(['%.4f' % v.data for v in net([0.4, -0.9])])
