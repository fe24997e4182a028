from micrograd.engine import Value
import random

def numeric(f, params, i, h=1e-5):
    old = params[i].data
    params[i].data = old + h
    hi = f(params).data
    params[i].data = old - h
    lo = f(params).data
    params[i].data = old
    return (hi - lo) / (2 * h)

def f(p):
    x, y, z = p
    return ((x * y + z**2).tanh() + (x / (z**2 + 1.0)) - y.exp() * 0.1) * (x - 3)

random.seed(5)
worst = 0
for trial in range(5):
    p = [Value(random.uniform(-1, 1)) for _ in range(3)]
    out = f(p)
    out.backward()
    row = []
    for i, v in enumerate(p):
        n = numeric(f, p, i)
        worst = max(worst, abs(n - v.grad))
        row.append('%.5f' % v.grad)
    print(trial, '%.6f' % out.data, *row)
print('ok' if worst < 1e-6 else 'FAILED', )
