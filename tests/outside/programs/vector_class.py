from __future__ import annotations
import random
from typing import Iterable, Union
from micrograd.engine import Value

Scalar = Union[int, float, Value]

class Vec:
    def __init__(self, items: Iterable[Scalar]):
        self.v = [x if isinstance(x, Value) else Value(x) for x in items]
    def __len__(self): return len(self.v)
    def __getitem__(self, i): return Vec(self.v[i]) if isinstance(i, slice) else self.v[i]
    def __iter__(self): return iter(self.v)
    def __add__(self, o): return Vec(a + b for a, b in zip(self, o)) if isinstance(o, Vec) else Vec(a + o for a in self)
    def __mul__(self, o): return Vec(a * b for a, b in zip(self, o)) if isinstance(o, Vec) else Vec(a * o for a in self)
    __rmul__ = __mul__
    __radd__ = __add__
    def __sub__(self, o): return self + (-1 * o)
    def __matmul__(self, o): return sum(a * b for a, b in zip(self, o))
    def map(self, f): return Vec(map(f, self))
    def norm2(self): return self @ self
    def numpyish(self, d=3): return [round(x.data, d) + 0.0 for x in self]
    def grads(self, d=3): return [round(x.grad, d) + 0.0 for x in self]

class Mat:
    def __init__(self, rows): self.rows = [Vec(r) for r in rows]
    def __matmul__(self, v): return Vec(r @ v for r in self.rows)
    @property
    def T(self): return Mat(zip(*self.rows))

random.seed(10)
M = Mat([[random.uniform(-1, 1) for _ in range(3)] for _ in range(2)])
x = Vec([1, 2.0, Value(-0.5)])
y = (M @ x).map(Value.tanh)
print(y.numpyish(), len(y), len(M.T.rows))
loss = (y - Vec([0.5, -0.5])).norm2() + 0.1 * (M.T @ y).norm2()
loss.backward()
print('%.5f' % loss.data, x.grads(), [r.grads() for r in M.rows])
# power iteration-ish
v = Vec([1.0, 1.0, 1.0])
for _ in range(5):
    v = M.T @ (M @ v)
    v = v * (1 / v.norm2().data ** 0.5)
print(v.numpyish(4), '%.4f' % v.norm2().data, v[:2].numpyish())
