import asyncio, random
from micrograd.engine import Value

class Q(Value):
    """quantised weights with a straight-through gradient"""
    def quantise(self, levels=4):
        out = Q(round(self.data * levels) / levels, (self,), 'q%d' % levels)
        out._backward = lambda: setattr(self, 'grad', self.grad + out.grad)
        return out

    def gumbel(self, rnd):
        noise = rnd.gauss(0, 0.1)
        out = Q(self.data + noise, [self], 'noise')
        def _backward():
            self.grad += out.grad
        out._backward = _backward
        return out

async def train(seed):
    rnd = random.Random(seed)
    w = [Q(rnd.uniform(-1, 1)) for _ in range(2)]
    for _ in range(20):
        x = [rnd.uniform(-1, 1) for _ in range(2)]
        target = 0.5 * x[0] - 0.75 * x[1]
        pred = sum(wi.quantise() * xi for wi, xi in zip(w, x))
        loss = (pred - target) ** 2 + 0.001 * w[0].gumbel(rnd) ** 2
        for p in w: p.grad = 0
        loss.backward()
        await asyncio.sleep(0)
        for p in w: p.data -= 0.2 * p.grad
    return ['%.3f -> %.2f' % (p.data, p.quantise().data) for p in w]

async def main():
    for line in await asyncio.gather(*(train(s) for s in range(3))):
        print(line)
asyncio.run(main())
