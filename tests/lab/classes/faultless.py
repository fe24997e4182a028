"""A class of one's own without a fault: fresh gradients in between, no recursion, slopes kept with the node."""

import math


class Value:
    def __init__(self, data, children=(), slopes=()):
        self.data, self.grad, self.children, self.slopes = float(data), 0.0, children, slopes

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, power):
        if not isinstance(power, (int, float)):
            return NotImplemented
        slope = power * self.data ** (power - 1) if power else 0.0
        return Value(math.pow(self.data, power), (self,), (slope,))

    def tanh(self):
        t = math.tanh(self.data)
        return Value(t, (self,), (1 - t * t,))

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + (-other)

    def __rsub__(self, other):
        return other + (-self)

    def __truediv__(self, other):
        return self * other**-1

    def __rtruediv__(self, other):
        return other * self**-1

    __radd__, __rmul__ = __add__, __mul__

    def __repr__(self):
        return f"Value({self.data})"

    def backward(self):
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            node, placed = stack.pop()
            if placed:
                order.append(node)
            elif node not in seen:
                seen.add(node)
                stack.append((node, True))
                stack += [(child, False) for child in node.children]
        for node in order:
            if node.children:
                node.grad = 0.0
        self.grad += 1.0
        for node in reversed(order):
            for child, slope in zip(node.children, node.slopes):
                child.grad += slope * node.grad
