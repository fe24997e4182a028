# a gan about one number: generator makes a*z+b, discriminator is a logistic unit
import random, math
from micrograd.engine import Value
from micrograd.nn import Module

class Gen(Module):
    def __init__(self): self.a, self.b = Value(1.0), Value(0.0)
    def __call__(self, z): return self.a * z + self.b
    def parameters(self): return [self.a, self.b]

class Disc(Module):
    def __init__(self): self.w = Value(0.1); self.v = Value(0.0); self.c = Value(0.0)
    def __call__(self, x): return self.w * x + self.v * x * x + self.c
    def parameters(self): return [self.w, self.v, self.c]

def softplus(x):
    big = max(x.data, 0.0)
    d = big + math.log1p(math.exp(-abs(x.data)))
    out = Value(d, (x,), 'softplus')
    def _backward():
        x.grad += out.grad / (1 + math.exp(-x.data))
    out._backward = _backward
    return out

random.seed(55)
G, D = Gen(), Disc()
for it in range(120):
    zs = [random.gauss(0, 1) for _ in range(8)]
    real = [random.gauss(3, 0.5) for _ in range(8)]
    fake = [Value(G(z).data) for z in zs]            # detached
    d_loss = sum(softplus(-D(r)) + softplus(D(f)) for r, f in zip(real, fake)) / 8
    D.zero_grad(); d_loss.backward()
    for p in D.parameters(): p.data -= 0.05 * p.grad
    g_loss = sum(softplus(-D(G(z))) for z in zs) / 8
    G.zero_grad(); g_loss.backward()
    for p in G.parameters(): p.data -= 0.05 * p.grad
    if it % 40 == 39: print(it + 1, 'D %.4f G %.4f' % (d_loss.data, g_loss.data), 'a %.3f b %.3f' % (G.a.data, G.b.data))
