from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import Value

OWN = [op for op in gg.OPS.values() if op.name != "pow_const"]
UNARY = [op.name for op in OWN if op.unary]
BINARY = [op.name for op in OWN if len(op.inputs) == 2 and not op.unary and not op.many]
INSIDE = ("asin", "acos", "atanh")  # defined between -1 and 1
POSITIVE = ("log", "log2", "log10", "log1p", "sqrt", "cbrt", "reciprocal")


def bounded(v: Value) -> Value:
    """Keep numbers in a range where every op is tame."""
    return v.tanh() if abs(v.data) > 3 else v


def positive(v: Value) -> Value:
    return v * v + 0.3


def with_number(a: Value, c: float, way: int) -> Value:
    if way < 4:
        return (a + c, c - a, c * a, a / c)[way]
    return positive(a) ** c if way == 4 else c / positive(a)


def chained(sofar: Value, w: Value, x: Value, way: int) -> Value:
    if way < 3:
        return (sofar + w * x, sofar - w * x, x - sofar)[way]
    return w * 2 + sofar


def grow(rng: random.Random, size: int, leaves: int = 7) -> tuple[Value, list[Value]]:
    """A random graph of about `size` nodes with all ops, sharing, constants and n-ary nodes."""
    params = [Value(rng.uniform(-2, 2), f"p{i}") for i in range(leaves)]
    pool = list(params)
    count = 0
    while count < size:
        count += 1
        kind = rng.random()
        a, b = bounded(rng.choice(pool)), bounded(rng.choice(pool))
        if kind < 0.35:
            name = rng.choice(UNARY)
            if name in POSITIVE:
                a = positive(a)
            elif name in INSIDE:
                a = 0.9 * a.tanh()
            elif name == "acosh":
                a = 1.0 + positive(a)
            new = -a if name == "neg" else abs(a) if name == "abs" else getattr(a, name)()
        elif kind < 0.4:
            new = gg.where(a, b, rng.choice([bounded(rng.choice(pool)), 0.5]))
        elif kind < 0.75:
            name = rng.choice(BINARY)
            if rng.random() < 0.2:
                new = with_number(a, rng.choice([0.5, 2.0, -1.0, 3, 1.0]), rng.randrange(6))
            elif name in ("div", "mod"):
                new = a / positive(b) if name == "div" else a % positive(b)
            elif name == "pow":
                new = positive(a) ** b
            else:
                new = getattr(gg, name)(a, b)
        else:
            k = rng.randint(1, 9)
            xs, ws = [[bounded(rng.choice(pool)) for _ in range(k)] for _ in range(2)]
            form = rng.randint(0, 3)
            if form == 0:
                new = gg.sum(xs)
            elif form == 1:
                new = gg.dot(ws, xs, rng.choice([a, 0.25]))
            elif form == 2:
                new = sum((w * x for w, x in zip(ws, xs)), a)
            else:
                new = a
                for w, x in zip(ws, xs):
                    new = chained(new, w, x, rng.randrange(4))
        pool.append(bounded(new))
    return gg.sum([bounded(v) for v in pool[-12:]]), params


@pytest.fixture(name="grow")
def fixture_grow() -> Callable[..., tuple[Value, list[Value]]]:
    return grow


def same(root: Value, params: list[Value], tolerance: float = 1e-12, **options: str) -> None:
    """Value and every gradient of the compiled graph equal the eager ones, relative to the largest."""
    expected = np.array(gg.grad(root, params))
    program = gg.compile(root, params=params, **options)
    value, gradient = program.value_and_grad()
    assert abs(value - root.data) <= tolerance * max(1.0, abs(root.data))
    scale = np.maximum(np.abs(expected), 1e-2 * np.abs(expected).max() + 1e-12)
    assert (np.abs(gradient - expected) / scale).max() <= tolerance
    again, gradient = program.value_and_grad()
    assert again == value
    assert (np.abs(gradient - expected) / scale).max() <= tolerance


@pytest.fixture(name="same")
def fixture_same() -> Callable[..., None]:
    return same
