from collections import defaultdict
from micrograd.engine import Value

cache = defaultdict(float)      # keyed by the Value itself
def rmsprop(params, lr=0.02, decay=0.9):
    for p in params:
        cache[p] = decay * cache[p] + (1 - decay) * p.grad**2
        p.data -= lr * p.grad / (cache[p]**0.5 + 1e-7)
        p.grad = 0

w = [Value(0.5), Value(-0.3), Value(0.0)]
seen = {p: i for i, p in enumerate(w)}
assert seen[w[2]] == 2 and w[1] in seen and w.index(w[1]) == 1

pts = [(-2, 11.2), (-1, 5.9), (0, 3.1), (1, 2.0), (2, 2.8)]
for step in range(150):
    loss = Value(0.0)
    for x, y in pts:
        pred = w[0] + w[1]*x + w[2]*x**2
        loss = loss + (pred - y)**2
    loss = loss * (1/len(pts))
    loss.backward()
    rmsprop(w)
    if step % 50 == 0: print(f'{step:4d} {loss.data:9.5f}')
print(' '.join(f'{p.data:.4f}' for p in w), len(cache))
