# nn.Neuron only knows relu, so make our own neurons and put them into the stock Layer and MLP
import math, random
from micrograd.engine import Value
from micrograd.nn import Neuron, Layer, MLP

class TanhNeuron(Neuron):
    def __call__(self, x):
        act = sum((wi*xi for wi, xi in zip(self.w, x)), self.b)
        return act.tanh()

    def __repr__(self):
        return f"TanhNeuron({len(self.w)})"

class RBFNeuron(Neuron):
    def __call__(self, x):
        d = sum((xi - wi)**2 for wi, xi in zip(self.w, x))
        return (-d).exp() + self.b

random.seed(14)
layer = Layer(2, 3)
layer.neurons = [TanhNeuron(2), RBFNeuron(2), Neuron(2)]
print(layer)
print(['%.5f' % v.data for v in layer([0.5, -1.0])])

class TanhLayer(Layer):
    def __init__(self, nin, nout):
        self.neurons = [TanhNeuron(nin) for _ in range(nout)]

class ScaledLayer(Layer):
    def __call__(self, x):
        out = super().__call__(x)
        return [0.5 * o for o in out]

net = MLP(2, [4, 4, 1])
net.layers[0] = TanhLayer(2, 4)
net.layers[1] = ScaledLayer(4, 4, nonlin=False)
print(len(net.parameters()))
data = [([0.1, 0.9], 1), ([0.9, 0.2], -1), ([-0.4, 0.3], 1), ([0.3, -0.7], -1)]
for i in range(16):
    loss = sum((1 - y * net(x)).relu() for x, y in data) / len(data)
    net.zero_grad()
    loss.backward()
    for p in net.parameters(): p.data -= 0.1 * p.grad
    if i % 5 == 0: print(i, '%.5f' % loss.data)

class Negate:
    def __call__(self, x): return [-v for v in x]
    def parameters(self): return []
net.layers.insert(2, Negate())
print('%.4f' % net([0.1, 0.9]).data, len(net.parameters()))
