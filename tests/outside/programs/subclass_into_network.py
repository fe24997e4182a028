import random
from micrograd.engine import Value
from micrograd.nn import MLP, Neuron

class Pixel(Value):
    def __init__(self, data, row, col):
        super().__init__(data)
        self.row, self.col = row, col

random.seed(20)
image = [Pixel(random.random(), r, c) for r in range(2) for c in range(3)]
net = MLP(6, [4, 1])
score = net(image)
score.backward()
# saliency map
best = max(image, key=lambda p: abs(p.grad))
print('%.5f' % score.data, (best.row, best.col), '%.4f' % best.grad)
for r in range(2):
    print(' '.join('%+.3f' % p.grad for p in image if p.row == r))
# adversarial step
before = score.data
for p in image: p.data += 0.1 * (1 if p.grad > 0 else -1)
print(net(image).data > before, '%.5f' % net(image).data)
n = Neuron(2)
print('%.4f' % n([image[0], 1.0]).data == '%.4f' % (n.w[0].data * image[0].data + n.w[1].data + n.b.data) or n([image[0], 1.0]).data == 0)
