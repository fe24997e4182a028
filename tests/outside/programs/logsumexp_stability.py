import math
from micrograd.engine import Value

def lse_naive(vs):
    s = sum(v.exp() for v in vs)
    out = Value(math.log(s.data), (s,), 'log')
    def f(): s.grad += out.grad / s.data
    out._backward = f
    return out

def lse(vs):
    m = max(v.data for v in vs)
    return lse_naive([v - m for v in vs]) + m

small = [Value(0.1), Value(-0.4), Value(1.2)]
a = lse_naive(small); b = lse(small)
print('%.10f %.10f' % (a.data, b.data))
a.backward()
print(['%.5f' % v.grad for v in small], '%.5f' % sum(v.grad for v in small))

big = [Value(1000.0), Value(1001.0), Value(999.5)]
try:
    print(lse_naive(big).data)
except OverflowError:
    print('naive version overflowed')
c = lse(big)
c.backward()
print('%.6f' % c.data, ['%.5f' % v.grad for v in big])
tiny = [Value(-1000.0), Value(-1001.0)]
print('%.6f' % lse(tiny).data)
try:
    lse_naive(tiny)
except ValueError as err:
    print('naive version: log of zero')
