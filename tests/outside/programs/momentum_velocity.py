from micrograd.engine import Value

x = Value(-1.2)
y = Value(1.0)
params = [x, y]
for p in params:
    p.velocity = 0

def rosenbrock():
    return (1 - x) ** 2 + 100 * (y - x ** 2) ** 2

for i in range(300):
    out = rosenbrock()
    for p in params:
        p.grad = 0
    out.backward()
    for p in params:
        p.velocity = 0.9 * p.velocity - 0.0005 * p.grad
        p.data += p.velocity
    if i % 100 == 0:
        print(i, round(out.data, 4), round(x.data, 4), round(y.data, 4))
print('%.4f %.4f' % (x.data, y.data))
