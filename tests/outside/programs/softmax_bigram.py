import math, random
from micrograd.engine import Value

def log(v):
    out = Value(math.log(v.data), (v,), 'log')
    def _backward():
        v.grad += out.grad / v.data
    out._backward = _backward
    return out

def softmax(logits):
    m = max(l.data for l in logits)
    es = [(l - m).exp() for l in logits]
    s = sum(es)
    return [e / s for e in es]

words = ['.ana.', '.anna.', '.nan.', '.hanna.', '.han.']
chars = sorted(set(''.join(words)))
stoi = {ch: i for i, ch in enumerate(chars)}
V = len(chars)
random.seed(4)
W = [[Value(random.gauss(0, 0.1)) for _ in range(V)] for _ in range(V)]
pairs = [(stoi[a], stoi[b]) for w in words for a, b in zip(w, w[1:])]

for k in range(15):
    probs = {i: softmax(W[i]) for i in set(i for i, _ in pairs)}
    nll = -sum(log(probs[i][j]) for i, j in pairs) / len(pairs)
    for row in W:
        for p in row: p.grad = 0
    nll.backward()
    for row in W:
        for p in row: p.data += -5 * p.grad
    if k % 7 == 0: print(k, '%.4f' % nll.data)

for ch in chars:
    ps = softmax(W[stoi[ch]])
    best = max(range(V), key=lambda j: ps[j].data)
    print(ch, '->', chars[best], '%.2f' % ps[best].data, '%.4f' % sum(p.data for p in ps))
