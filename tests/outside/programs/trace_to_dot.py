from micrograd.engine import Value

def trace(root):
    nodes, edges = set(), set()
    def build(v):
        if v not in nodes:
            nodes.add(v)
            for child in v._prev:
                edges.add((child, v))
                build(child)
    build(root)
    return nodes, edges

def to_dot(root):
    nodes, edges = trace(root)
    lines = []
    for n in nodes:
        lines.append('  "%s" [label="{ %s | data %.4f | grad %.4f }", shape=record];' % (n.label, n.label, n.data, n.grad))
        if n._op:
            lines.append('  "%s%s" [label="%s"];' % (n.label, n._op, n._op))
            lines.append('  "%s%s" -> "%s";' % (n.label, n._op, n.label))
    for n1, n2 in edges:
        lines.append('  "%s" -> "%s%s";' % (n1.label, n2.label, n2._op))
    return 'digraph {\n' + '\n'.join(sorted(lines)) + '\n}'

a = Value(2.0, label='a'); b = Value(-3.0, label='b'); c = Value(10.0, label='c')
e = a * b; e.label = 'e'
d = e + c; d.label = 'd'
g = d ** 2; g.label = 'g'
h = (g * a); h.label = 'h'
L = h.tanh(); L.label = 'L'
M = L.exp() ; M.label = 'M'
N = M.relu(); N.label = 'N'
N.backward()
print(to_dot(N))
ns, es = trace(N)
print(len(ns), len(es))
