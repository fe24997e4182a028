"""A training step of a small GPT, written as scripts on a class of scalars are, on `glassgrad.Value` and on a class in
their style (a node keeps its operands and local gradients in tuples, one recursive sort, one loop).

One layer, 16 wide, 4 heads, 27 letters, 4192 parameters, a word of 8 letters, Adam.

Run: python tests/benchmarks/gpt_script.py
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Callable
from typing import Any

from workloads import side_by_side, table, work

import glassgrad as gg

WIDTH, HEADS, PLACES, LETTERS = 16, 4, 16, 27
WORD = [26, 4, 12, 12, 0, 17, 8, 4, 26]


class Scalar:
    """A number with its operands and the local gradients for them."""

    __slots__ = ("children", "data", "grad", "locals")

    def __init__(self, data: float, children: tuple[Any, ...] = (), locals_: tuple[float, ...] = ()) -> None:
        self.data, self.grad, self.children, self.locals = data, 0, children, locals_

    def __add__(self, other: Any) -> Scalar:
        other = other if isinstance(other, Scalar) else Scalar(other)
        return Scalar(self.data + other.data, (self, other), (1, 1))

    def __mul__(self, other: Any) -> Scalar:
        other = other if isinstance(other, Scalar) else Scalar(other)
        return Scalar(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, power: float) -> Scalar:
        return Scalar(self.data**power, (self,), (power * self.data ** (power - 1),))

    def log(self) -> Scalar:
        return Scalar(math.log(self.data), (self,), (1 / self.data,))

    def exp(self) -> Scalar:
        return Scalar(math.exp(self.data), (self,), (math.exp(self.data),))

    def relu(self) -> Scalar:
        return Scalar(max(0, self.data), (self,), (float(self.data > 0),))

    def __neg__(self) -> Scalar:
        return self * -1

    def __sub__(self, other: Any) -> Scalar:
        return self + (-other)

    def __truediv__(self, other: Any) -> Scalar:
        return self * other**-1

    __radd__, __rmul__ = __add__, __mul__

    def backward(self) -> None:
        order: list[Scalar] = []
        visited: set[Scalar] = set()

        def visit(node: Scalar) -> None:
            if node not in visited:
                visited.add(node)
                for child in node.children:
                    visit(child)
                order.append(node)

        visit(self)
        self.grad = 1
        for node in reversed(order):
            for child, local in zip(node.children, node.locals):
                child.grad += local * node.grad


def linear(x: list[Any], rows: list[list[Any]]) -> list[Any]:
    return [sum(w * v for w, v in zip(row, x)) for row in rows]


def softmax(logits: list[Any]) -> list[Any]:
    largest = max(v.data for v in logits)
    powers = [(v - largest).exp() for v in logits]
    total = sum(powers)
    return [p / total for p in powers]


def normed(x: list[Any]) -> list[Any]:
    scale = (sum(v * v for v in x) / len(x) + 1e-5) ** -0.5
    return [v * scale for v in x]


def letter(weights: dict[str, Any], token: int, place: int, keys: list[Any], values: list[Any]) -> list[Any]:
    """The scores of the next letter."""
    x = normed([a + b for a, b in zip(weights["letters"][token], weights["places"][place])])
    residual, x = x, normed(x)
    q, k, v = (linear(x, weights[name]) for name in "qkv")
    keys.append(k)
    values.append(v)
    size, out = WIDTH // HEADS, []
    for start in range(0, WIDTH, size):
        part = slice(start, start + size)
        attention = softmax([sum(a * b for a, b in zip(q[part], k[part])) / size**0.5 for k in keys])
        out += [sum(attention[t] * values[t][j] for t in range(len(values))) for j in range(WIDTH)[part]]
    x = residual = [a + b for a, b in zip(linear(out, weights["o"]), residual)]
    x = linear([h.relu() for h in linear(normed(x), weights["up"])], weights["down"])
    return linear([a + b for a, b in zip(x, residual)], weights["head"])


def gpt_step(value: Callable[[float], Any]) -> Callable[[], float]:
    """A function that does one step of training on scalars made by `value`."""
    rng = random.Random(42)
    shapes = {
        "letters": (LETTERS, WIDTH),
        "places": (PLACES, WIDTH),
        "head": (LETTERS, WIDTH),
        **dict.fromkeys("qkvo", (WIDTH, WIDTH)),
        "up": (4 * WIDTH, WIDTH),
        "down": (WIDTH, 4 * WIDTH),
    }
    weights = {
        name: [[value(rng.gauss(0, 0.08)) for _ in range(columns)] for _ in range(rows)]
        for name, (rows, columns) in shapes.items()
    }
    parameters = [p for rows in weights.values() for row in rows for p in row]
    assert len(parameters) == 4192
    first, second = [0.0] * len(parameters), [0.0] * len(parameters)
    count = 0

    def step() -> float:
        nonlocal count
        count += 1
        keys: list[Any] = []
        values: list[Any] = []
        losses = []
        for place, (token, following) in enumerate(zip(WORD, WORD[1:])):
            losses.append(-softmax(letter(weights, token, place, keys, values))[following].log())
        loss = sum(losses) * (1 / len(losses))
        loss.backward()
        for i, p in enumerate(parameters):
            first[i] = 0.85 * first[i] + 0.15 * p.grad
            second[i] = 0.99 * second[i] + 0.01 * p.grad**2
            p.data -= 0.01 * first[i] / (1 - 0.85**count) / ((second[i] / (1 - 0.99**count)) ** 0.5 + 1e-8)
            p.grad = 0
        return float(loss.data)

    return step


CONTESTANTS = {"a class of scalars": lambda: gpt_step(Scalar), "glassgrad": lambda: gpt_step(gg.Value)}


def main() -> None:
    """Print the table; both must go through the same losses."""
    steps = [make() for make in CONTESTANTS.values()]
    losses = [[step() for _ in range(3)] for step in steps]
    assert all(math.isclose(a, b, rel_tol=1e-9) for a, b in zip(*losses)), losses
    print(table("A training step of a small GPT", side_by_side(__file__, CONTESTANTS, rounds=9), "a class of scalars"))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        work(CONTESTANTS[sys.argv[2]]())
    else:
        main()
