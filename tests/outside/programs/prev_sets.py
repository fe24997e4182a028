from micrograd.engine import Value

a, b, c = Value(1.0, label='a'), Value(2.0, label='b'), Value(3.0, label='c')
m = a * b
p = m + c
q = p * m
r = q ** 2

print(m._prev == {a, b}, p._prev == {m, c}, r._prev == {q}, a._prev == set())
print(m._prev.issubset({a, b, c}), m._prev.isdisjoint(p._prev), len(p._prev.union(q._prev)))
print(len(p._prev | q._prev), len(p._prev & q._prev), p._prev - q._prev == {c}, len(p._prev ^ q._prev))
print(a in m._prev, c in m._prev, bool(a._prev), not a._prev)

def ancestors(v):
    return set(v._prev).union(*(ancestors(u) for u in v._prev))
print(len(ancestors(r)), sorted(u.label for u in ancestors(r) if not u._prev))
leaves = {u for u in ancestors(r) if len(u._prev) == 0}
print(leaves == {a, b, c})
consumers = {u: {w for w in ancestors(r) | {r} if u in w._prev} for u in ancestors(r)}
print(len(consumers[m]), len(consumers[a]), consumers[q] == {r})
(only,) = r._prev
first = next(iter(r._prev))
print(only is first is q, min(len(u._prev) for u in (m, p, q, r)))
d = a + a
e = d * d
print(len(d._prev), len(e._prev), set().union(d._prev, e._prev) == {a, d})
