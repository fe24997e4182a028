import math
import random
from micrograd.engine import Value
from micrograd.nn import Neuron, Layer, MLP

random.seed(1337)

def make_moons(n, noise):
    X, y = [], []
    for i in range(n):
        t = math.pi * i / n
        if i % 2 == 0:
            p = [math.cos(t), math.sin(t)]
        else:
            p = [1 - math.cos(t), 0.5 - math.sin(t)]
        X.append([p[0] + random.gauss(0, noise), p[1] + random.gauss(0, noise)])
        y.append(i % 2 * 2 - 1)
    return X, y

X, y = make_moons(20, 0.1)
model = MLP(2, [8, 6, 1]) # 2-layer neural network
print(model)
print("number of parameters", len(model.parameters()))

def loss():
    inputs = [list(map(Value, xrow)) for xrow in X]
    scores = list(map(model, inputs))
    # svm "max-margin" loss
    losses = [(1 + -yi*scorei).relu() for yi, scorei in zip(y, scores)]
    data_loss = sum(losses) * (1.0 / len(losses))
    # L2 regularization
    alpha = 1e-4
    reg_loss = alpha * sum((p*p for p in model.parameters()))
    total_loss = data_loss + reg_loss
    accuracy = [(yi > 0) == (scorei.data > 0) for yi, scorei in zip(y, scores)]
    return total_loss, sum(accuracy) / len(accuracy)

steps = 10
for k in range(steps):
    total_loss, acc = loss()
    model.zero_grad()
    total_loss.backward()
    learning_rate = 1.0 - 0.9*k/steps
    for p in model.parameters():
        p.data -= learning_rate * p.grad
    print(f"step {k} loss {total_loss.data:.6f}, accuracy {acc*100}%")
