import heapq
from functools import cmp_to_key
from micrograd.engine import Value

def num(o): return o.data if isinstance(o, Value) else o
Value.__lt__ = lambda self, other: self.data < num(other)
Value.__gt__ = lambda self, other: self.data > num(other)
Value.__le__ = lambda self, other: self.data <= num(other)
Value.__ge__ = lambda self, other: self.data >= num(other)
Value.__abs__ = lambda self: self if self.data >= 0 else -self
Value.clamp = lambda self, lo, hi: self if lo <= self.data <= hi else Value(min(max(self.data, lo), hi))

vs = [Value(float(x)) for x in (3, -1, 2, -5, 4)]
print(['%.0f' % v.data for v in sorted(vs)], '%.0f' % max(vs).data, '%.0f' % min(vs).data)
print(['%.0f' % v.data for v in heapq.nsmallest(2, vs)], ['%.0f' % v.data for v in heapq.nlargest(2, vs)])
print(vs[0] > 2, vs[1] >= Value(0), 3 < vs[4], vs[0] <= vs[2], not vs[0] < vs[2])
l1 = sum(abs(v) for v in vs)
l1.backward()
print('%.1f' % l1.data, ['%.0f' % v.grad for v in vs])
c = [v.clamp(-2, 2) for v in vs]
for v in vs: v.grad = 0
sum(x * x for x in c).backward()
print(['%.0f' % v.grad for v in vs])
def maximum(a, b): return a if a > b else b
m = maximum(vs[0] * vs[2], vs[1] * vs[3])
for v in vs: v.grad = 0
m.backward()
print('%.0f' % m.data, ['%.0f' % v.grad for v in vs])
print(['%.0f' % v.data for v in sorted(vs, key=cmp_to_key(lambda a, b: (a > b) - (a < b)), reverse=True)])
