# recursive net over binary parse trees (sum of children through tanh)
import random
from micrograd.engine import Value
from micrograd.nn import Layer, Module

class TreeNet(Module):
    def __init__(self, dim, vocab):
        self.dim = dim
        self.emb = {w: [Value(random.uniform(-1, 1)) for _ in range(dim)] for w in vocab}
        self.compose = Layer(2 * dim, dim, nonlin=False)
        self.score = Layer(dim, 1, nonlin=False)

    def encode(self, tree):
        if isinstance(tree, str):
            return self.emb[tree]
        left, right = tree
        return [v.tanh() for v in self.compose(self.encode(left) + self.encode(right))]

    def __call__(self, tree):
        return self.score(self.encode(tree)).tanh()

    def parameters(self):
        return [v for e in self.emb.values() for v in e] + self.compose.parameters() + self.score.parameters()

random.seed(77)
data = [((('not', 'good')), -1), (('very', 'good'), 1), (('not', 'bad'), 1), (('very', 'bad'), -1),
        (('not', ('very', 'bad')), 1), ('good', 1), ('bad', -1)]
net = TreeNet(3, ['not', 'very', 'good', 'bad'])
print(len(net.parameters()))
for e in range(31):
    loss = sum((net(t) - y) ** 2 for t, y in data)
    net.zero_grad()
    loss.backward()
    for p in net.parameters():
        p.data -= 0.05 * p.grad
    if e % 10 == 0: print(f'{e:>3} {loss.data:.4f}')
for t, y in data:
    print(f'{y:+d} {net(t).data:+.2f} {t}')
