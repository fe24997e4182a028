import math, random
from micrograd.engine import Value

rng = random.Random(12)

def sigmoid(x):
    return 1 / (1 + (-x).exp())

def log(x):
    o = Value(math.log(x.data), {x}, 'log')
    def bw():
        x.grad += o.grad * x.data ** -1
    o._backward = bw
    return o

def sample(n):
    for _ in range(n):
        a, b = rng.gauss(0, 1), rng.gauss(0, 1)
        yield [a, b, rng.gauss(0, 1)], int(a - 0.5 * b + rng.gauss(0, .4) > 0)

train, valid = list(sample(16)), list(sample(10))
w = [Value(0.0) for _ in range(3)]
b = Value(0.0)

def bce(rows):
    tot = 0
    for x, y in rows:
        p = sigmoid(sum(wi * xi for wi, xi in zip(w, x)) + b)
        tot += log(p) if y else log(1 - p)
    return -tot / len(rows)

best, patience, wait = (math.inf, None), 3, 0
for epoch in range(200):
    loss = bce(train)
    for p in w + [b]:
        p.grad = 0.0
    loss.backward()
    for p in w:
        p.data -= 1.5 * (p.grad + 0.01 * p.data)   # decoupled weight decay, not on the bias
    b.data -= 1.5 * b.grad
    v = bce(valid).data
    if v < best[0] - 1e-4:
        best, wait = (v, [p.data for p in w + [b]]), 0
    else:
        wait += 1
        if wait >= patience:
            print('stopped at epoch', epoch)
            break
for p, d in zip(w + [b], best[1]):
    p.data = d
print('valid loss %.4f (again %.4f)' % (best[0], bce(valid).data))
print(' '.join('%+.3f' % p.data for p in w), 'bias %+.3f' % b.data)
