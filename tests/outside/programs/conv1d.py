import itertools
from micrograd.engine import Value

def conv1d(x, k, stride=1):
    n = len(k)
    return [sum(a * b for a, b in zip(x[i:i+n], k)) for i in range(0, len(x) - n + 1, stride)]

def avgpool(x, n):
    it = iter(x)
    while chunk := list(itertools.islice(it, n)):
        yield sum(chunk) / len(chunk)

signal = [0, 0, 1, 1, 1, 0, 0, 1, 0, 0, 0]
want = [1, 0, 0, -1, 0, 1, -1, 0, 0]          # an edge detector should come out
k = [Value(0.1), Value(-0.2), Value(0.3)]
for i in range(100):
    y = conv1d(signal, k)
    loss = sum((a - b)**2 for a, b in zip(y, want))
    for v in k: v.grad = 0
    loss.backward()
    for v in k: v.data -= 0.03 * v.grad
    if i % 25 == 0: print('%3d %.4f' % (i, loss.data))
print([f'{v.data:.3f}' for v in k])
pooled = list(avgpool(conv1d(signal, k, stride=2), 2))
print(len(pooled), ['%.3f' % p.data for p in pooled])
two = conv1d(conv1d([Value(s) for s in signal], k), k[::-1])
total = sum(two)
for v in k: v.grad = 0
total.backward()
print(['%.3f' % v.grad for v in k])
