import math
from micrograd.engine import Value

def my_tanh(x):
    t = (math.exp(2*x.data) - 1)/(math.exp(2*x.data) + 1)
    out = Value(t, (x,), 'tanh')
    def _backward():
        x.grad += (1 - t**2) * out.grad
    out._backward = _backward
    return out

def my_log(x):
    out = Value(math.log(x.data), (x,), 'log')
    def _backward():
        x.grad += out.grad / x.data
    out._backward = _backward
    return out

x = Value(0.7, label='x')
y = my_tanh(x * 2.0 + 1.0)
z = my_log(y + 3) * y
z.backward()
print("z  = %.6f" % z.data)
print("dz = %.6f" % x.grad)
print(y._op, len(y._prev), z._op)

h = 1e-6
def f(v):
    t = math.tanh(v * 2 + 1)
    return math.log(t + 3) * t
print("fd = %.4f" % ((f(0.7 + h) - f(0.7 - h)) / (2*h)))
