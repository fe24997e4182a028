import math
from micrograd.engine import Value

def descend(f, lr, n=40):
    x = Value(1.5)
    for i in range(n):
        try:
            y = f(x)
        except OverflowError:
            return 'overflow at step %d' % i
        x.grad = 0
        y.backward()
        x.data -= lr * x.grad
        if math.isnan(x.data) or math.isinf(x.data):
            return 'x became %s at step %d' % (x.data, i)
    return 'x = %.6f after %d' % (x.data, n)

for lr in (0.01, 0.1, 0.5, 2.0):
    print(lr, '|', descend(lambda x: (x**2 - 1)**2, lr), '|', descend(lambda x: x * x * x * x - x, lr),
          '|', descend(lambda x: x.exp() - 2 * x, lr))
big = Value(1e200) * Value(1e200)
print(big.data, (big - big).data, (big * 0).data, (Value(float('-inf')) + 1).data)
print(Value(1e-200).data * 1e-200 == (Value(1e-200) * 1e-200).data, Value(-1e308).relu().data == 0)
