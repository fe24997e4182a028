from micrograd.engine import Value
import math

# building nodes field by field
a = Value(0.8); b = Value(-0.6)
out = Value(a.data * b.data + math.sin(a.data))
out._prev = {a, b}
out._op = 'mulsin'
def _backward():
    a.grad += (b.data + math.cos(a.data)) * out.grad
    b.grad += a.data * out.grad
out._backward = _backward
y = out ** 2 + a
y.backward()
print('%.6f %.6f %.6f' % (y.data, a.grad, b.grad))

# everything by keyword
c = Value(data=2.0, label='c')
d = Value(data=c.data ** 3, _children=(c,), _op='cube', label='d')
d._backward = lambda: setattr(c, 'grad', c.grad + 3 * c.data ** 2 * d.grad)
d.backward()
print(d.label, d._op, '%.1f' % c.grad)

# a few notes stuck on nodes
for i, v in enumerate([a, b, c]):
    v.color = ['red', 'green', 'blue'][i]
    v.requires_grad = i != 1
    v.name = f'n{i}'
print([(v.name, v.color) for v in (a, b, c) if v.requires_grad])
print(hasattr(a, 'color'), hasattr(Value(1.0), 'color'), getattr(y, 'name', 'unnamed'))
del a.color
print(hasattr(a, 'color'))
leaf = Value(3.0)
leaf._backward = lambda: None
leaf.backward()
print('%.1f' % leaf.grad, leaf._op == '', len(leaf._prev))
