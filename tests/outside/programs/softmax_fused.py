import math, random
from micrograd.engine import Value

def softmax(xs):
    """each output knows all the inputs"""
    top = max(x.data for x in xs)
    es = [math.exp(x.data - top) for x in xs]
    ps = [e / sum(es) for e in es]
    outs = []
    for i in range(len(xs)):
        out = Value(ps[i], tuple(xs), 'softmax')
        def _backward(i=i, out=out):
            for j, x in enumerate(xs):
                x.grad += ps[i] * ((i == j) - ps[j]) * out.grad
        out._backward = _backward
        outs.append(out)
    return outs

def cross_entropy(xs, target):
    top = max(x.data for x in xs)
    es = [math.exp(x.data - top) for x in xs]
    Z = sum(es)
    out = Value(math.log(Z) + top - xs[target].data, set(xs), 'ce')
    def _backward():
        for j, x in enumerate(xs):
            x.grad += (es[j] / Z - (j == target)) * out.grad
    out._backward = _backward
    return out

random.seed(33)
W = [[Value(random.uniform(-1, 1)) for _ in range(2)] for _ in range(3)]
data = [((1, 0), 0), ((0, 1), 1), ((-1, -1), 2), ((2, 0.5), 0), ((0.2, 2), 1)]
for k in range(25):
    loss = sum(cross_entropy([w[0]*x0 + w[1]*x1 for w in W], t) for (x0, x1), t in data) / len(data)
    for row in W:
        for p in row: p.grad = 0.0
    loss.backward()
    for row in W:
        for p in row: p.data -= 0.5 * p.grad
    if k % 8 == 0: print(k, '%.5f' % loss.data)
logits = [Value(1.0), Value(2.0), Value(0.5)]
p = softmax([l * 1.5 for l in logits])
(p[0] * 2 + p[1] ** 2 - p[2]).backward()
print(['%.5f' % v.data for v in p], ['%.5f' % l.grad for l in logits])
