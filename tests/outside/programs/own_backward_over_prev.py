"""my own backprop: no closures, look at the op and do the chain rule here"""
from micrograd.engine import Value

def order(v, seen, out):
    if id(v) in seen:
        return
    seen.append(id(v))       # slow but ok
    for c in list(v._prev):
        order(c, seen, out)
    out.append(v)

def backprop(root):
    nodes = []
    order(root, [], nodes)
    g = {id(n): 0.0 for n in nodes}
    g[id(root)] = 1.0
    for n in nodes[::-1]:
        kids = list(n._prev)
        up = g[id(n)]
        if n._op == '+':
            if len(kids) == 1: kids = kids * 2   # a + a
            for k in kids:
                g[id(k)] += up
        elif n._op == '*':
            if len(kids) == 1: kids = kids * 2
            l, r = kids
            g[id(l)] += r.data * up
            g[id(r)] += l.data * up
        elif n._op == 'tanh':
            g[id(kids[0])] += (1 - n.data**2) * up
        elif n._op == 'ReLU':
            g[id(kids[0])] += (n.data > 0) * up
        elif n._op.startswith('**'):
            p = float(n._op[2:])
            g[id(kids[0])] += p * kids[0].data ** (p - 1) * up
        elif n._op == 'exp':
            g[id(kids[0])] += n.data * up
    return {n.label: g[id(n)] for n in nodes if n.label}

a = Value(0.3, label='a'); b = Value(-1.1, label='b'); c = Value(2.5, label='c')
y = (a * b + c).tanh() * (a + a) + (b * b).exp() + (c * c + a).relu() ** 3
mine = backprop(y)
y.backward()
for v in (a, b, c):
    print(v.label, '%.6f' % mine[v.label], '%.6f' % v.grad, abs(mine[v.label] - v.grad) < 1e-9)
