from micrograd.engine import Value
import math

def sigmoid(self):
    s = 1 / (1 + math.exp(-self.data))
    out = Value(s, (self,), 'sigmoid')
    def _backward():
        self.grad += s * (1 - s) * out.grad
    out._backward = _backward
    return out

def log(self):
    out = Value(math.log(self.data), (self,), 'log')
    def _backward():
        self.grad += (1 / self.data) * out.grad
    out._backward = _backward
    return out

Value.sigmoid = sigmoid
Value.log = log

# logistic regression on hours studied
hours = [0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 2.75, 3.0, 3.25, 3.5, 4.0, 4.25, 4.5, 4.75, 5.0, 5.5]
passed = [0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1]
w, b = Value(0.0), Value(0.0)
for it in range(60):
    losses = []
    for x, y in zip(hours, passed):
        p = (w * x + b).sigmoid()
        losses.append(-(y * p.log() + (1 - y) * (1 - p).log()))
    loss = sum(losses) / len(losses)
    w.grad = b.grad = 0.0
    loss.backward()
    w.data -= 0.5 * w.grad
    b.data -= 0.5 * b.grad
    if it % 20 == 0:
        print(it, '%.6f' % loss.data)
print('w=%.5f b=%.5f' % (w.data, b.data))
print('boundary at %.3f hours' % (-b.data / w.data))
