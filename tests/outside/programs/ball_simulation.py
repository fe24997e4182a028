"""find the thrust that lands a ball in the basket, by differentiating through the simulation"""
from micrograd.engine import Value

DT = 0.08
def simulate(vx, vy, steps=25, wind=-0.3):
    x = y = Value(0.0)
    for _ in range(steps):
        speed2 = vx * vx + vy * vy
        vx = vx + DT * (wind - 0.01 * speed2 * vx)
        vy = vy + DT * (-9.81 - 0.01 * speed2 * vy)
        x, y = x + DT * vx, y + DT * vy
    return x, y

vx, vy = Value(1.0), Value(5.0)
target = (6.0, 1.0)
for it in range(46):
    x, y = simulate(vx, vy)
    miss = (x - target[0])**2 + (y - target[1])**2
    vx.grad = vy.grad = 0
    miss.backward()
    vx.data -= 0.05 * vx.grad
    vy.data -= 0.05 * vy.grad
    if it % 15 == 0:
        print('%2d miss %.5f at (%.3f, %.3f)' % (it, miss.data, x.data, y.data))
print('vx %.4f vy %.4f' % (vx.data, vy.data))
