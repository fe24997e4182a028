from collections import deque, Counter
from micrograd.engine import Value

def kahn(root):
    uses = Counter()
    todo, seen = [root], {root}
    while todo:
        v = todo.pop()
        for c in v._prev:
            uses[c] += 1
            if c not in seen:
                seen.add(c)
                todo.append(c)
    q, out = deque([root]), []
    while q:
        v = q.popleft()
        out.append(v)
        for c in v._prev:
            uses[c] -= 1
            if uses[c] == 0:
                q.append(c)
    assert len(out) == len(seen)
    return out

a, b = Value(1.0), Value(2.0)
c = a + b
d = a * c
e = d + c
f = e * e
f2 = f.tanh() + a
order = kahn(f2)
ops = Counter(v._op or 'leaf' for v in order)
print(sorted(ops.items()), len(order))
f2.grad = 1.0
for v in order:
    v._backward()
by_kahn = a.grad, b.grad
for v in order:
    v.grad = 0.0
f2.backward()
print(by_kahn == (a.grad, b.grad), '%.6g %.6g' % by_kahn)
shared = [v for v in order if sum(v in u._prev for u in order) > 1]
print(len(shared), a in shared, b in shared, c in shared)
print(d._prev == {a, c}, f._prev == {e}, len(a._prev), e._prev & d._prev == {c}, a in c._prev)
