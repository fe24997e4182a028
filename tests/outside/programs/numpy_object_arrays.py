import numpy as np
from micrograd.engine import Value

np.random.seed(0)
W = np.array([[Value(v) for v in row] for row in np.random.randn(2, 3)])
b = np.array([Value(0.0), Value(0.0)])
X = np.array([[1.0, 2.0, 3.0], [-1.0, 0.5, 0.25]])

out = X @ W.T + b
print(out.shape, out.dtype)
act = np.array([[v.tanh() for v in row] for row in out])
loss = ((act - np.array([[1, -1], [0.5, 0.0]])) ** 2).sum()
loss.backward()
print('%.6f' % loss.data)
grad = np.vectorize(lambda v: v.grad)(W)
print(np.round(grad.astype(float), 4))
print(np.round(np.array([v.grad for v in b], dtype=float), 4))

u = np.array([Value(1.0), Value(2.0), Value(3.0)])
v = np.array([Value(-1.0), Value(0.5), Value(2.0)])
d = np.dot(u, v)
d.backward()
print('%.2f' % d.data, ['%.1f' % x.grad for x in u], ['%.1f' % x.grad for x in v])
m = (u * 2 + 1).sum() / 3
print('%.3f' % m.data, '%.3f' % np.sum(u * v).data)
W -= 0.1 * grad        # new Values
print('%.4f' % W[0, 0].data, len(W.ravel()), W.sum().data == sum(w.data for w in W.ravel()))
