import random
from micrograd.engine import Value

random.seed(8)
H = 3
def mat(r, c): return [[Value(random.uniform(-.5, .5)) for _ in range(c)] for _ in range(r)]
def vec(n): return [Value(0.0) for _ in range(n)]

Wx, Wh, bh = mat(H, 1), mat(H, H), vec(H)
Wo, bo = mat(1, H), vec(1)
params = [p for m in (Wx, Wh, Wo) for row in m for p in row] + bh + bo

def cell(x, h):
    return [(sum(w*xi for w, xi in zip(Wx[i], x)) + sum(w*hi for w, hi in zip(Wh[i], h)) + bh[i]).tanh()
            for i in range(H)]

def run(seq):
    h = [Value(0.0)] * H
    for x in seq:
        h = cell([x], h)
    return sum(w*hi for w, hi in zip(Wo[0], h)) + bo[0]

# does the sequence have more ones than zeros?
train = [[1,1,0,1], [0,0,1,0], [1,0,1,1], [0,1,0,0], [1,1,1,0], [0,0,0,1]]
targets = [1, -1, 1, -1, 1, -1]
for it in range(31):
    loss = sum((run(s) - t)**2 for s, t in zip(train, targets)) / len(train)
    for p in params: p.grad = 0.0
    loss.backward()
    norm = sum(p.grad**2 for p in params) ** 0.5
    clip = min(1.0, 1.0 / (norm + 1e-9))
    for p in params:
        p.data -= 0.3 * clip * p.grad
    if it % 10 == 0:
        print(f"{it:3d}  loss {loss.data:.4f}  |g| {norm:.4f}  clip {clip:.3f}")
print([1 if run(s).data > 0 else -1 for s in train])
