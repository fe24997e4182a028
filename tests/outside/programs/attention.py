import random
from micrograd.engine import Value

random.seed(100)
T, C = 4, 3
def rand(r, c):
    return [[Value(random.gauss(0, .5)) for _ in range(c)] for _ in range(r)]
def matmul(A, B):
    return [[sum(a * b for a, b in zip(row, col)) for col in zip(*B)] for row in A]
def transpose(A):
    return [list(col) for col in zip(*A)]
def softmax(row):
    mx = max(v.data for v in row)
    ex = [(v - mx).exp() for v in row]
    tot = sum(ex)
    return [e / tot for e in ex]

x = rand(T, C)
Wq, Wk, Wv = rand(C, C), rand(C, C), rand(C, C)
q, k, v = (matmul(x, W) for W in (Wq, Wk, Wv))
att = matmul(q, transpose(k))
att = [[a * C**-0.5 for a in row] for row in att]
# causal
att = [softmax(row[:i+1]) + [Value(0.0)] * (T - i - 1) for i, row in enumerate(att)]
out = matmul(att, v)
for row in att: print(' '.join('%.3f' % a.data for a in row))
loss = sum(o * o for row in out for o in row)
loss.backward()
print('loss %.5f' % loss.data)
for name, W in dict(Wq=Wq, Wk=Wk, Wv=Wv).items():
    print(name, '%.5f' % sum(abs(p.grad) for row in W for p in row))
print([['%.3f' % p.grad for p in row] for row in x][-1])
