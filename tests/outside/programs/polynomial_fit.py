from functools import reduce
from operator import add
from micrograd.engine import Value
import math

coef = [Value(0.0, label=f'c{i}') for i in range(4)]

def poly(x):
    # horner
    return reduce(lambda acc, c: acc * x + c, reversed(coef[:-1]), coef[-1])

xs = [i / 4 for i in range(-4, 8)]
ys = list(map(math.sin, xs))
lr = 0.02
for step in range(201):
    errs = [(poly(x) - y) ** 2 for x, y in zip(xs, ys)]
    loss = reduce(add, errs) / len(errs)
    loss.backward()
    for c in coef:
        c.data = c.data - lr * c.grad
        c.grad = 0.0
    if not step % 50:
        print(step, f"{loss.data:.5f}")
print('y = ' + ' + '.join('%.3f x^%d' % (c.data, i) for i, c in enumerate(coef)))
