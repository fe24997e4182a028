"""policy gradient on a 3-armed bandit"""
import random
from math import log
from micrograd.engine import Value

class LogValue(Value):
    pass

def vlog(x):
    out = LogValue(log(x.data), (x,), 'log')
    def back(): x.grad += 1 / x.data * out.grad
    out._backward = back
    return out

random.seed(1)
logits = [Value(0.0) for _ in range(3)]
payout = [0.2, 0.5, 0.9]
baseline = 0.0
for episode in range(200):
    es = [l.exp() for l in logits]
    Z = sum(es)
    probs = [e / Z for e in es]
    arm = random.choices(range(3), weights=[p.data for p in probs])[0]
    reward = 1.0 if random.random() < payout[arm] else 0.0
    advantage = reward - baseline            # plain number, nothing flows
    baseline = 0.9 * baseline + 0.1 * reward
    loss = -vlog(probs[arm]) * advantage
    for l in logits: l.grad = 0
    loss.backward()
    for l in logits: l.data -= 0.2 * l.grad
    if episode % 50 == 49:
        print(episode + 1, ' '.join(f'{p.data:.3f}' for p in probs), f'{baseline:.3f}')
print('best arm:', max(range(3), key=lambda i: logits[i].data))
