from micrograd.engine import Value

# no sets, I like lists
def topo_sort(root):
    visited, order = [], []
    def go(v):
        if v in visited:
            return
        visited.append(v)
        for child in v._prev:
            go(child)
        order.append(v)
    go(root)
    return order

a, b, c = Value(1.0, label='a'), Value(1.0, label='b'), Value(2.0, label='c')
d = a + b                # same number as c
e = a * c
f = d * e + b
f2 = f.relu() * c
order = topo_sort(f2)
print(len(order), order[-1] is f2, order.index(f2), order.count(a))
print([v.label for v in (a, b, c) if v in order], order.index(a) < order.index(e))
f2.grad = 1.0
for v in order[::-1]:
    v._backward()
print('%.2f %.2f %.2f' % (a.grad, b.grad, c.grad))

nodes, edges = [], []
def trace(v):
    if v not in nodes:
        nodes.append(v)
        for w in v._prev:
            if (w, v) not in edges:
                edges.append((w, v))
            trace(w)
trace(f2)
print(len(nodes), len(edges), sorted(len(v._prev) for v in nodes))
rest = list(order)
rest.remove(c)
print(len(rest), c in rest, a in rest, any(v is b for v in rest))

# an own op whose children have equal numbers
out = Value(a.data * b.data * d.data, [a, b, d], 'mul3')
def _backward():
    a.grad += b.data * d.data * out.grad
    b.grad += a.data * d.data * out.grad
    d.grad += a.data * b.data * out.grad
out._backward = _backward
for v in order: v.grad = 0
(out * c).backward()
print('%.2f %.2f %.2f' % (a.grad, b.grad, c.grad))
