import itertools, operator
from functools import partial, reduce
from micrograd.engine import Value

def make_loss(xs, ys):
    def loss(w, b):
        return reduce(operator.add, ((w * x + b - y) ** 2 for x, y in zip(xs, ys)))
    return loss

def descend(f, *params, lr):
    while True:
        out = f(*params)
        for p in params: p.grad = 0.0
        out.backward()
        for p in params: p.data += -lr * p.grad
        yield out.data

w, b = Value(0), Value(0)
f = make_loss([1, 2, 3], [2, 4, 6.5])
hist = list(itertools.islice(descend(f, w, b, lr=0.02), 40))
print(['%.4f' % h for h in hist[::10]])
print('%.4f %.4f' % (w.data, b.data))
drop = list(itertools.takewhile(lambda t: t[0] - t[1] > 0.01, zip(hist, hist[1:])))
print(len(drop))
compose = lambda *fs: lambda x: reduce(lambda acc, g: g(acc), fs, x)
g = compose(partial(operator.mul, 3), Value.tanh, lambda v: v + 1, operator.neg, lambda v: v ** 2)
x = Value(0.25)
out = g(x)
out.backward()
print('%.6f %.6f' % (out.data, x.grad))
print(*('%.3f' % v.data for v in itertools.accumulate(map(Value, range(1, 6)), operator.mul)))
print('%.1f' % sum(map(Value, [1, 2, 3]), start=Value(10)).data, '%.1f' % sum([Value(1), 2, Value(3.5)]).data)
