from micrograd.engine import Value

def newton(f, x0, tol=1e-10):
    x = x0
    for i in range(50):
        v = Value(x)
        y = f(v)
        if abs(y.data) < tol:
            return x, i
        y.backward()
        x = x - y.data / v.grad
    raise RuntimeError('no convergence')

print("sqrt2   %.8f (%d)" % newton(lambda v: v**2 - 2, 1.0))
print("cubert  %.8f (%d)" % newton(lambda v: v**3 - 5, 1.0))
print("ln 7    %.8f (%d)" % newton(lambda v: v.exp() - 7, 2.0))
print("1/3     %.8f (%d)" % newton(lambda v: 1/v - 3, 0.2))
print("x=tanh  %.8f (%d)" % newton(lambda v: v.tanh() - 0.5 * v, 2.0))

# minimise by newton with a finite differenced hessian
def slope(x):
    v = Value(x)
    ((v - 1) ** 4 + v * v).backward()
    return v.grad
x = 3.0
while abs(slope(x)) > 1e-9:
    x -= slope(x) / ((slope(x + 1e-5) - slope(x - 1e-5)) / 2e-5)
print(f'{x:.6f}')
