import random
import threading
from concurrent.futures import ThreadPoolExecutor
from micrograd.engine import Value

results = {}
lock = threading.Lock()

def work(seed):
    rnd = random.Random(seed)
    w = [Value(rnd.uniform(-1, 1)) for _ in range(4)]
    xs = [[rnd.gauss(0, 1) for _ in range(4)] for _ in range(10)]
    ys = [sum(x) for x in xs]
    for _ in range(15):
        loss = sum((sum(wi * xi for wi, xi in zip(w, x)) - y) ** 2 for x, y in zip(xs, ys)) / len(xs)
        for p in w:
            p.grad = 0
        loss.backward()
        for p in w:
            p.data -= 0.1 * p.grad
    with lock:
        results[seed] = loss.data, [p.data for p in w]

ts = [threading.Thread(target=work, args=(s,)) for s in range(4)]
[t.start() for t in ts]
[t.join() for t in ts]
for s in sorted(results):
    print(s, '%.6f' % results[s][0], *['%.3f' % v for v in results[s][1]])

def square_slope(x):
    v = Value(x)
    (v * v + 3 * v).backward()
    return v.grad
with ThreadPoolExecutor(3) as ex:
    print(list(map('{:.1f}'.format, ex.map(square_slope, range(6)))))
