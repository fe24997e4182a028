from micrograd.engine import Value
import math

x1 = Value(2.0, label='x1')
x2 = Value(0.0, label='x2')
w1 = Value(-3.0, label='w1')
w2 = Value(1.0, label='w2')
b = Value(6.8813735870195432, label='b')
x1w1 = x1*w1; x1w1.label = 'x1*w1'
x2w2 = x2*w2; x2w2.label = 'x2*w2'
x1w1x2w2 = x1w1 + x2w2; x1w1x2w2.label = 'x1*w1 + x2*w2'
n = x1w1x2w2 + b; n.label = 'n'
o = n.tanh(); o.label = 'o'

# call _backward ourselves, in the right order
o.grad = 1.0
o._backward()
n._backward()
b._backward()
x1w1x2w2._backward()
x2w2._backward()
x1w1._backward()
for v in (o, n, b, x1w1x2w2, x1w1, x2w2, x1, w1, x2, w2):
    print(f'{v.label:>14s}  {v.data: .4f}  {v.grad: .4f}')

# the same thing with tanh broken into pieces
x1 = Value(2.0); x2 = Value(0.0); w1 = Value(-3.0); w2 = Value(1.0)
b = Value(6.8813735870195432)
n = x1*w1 + x2*w2 + b
e = (2*n).exp()
o = (e - 1) / (e + 1)
o.backward()
print([round(v.grad, 4) + 0.0 for v in (x1, w1, x2, w2)])
print(abs(o.data - math.tanh(n.data)) < 1e-12)
