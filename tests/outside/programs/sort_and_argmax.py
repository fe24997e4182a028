from micrograd.engine import Value
import random, statistics, math
random.seed(2)
vals = [Value(random.randint(-50, 50) / 10, label=f'v{i}') for i in range(8)]
ranked = sorted(vals, key=lambda v: v.data, reverse=True)
print([v.label for v in ranked])
top = max(vals, key=lambda v: v.data)
low = min(vals, key=lambda v: v.data)
print(top.label, low.label, vals.index(top))
k = 3
loss = sum(ranked[:k]) - sum(ranked[-k:])
loss.backward()
print({v.label: int(v.grad) for v in vals})
print('%.3f' % statistics.mean(v.data for v in vals), '%.3f' % statistics.pstdev([v.data for v in vals]))
print('%.3f' % math.hypot(*(v.data for v in vals)), math.floor(top.data), round(low.data))
pos = [v for v in vals if v.data > 0]
neg = [v for v in vals if not v.data > 0]
print(len(pos), len(neg), set(pos) | set(neg) == set(vals), len({*vals, top, low}))
# hard max pooling
def maxpool(vs): return vs[max(range(len(vs)), key=lambda i: vs[i].data)]
pooled = [maxpool(vals[i:i+2]) for i in range(0, 8, 2)]
for v in vals: v.grad = 0
s = sum(p * p for p in pooled)
s.backward()
print(*['%.2f' % v.grad for v in vals])
