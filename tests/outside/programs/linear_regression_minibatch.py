import random
from micrograd.engine import Value

random.seed(99)
data = []
for _ in range(60):
    x = random.uniform(-3, 3)
    data.append((x, 2.5 * x - 1.0 + random.gauss(0, 0.3)))

w, b = Value(random.random()), Value(0)

def batches(rows, n):
    random.shuffle(rows)
    for i in range(0, len(rows), n):
        yield rows[i:i+n]

for epoch in range(6):
    total = 0.0
    for batch in batches(data, 12):
        losses = [(w * x + b - y) ** 2 for x, y in batch]
        loss = sum(losses) / len(losses)
        w.grad, b.grad = 0, 0
        loss.backward()
        w.data -= 0.05 * w.grad
        b.data -= 0.05 * b.grad
        total += loss.data * len(batch)
    print("Epoch %d: mse=%.6f w=%.4f b=%.4f" % (epoch + 1, total / len(data), w.data, b.data))
