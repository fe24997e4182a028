from micrograd.engine import Value

def add_hook(v, f):
    old = v._backward
    def hooked():
        v.grad = f(v.grad)
        old()
    v._backward = hooked

a = Value(2.0); b = Value(-3.0)
h = a * b
add_hook(h, lambda g: max(-0.5, min(0.5, g)))      # clip on the way back
s = h ** 2
seen = []
add_hook(s, lambda g: (seen.append(round(g, 4)), g)[1])
y = s * 4 + h
y.backward()
print('%.3f %.3f %.3f' % (h.grad, a.grad, b.grad), [float(g) for g in seen], s._op, len(s._prev))

# gradient reversal
x = Value(1.5)
feat = x * 2
rev = feat + 0
def reverse():
    feat.grad += -0.1 * rev.grad
rev._backward = reverse
out = rev.tanh() + feat * feat
out.backward()
print('%.5f' % x.grad)

# hook twice
p = Value(0.5)
q = p.exp()
add_hook(q, lambda g: g * 10)
add_hook(q, lambda g: g + 1)
q.backward()
print('%.5f' % p.grad)
