from micrograd.engine import Value

# the little expression from the video, all by hand
a = Value(2.0, label='a')
b = Value(-3.0, label='b')
c = Value(10.0, label='c')
e = a*b; e.label = 'e'
d = e + c; d.label = 'd'
f = Value(-2.0, label='f')
L = d * f; L.label = 'L'

L.grad = 1.0
f.grad = d.data
d.grad = f.data
c.grad = d.grad * 1.0
e.grad = d.grad * 1.0
a.grad = e.grad * b.data
b.grad = e.grad * a.data
for v in (L, d, f, e, c, a, b):
    print('%s | data %.4f | grad %.4f' % (v.label, v.data, v.grad))

def lol():
    h = 0.0001
    def build(da=0.0):
        a = Value(2.0 + da, label='a')
        b = Value(-3.0, label='b')
        c = Value(10.0, label='c')
        return (a*b + c) * Value(-2.0, label='f')
    L1 = build().data
    L2 = build(h).data
    print('%.4f' % ((L2 - L1)/h))
lol()

# nudge everything a bit along the gradient
for v in [a, b, c, f]:
    v.data += 0.01 * v.grad
e = a*b
d = e + c
L = d * f
print('%.6f' % L.data)
