from micrograd.engine import Value

class Logged(Value):
    """remembers how often each op was used"""
    counts = {}

    def __init__(self, data, children=(), op='', name=None):
        super().__init__(data, children, op)
        self.name = name or 'tmp'

    def __add__(self, other):
        self.counts['+'] = self.counts.get('+', 0) + 1
        return self.wrap(super().__add__(other))

    def __mul__(self, other):
        self.counts['*'] = self.counts.get('*', 0) + 1
        return self.wrap(super().__mul__(other))

    def wrap(self, inner):
        out = Logged(inner.data, (inner,), 'wrap')
        def _backward():
            inner.grad += out.grad
        out._backward = _backward
        return out

    def __repr__(self):
        return f'<{self.name} {self.data:.3f}>'

x = Logged(1.5, name='x')
y = Logged(-2.0, name='y')
z = x * y + x * 3 + y
z.name = 'z'
print(x, y, z, sorted(Logged.counts.items()))
z.backward()
print('%.3f %.3f' % (x.grad, y.grad))
w = 2 * x + 1.0
print(w, Logged.counts['*'], f'{x}')
w.backward()
print('%.3f' % x.grad)
print([v.name for v in sorted([z, x, y], key=lambda v: v.name)])
