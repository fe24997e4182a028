import math
from micrograd.engine import Value

class V(Value):
    """Value with a few more functions"""

    def sin(self):
        out = V(math.sin(self.data), (self,), 'sin')
        def _backward():
            self.grad += math.cos(self.data) * out.grad
        out._backward = _backward
        return out

    def cos(self):
        out = V(math.cos(self.data), (self,), 'cos')
        def _backward():
            self.grad += -math.sin(self.data) * out.grad
        out._backward = _backward
        return out

    def leaky_relu(self, alpha=0.01):
        out = V(self.data if self.data > 0 else alpha * self.data, (self,), 'leaky')
        def _backward():
            self.grad += (1 if self.data > 0 else alpha) * out.grad
        out._backward = _backward
        return out

x = V(0.5, label='x')
y = V(-1.25, label='y')
out = x.sin() * y.cos() + y.leaky_relu(0.1) * x
out.backward()
print(f"{out.data:.6f} {x.grad:.6f} {y.grad:.6f}")
print(isinstance(x.sin(), V), type(x.cos()).__name__)
one = x.sin()**2 + x.cos()**2
print("%.4f" % one.data)
x.grad = 0
one.backward()
print(abs(x.grad) < 1e-12)
