from micrograd.engine import Value

def safe_div(a, b, default=0.0):
    try:
        return a / b
    except ZeroDivisionError:
        print('division by zero, using', default)
        return Value(default)

x, zero = Value(3.0), Value(0.0)
print('%.3f' % safe_div(x, Value(4.0)).data)
print('%.3f' % safe_div(x, zero).data)
try:
    1 / zero
except ZeroDivisionError:
    print('1/0')
try:
    zero ** -2
except ZeroDivisionError:
    print('0**-2')
try:
    Value(1e5).exp()
except OverflowError:
    print('too big')
try:
    x + 'hello'
except TypeError:
    print('no strings')
try:
    x < None
except TypeError:
    print('no None')
try:
    x.foo()
except AttributeError:
    print('no foo')
try:
    [1, 2, 3][x]
except TypeError:
    print('not an index')
try:
    float(x)
except TypeError:
    print('not a float')
try:
    len(x)
except TypeError:
    print('no len')
for thing in (x, zero, 5, 'a', None):
    print(isinstance(thing, Value), getattr(thing, 'data', '-') == 3)
# still works after all that
y = x * x
y.backward()
print('%.1f' % x.grad)
