import numpy as np
from micrograd.engine import Value
from micrograd.nn import MLP

to_values = np.vectorize(Value, otypes=[object])
datas = np.vectorize(lambda v: float(v.data), otypes=[float])
grads = np.vectorize(lambda v: float(v.grad), otypes=[float])

np.random.seed(1)
A = to_values(np.random.rand(2, 3))
x = to_values(np.ones(3))
h = np.tanh(A @ x)
e = np.exp(h)
p = e / e.sum()
loss = -(p * np.array([1.0, 2.0])).sum() ** 2
loss.backward()
np.set_printoptions(precision=4, suppress=True)
print(datas(h), datas(p))
print(grads(A))
print(grads(x))
print(np.outer(x, h).shape, '%.4f' % np.trace(np.outer(h, h)).data, '%.4f' % np.prod(A[1]).data)
print(datas(np.cumsum(x)), datas(np.concatenate([x, 2 * x])), datas(A.dot(x)))
print(np.full(3, Value(0.5)).dtype, np.array([Value(1), 2]).dtype, np.stack([h, h]).shape)

X = np.array([[0.5, 1.0], [2.0, -1.0]])
import random
random.seed(1)
net = MLP(2, [3, 2])
out = np.array([net(row) for row in X])
print(out.shape, datas(out))
params = np.array(net.parameters())
(out ** 2).sum().backward()
for q, g in zip(params, grads(params)):
    q.data -= np.float64(0.1) * g
print('%.5f' % sum(q.data for q in params), datas(params).shape)
print('%.5f' % (np.float64(2) * params[0] - np.float64(1)).data, type(np.int64(3) + params[0]).__name__)
