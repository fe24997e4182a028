from micrograd.engine import Value

topo = []
visited = set()
def build_topo(v):
    if v not in visited:
        visited.add(v)
        for child in v._prev:
            build_topo(child)
        topo.append(v)

x1 = Value(1.5, label='x1'); x2 = Value(-0.5, label='x2')
w1 = Value(0.8, label='w1'); w2 = Value(2.0, label='w2'); b = Value(0.1, label='b')
p1 = x1*w1; p1.label='p1'
p2 = x2*w2; p2.label='p2'
s = p1 + p2; s.label='s'
n = s + b; n.label='n'
o = n.tanh(); o.label='o'

build_topo(o)
pos = {v: i for i, v in enumerate(topo)}
for v in topo:
    assert all(pos[c] < pos[v] for c in v._prev)
print(len(topo), topo[-1].label, sorted(v.label for v in topo))

o.grad = 1.0
for node in reversed(topo):
    node._backward()
print({v.label: round(v.grad, 6) for v in sorted(topo, key=lambda v: v.label)})

# without sets, level by level
def depth(v):
    return 1 + max((depth(c) for c in v._prev), default=-1)
levels = {}
for v in topo:
    levels.setdefault(depth(v), []).append(v.label)
for k in sorted(levels):
    print(k, sorted(levels[k]))
