import io
import pickle
import random
from micrograd.engine import Value
from micrograd.nn import Module, Neuron

class Tiny(Module):
    def __init__(self, nin=3):
        self.nin = nin
        self.n = Neuron(nin)
        self.scale = Value(1.5)
        self.history = []
    def __call__(self, x):
        return self.n(x) * self.scale
    def parameters(self):
        return self.n.parameters() + [self.scale]
    # closures don't pickle, so store the numbers only
    def __getstate__(self):
        return {'nin': self.nin, 'data': [p.data for p in self.parameters()], 'history': self.history}
    def __setstate__(self, state):
        self.__init__(state['nin'])
        for p, d in zip(self.parameters(), state['data']):
            p.data = d
        self.history = state['history']

random.seed(0)
m = Tiny()
for p in m.parameters():
    p.data = round(random.uniform(-1, 1), 3)
m.n.b.data = 0.5
m.history.append('%.4f' % m([1.0, 2.0, -1.0]).data)
buf = io.BytesIO()
pickle.dump(m, buf)
buf.seek(0)
m2 = pickle.load(buf)
print(type(m2).__name__, m2.history, [p.data for p in m2.parameters()] == [p.data for p in m.parameters()])
out = m2([1.0, 2.0, -1.0])
print('%.4f' % out.data)
out.backward()
print(['%.3f' % p.grad for p in m2.parameters()])
print([p.grad for p in m.parameters()] == [0] * 5)

with open('weights.pkl', 'wb') as f:
    pickle.dump([p.data for p in m.parameters()], f)
with open('weights.pkl', 'rb') as f:
    print(pickle.load(f))
