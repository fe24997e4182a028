import random
from micrograd.engine import Value
from micrograd.nn import MLP, Layer, Neuron

class ScaledMLP(MLP):
    def __init__(self, nin, nouts):
        super().__init__(nin, nouts)
        self.scale = Value(2.0)
        self.shift = Value(0.1)
    def __call__(self, x):
        return super().__call__(x) * self.scale + self.shift
    def parameters(self):
        return super().parameters() + [self.scale, self.shift]

class GatedNeuron(Neuron):
    def __init__(self, nin):
        super().__init__(nin)
        self.gate = Value(0.3)
    def __call__(self, x):
        return super().__call__(x) * self.gate
    def parameters(self):
        return super().parameters() + [self.gate]

class GatedLayer(Layer):
    def __init__(self, nin, nout):
        self.neurons = [GatedNeuron(nin) for _ in range(nout)]

random.seed(2)
net = ScaledMLP(2, [4, 1])
net.layers[0] = GatedLayer(2, 4)
print(len(net.parameters()), len(set(net.parameters())))
for i in range(10):
    loss = (net([0.5, 0.25]) - 3)**2 + (net([-0.5, 1.0]) + 1)**2
    net.zero_grad()
    loss.backward()
    for p in net.parameters():
        p.data -= 0.02 * p.grad     # twice in the list would mean twice the step
    if i % 3 == 0: print(i, '%.6f' % loss.data, '%.5f' % net.scale.data)
print('%.5f' % net.layers[0].neurons[0].gate.data)
