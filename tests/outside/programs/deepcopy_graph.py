from copy import copy, deepcopy
from micrograd.engine import Value

a = Value(2.0, label='a'); b = Value(3.0, label='b')
y = (a * b + a) ** 2
y.label = 'y'
z = deepcopy(y)
print(z is y, '%.2f' % z.data, z.label, z._op)

def leaves(v, found):
    if not v._prev:
        found[v.label] = v
    for c in v._prev:
        leaves(c, found)
    return found

la = leaves(z, {})
print(sorted(la), la['a'] is a)
la['a'].data = 5.0
print('%.1f %.1f' % (a.data, la['a'].data))

c = copy(a)
c.label = 'c'
c.data = -1.0
print(a.label, c.label, '%.1f' % a.data)
two = deepcopy([a, a, {'b': b}])
print(two[0] is two[1], two[2]['b'] is b)
