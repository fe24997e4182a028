"""A stand-in for micrograd's engine, written anew after its well-known behaviour: what the programs beside it expect.

As in the lecture, there are a `label`, `tanh` and `exp`, too.
"""

import math


class Value:
    """A number, the numbers it was computed from, and a closure that hands its gradient on to them."""

    def __init__(self, data, _children=(), _op="", label=""):
        self.data = data
        self.grad = 0
        self.label = label
        self._prev = set(_children)
        self._op = _op
        self._backward = lambda: None

    def __add__(self, other):
        other = _as_value(other)
        result = Value(self.data + other.data, (self, other), "+")

        def pass_on():
            self.grad += result.grad
            other.grad += result.grad

        result._backward = pass_on
        return result

    def __mul__(self, other):
        other = _as_value(other)
        result = Value(self.data * other.data, (self, other), "*")

        def pass_on():
            self.grad += other.data * result.grad
            other.grad += self.data * result.grad

        result._backward = pass_on
        return result

    def __pow__(self, exponent):
        assert isinstance(exponent, (int, float)), "only int and float exponents"
        result = Value(self.data**exponent, (self,), f"**{exponent}")

        def pass_on():
            self.grad += exponent * self.data ** (exponent - 1) * result.grad

        result._backward = pass_on
        return result

    def relu(self):
        result = Value(0 if self.data < 0 else self.data, (self,), "ReLU")

        def pass_on():
            self.grad += (result.data > 0) * result.grad

        result._backward = pass_on
        return result

    def tanh(self):
        t = math.tanh(self.data)
        result = Value(t, (self,), "tanh")

        def pass_on():
            self.grad += (1 - t * t) * result.grad

        result._backward = pass_on
        return result

    def exp(self):
        result = Value(math.exp(self.data), (self,), "exp")

        def pass_on():
            self.grad += result.data * result.grad

        result._backward = pass_on
        return result

    def backward(self):
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for child in node._prev:
                    visit(child)
                order.append(node)

        visit(self)
        self.grad = 1
        for node in reversed(order):
            node._backward()

    def __neg__(self):
        return self * -1

    def __radd__(self, other):
        return self + other

    def __sub__(self, other):
        return self + (-other)

    def __rsub__(self, other):
        return other + (-self)

    def __rmul__(self, other):
        return self * other

    def __truediv__(self, other):
        return self * other**-1

    def __rtruediv__(self, other):
        return other * self**-1

    def __repr__(self):
        return f"Value(data={self.data}, grad={self.grad})"


def _as_value(x):
    return x if isinstance(x, Value) else Value(x)
