import matplotlib
matplotlib.use('Agg')
import matplotlib.pyplot as plt
import os
from micrograd.engine import Value

a = Value(5.0)
xs, losses, path = [], [], []
for i in range(30):
    loss = (a - 2) ** 2 + 1
    a.grad = 0
    loss.backward()
    xs.append(i); losses.append(loss); path.append(a.data)
    a.data -= 0.1 * a.grad

fig, ax = plt.subplots(1, 2)
ax[0].plot(xs, [l.data for l in losses], label='loss')
ax[0].set_title('last = %.4f' % losses[-1].data)
ax[0].legend()
ax[1].scatter(path, [(p - 2)**2 + 1 for p in path], s=[20 + 3 * l.data for l in losses])
plt.savefig('loss.png')
plt.close('all')
print(ax[0].get_title(), os.path.getsize('loss.png') > 1000)
line = ax[0].lines[0].get_ydata()
print('%.4f %.4f' % (line[0], line[-1]))

# decision surface, the way everybody does it
import numpy as np
w = [Value(1.0), Value(-2.0)]
xx, yy = np.meshgrid(np.arange(-1, 1, 0.5), np.arange(-1, 1, 0.5))
Xmesh = np.c_[xx.ravel(), yy.ravel()]
scores = [w[0] * r[0] + w[1] * r[1] for r in [list(map(Value, xrow)) for xrow in Xmesh]]
Z = np.array([s.data > 0 for s in scores]).reshape(xx.shape)
plt.contourf(xx, yy, Z, alpha=0.8)
plt.close()
print(Z.astype(int).tolist())
