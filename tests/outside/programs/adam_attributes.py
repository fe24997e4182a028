from micrograd.engine import Value
from micrograd.nn import MLP
import random

class Adam:
    def __init__(self, params, lr=0.05, beta1=0.9, beta2=0.999, eps=1e-8):
        self.params = params
        self.lr, self.b1, self.b2, self.eps = lr, beta1, beta2, eps
        self.t = 0
        for p in self.params:
            p.m = 0.0
            p.v = 0.0

    def zero_grad(self):
        for p in self.params:
            p.grad = 0

    def step(self):
        self.t += 1
        for p in self.params:
            p.m = self.b1 * p.m + (1 - self.b1) * p.grad
            p.v = self.b2 * p.v + (1 - self.b2) * p.grad ** 2
            mhat = p.m / (1 - self.b1 ** self.t)
            vhat = p.v / (1 - self.b2 ** self.t)
            p.data -= self.lr * mhat / (vhat ** 0.5 + self.eps)

random.seed(11)
net = MLP(1, [6, 1])
opt = Adam(net.parameters())
xs = [i / 5 - 1 for i in range(11)]
ys = [x * x for x in xs]
for k in range(40):
    loss = sum((net([x]) - y) ** 2 for x, y in zip(xs, ys)) / len(xs)
    opt.zero_grad()
    loss.backward()
    opt.step()
    if k % 10 == 0:
        print(k, "%.5f" % loss.data)
print("%.5f" % loss.data, sum(hasattr(p, 'm') for p in net.parameters()))
