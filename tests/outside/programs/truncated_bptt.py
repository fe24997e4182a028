from micrograd.engine import Value

def detach(h):
    # cut the graph here
    h._prev = set()
    h._backward = lambda: None
    return h

w, u = Value(0.7), Value(0.5)
seq = [1.0, 0.5, -0.25, 0.8, 0.1, -0.6]
def run(k):
    h = Value(0.0)
    w.grad = u.grad = 0
    total = 0.0
    for t, x in enumerate(seq):
        h = (w * h + u * x).tanh()
        if (t + 1) % k == 0:
            loss = (h - 0.3) ** 2
            loss.backward()
            total += loss.data
            h = detach(h)
    return total, w.grad, u.grad

for k in (1, 2, 3, 6):
    print(k, '%.6f %.6f %.6f' % run(k))

# the lazy way: a new Value from the number
h = (w * 2).tanh()
h2 = Value(h.data)
y = h2 * w
w.grad = 0
y.backward()
print('%.6f %s' % (w.grad, len(h2._prev)))

# free everything after use
def free(v):
    for c in list(v._prev):
        free(c)
    v._prev = ()
    v._backward = lambda: None
z = (w * u + w) ** 2
w.grad = 0
z.backward()
free(z)
print('%.6f' % w.grad, len(z._prev))
