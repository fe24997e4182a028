import copy, random
from micrograd.nn import MLP

random.seed(21)
model = MLP(2, [4, 1])
best = copy.deepcopy(model)
ids = {id(p) for p in model.parameters()}
print(any(id(p) in ids for p in best.parameters()), len(best.parameters()))

X = [[0.1, 0.2], [0.9, -0.4], [-0.6, 0.5], [0.3, -0.8]]
Y = [0.3, 0.5, -0.1, -0.5]
best_loss = float('inf')
lr = 0.15
for i in range(30):
    loss = sum((model(x) - y)**2 for x, y in zip(X, Y))
    if loss.data < best_loss:
        best_loss = loss.data
        best = copy.deepcopy(model)
    model.zero_grad()
    loss.backward()
    for p in model.parameters(): p.data -= lr * p.grad
final = sum((model(x) - y)**2 for x, y in zip(X, Y))
again = sum((best(x) - y)**2 for x, y in zip(X, Y))
print('%.6f %.6f %s' % (best_loss, again.data, abs(best_loss - again.data) < 1e-12))
before = [p.data for p in best.parameters()]
for p in model.parameters():
    p.data = 0.0
print(before == [p.data for p in best.parameters()], best([1, 1]).data != model([1, 1]).data)
