"""swap relu for tanh everywhere"""
import random
from micrograd.nn import MLP, Neuron

random.seed(9)
net = MLP(2, [5, 1])
x = [0.7, -0.2]
relu_out = net(x).data

def call(self, x):
    act = sum((wi*xi for wi, xi in zip(self.w, x)), self.b)
    return act.tanh() if self.nonlin else act
Neuron.__call__ = call
tanh_out = net(x).data
print('%.6f %.6f' % (relu_out, tanh_out), relu_out != tanh_out)

for i in range(10):
    loss = (net(x) - 1)**2
    net.zero_grad(); loss.backward()
    for p in net.parameters(): p.data += -0.05 * p.grad
print('%.6f' % loss.data)
# linear after all
for l in net.layers:
    for n in l.neurons: n.nonlin = False
print(net, '%.6f' % net(x).data)
