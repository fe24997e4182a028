from decimal import Decimal
from fractions import Fraction
import numpy as np
from micrograd.engine import Value

x = Value(np.float64(1.5))
y = Value(np.array(2.0))          # 0-d array
z = Value(np.float32(0.25))
n = Value(np.int64(3))
out = x * y + z * n - np.float64(0.5)
out.backward()
print('%.4f' % out.data, *['%.4f' % v.grad for v in (x, y, z, n)])

r = Value(Fraction(1, 3))
s = r * 3 + Fraction(1, 2)
s.backward()
print('%.4f %.1f' % (float(s.data), float(r.grad)))
d = Value(Decimal('0.1'))
e = d * 3 * d + Decimal('1.25')
e.backward()
print('%.4f %.4f' % (float(e.data), float(d.grad)))
for t in (True, 7, 7.0):
    v = Value(t)
    w = v * 2 + v
    w.backward()
    print('%g %g' % (w.data, v.grad))
q = np.mean([1.0, 2.0]) + Value(1.0)
print(type(q).__name__, '%.1f' % q.data)
p = np.float64(3.0) * Value(2.0) - np.float64(1) / Value(4.0)
print(type(p).__name__, '%.2f' % p.data)
