import csv, json, random
from micrograd.nn import MLP

random.seed(31)
model = MLP(2, [3, 1])
X = [[0.5, -0.5], [1.0, 2.0], [-1.5, 0.3]]

with open('log.csv', 'w', newline='') as f:
    wr = csv.writer(f)
    wr.writerow(['step', 'loss'])
    for step in range(5):
        loss = sum((model(x) - 1.0) ** 2 for x in X)
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data -= 0.05 * p.grad
        wr.writerow([step, '%.6f' % loss.data])

state = {f'p{i}': p.data for i, p in enumerate(model.parameters())}
with open('model.json', 'w') as f:
    json.dump({'arch': [2, 3, 1], 'state': state}, f, indent=1)

with open('log.csv') as f:
    for row in csv.DictReader(f): print(row['step'], row['loss'])

with open('model.json') as f:
    blob = json.load(f)
other = MLP(blob['arch'][0], blob['arch'][1:])
different = [other(x).data for x in X] != [model(x).data for x in X]
for p, (k, v) in zip(other.parameters(), blob['state'].items()):
    p.data = v
print(different, [other(x).data for x in X] == [model(x).data for x in X])
print(json.dumps({'grads': [round(p.grad, 4) + 0.0 for p in model.layers[-1].parameters()]}))
print(len(state), [len(l.neurons) for l in model.layers], len(model.layers[0].neurons[0].w))
