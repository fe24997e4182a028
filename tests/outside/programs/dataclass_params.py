from __future__ import annotations
from dataclasses import dataclass, field, fields, replace
from micrograd.engine import Value

@dataclass
class Params:
    w: Value
    b: Value
    name: str = 'line'
    log: list = field(default_factory=list)

    def __call__(self, x):
        return self.w * x + self.b

    def values(self):
        return [getattr(self, f.name) for f in fields(self) if isinstance(getattr(self, f.name), Value)]

p = Params(Value(0.0), Value(0.0))
for i in range(25):
    loss = sum((p(x) - (3 * x + 1)) ** 2 for x in (-1, 0, 1, 2)) / 4
    for v in p.values():
        v.grad = 0
    loss.backward()
    for v in p.values():
        v.data -= 0.2 * v.grad
    p.log.append(loss.data)
print(p.name, len(p.values()), len(p.log))
print('%.4f -> %.4f' % (p.log[0], p.log[-1]))
print('%.4f %.4f' % (p.w.data, p.b.data))
q = replace(p, b=Value(10), name='shifted')
print(q.name, q.w is p.w, '%.2f' % q(0).data)
