import micrograd.nn as nn
from micrograd.engine import Value
import random

random.seed(1)
pts = [((random.gauss(c, 1), random.gauss(-c, 1)), y) for c, y in ((1.5, 1), (-1.5, -1)) for _ in range(20)]
random.shuffle(pts)
svm = nn.Neuron(2, nonlin=False)
print(svm)
C = 0.01
for epoch in range(20):
    mistakes = 0
    for x, y in pts:
        margin = y * svm(x)
        loss = (1 - margin).relu() + C * sum(w**2 for w in svm.w)
        svm.zero_grad()
        loss.backward()
        for p in svm.parameters():
            p.data -= 0.02 * p.grad
        mistakes += margin.data <= 0
    if epoch % 5 == 0:
        print(epoch, mistakes, '%.4f' % loss.data)
print(' '.join('%.4f' % w.data for w in svm.w), '%.4f' % svm.b.data)
support = [x for x, y in pts if y * svm(x).data < 1]
print(len(support), 'support vectors')
