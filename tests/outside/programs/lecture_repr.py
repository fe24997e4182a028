from micrograd.engine import Value

Value.__repr__ = lambda self: f"Value(data={self.data:.4f})"

a = Value(2.0)
b = Value(-3.0)
print(a, b, [a * b, a + b], a - b)
print(f"{a} {b!r} {str(a)}")

class Named(Value):
    def __repr__(self):
        return f"{self.label or '?'}={self.data:.2f} (grad {self.grad:.2f})"

x = Named(1.5, label='x')
w = Named(0.5, label='w')
y = x * w + 1
y.backward()
print(x, w, {'x': x}, sep=' | ')
print("%s / %r" % (x, w))
