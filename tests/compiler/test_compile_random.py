"""Whatever the graph, the compiled program gives the eager numbers."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import glassgrad as gg
from glassgrad import Value

Grow = Callable[..., "tuple[Value, list[Value]]"]
Same = Callable[..., None]


@pytest.mark.parametrize("backend", ["numpy", "python"])
def test_random_graphs_of_all_ops(backend: str, grow: Grow, same: Same) -> None:
    @settings(max_examples=25)
    @given(st.integers(0, 10**6), st.integers(200, 2000))
    def check(seed: int, size: int) -> None:
        same(*grow(random.Random(seed), size), backend=backend)

    check()


def test_random_graphs_cover_every_op(grow: Grow) -> None:
    root, _ = grow(random.Random(5), 1500)
    seen = {v.op for v in gg.topological_order(root)}
    assert seen >= gg.OPS.keys() - {"cube"}


@pytest.mark.parametrize("seed", [*range(6), 19, 66, 69])
def test_traced_function_on_a_batch(seed: int, grow: Grow) -> None:
    """A random program with some leaves as arguments: mean over examples, and predictions, as in a loop."""
    rng = random.Random(seed)
    weights = [Value(rng.uniform(-1, 1)) for _ in range(6)]
    plan = [(rng.choice("smtdrx"), rng.randrange(1000), rng.randrange(1000)) for _ in range(60)]

    def function(x: list[Value], y: Value) -> Value:
        pool = [*weights, *x, y]
        for kind, i, j in plan:
            a, b = pool[i % len(pool)], pool[j % len(pool)]
            if kind == "s":
                pool.append((a - b).sin())
            elif kind == "m":
                pool.append((a * b + a).tanh())
            elif kind == "t":
                pool.append(a / (b * b + 1))
            elif kind == "d":
                pool.append(gg.dot([a, b, weights[i % 6]], [b, weights[j % 6], a], 0.1).tanh())
            elif kind == "r":
                pool.append((a + b * 0.3).relu())
            else:
                pool.append(gg.max(a, b))
        return gg.sum(pool[-9:])

    numbers = np.random.default_rng(seed)
    x, y = numbers.normal(size=(5, 3)), numbers.normal(size=5)
    program = gg.compile(function, example=(x[0], y[0]), params=weights)
    losses = [function([Value(v) for v in row], Value(t)) for row, t in zip(x, y)]
    mean = gg.sum(losses) / len(losses)
    value, gradient = program.value_and_grad(x, y)
    expected = np.array(gg.grad(mean, weights))
    assert value == pytest.approx(mean.data, rel=1e-12)
    assert np.abs(gradient - expected).max() <= 1e-12 * max(1.0, np.abs(expected).max())
    assert program.run(x, y) == pytest.approx([v.data for v in losses], rel=1e-12, abs=1e-13)
    one, first = program.value_and_grad(x[:1], y[:1])
    assert one == pytest.approx(losses[0].data, rel=1e-12)
    assert first == pytest.approx(gg.grad(losses[0], weights), rel=1e-10, abs=1e-12)


def test_fresh_functions_on_a_batch(fresh_seed: int, grow: Grow, same: Same) -> None:
    test_traced_function_on_a_batch(1000 + fresh_seed, grow)
    same(*grow(random.Random(fresh_seed), 1200))


def neurons(rng: random.Random) -> tuple[list[list[Value]], list[list[float]]]:
    return [[Value(rng.uniform(-1, 1)) for _ in range(5)] for _ in range(6)], [
        [rng.uniform(-1, 1) for _ in range(4)] for _ in range(7)
    ]


def layer(rows: list[list[Value]], x: list[float], *, swap: bool = False, turn: bool = False) -> list[Value]:
    found = []
    for *w, b in rows:
        pairs = list(zip(x, w) if swap else zip(w, x))
        total = b
        for p, q in reversed(pairs) if turn else pairs:
            total = p * q + total if swap else total + p * q
        found.append(total.tanh())
    return found


@pytest.mark.parametrize(("swap", "turn"), [(False, False), (True, False), (False, True), (True, True)])
def test_reordering_operands_finds_the_same_product(swap: bool, turn: bool) -> None:
    rows, data = neurons(random.Random(2))
    params = [p for row in rows for p in row]
    root = gg.sum([v for x in data for v in layer(rows, x, swap=swap, turn=turn)])
    program = gg.compile(root, params=params)
    assert program.steps == 3
    assert "@" in str(program)
    value, gradient = program.value_and_grad()
    assert value == pytest.approx(root.data, rel=1e-12)
    assert gradient == pytest.approx(gg.grad(root, params), rel=1e-12)


def test_renaming_changes_nothing() -> None:
    rows, data = neurons(random.Random(3))
    params = [p for row in rows for p in row]
    root = gg.sum([v for x in data for v in layer(rows, x)])
    plain = gg.compile(root, params=params)
    value, gradient = plain.value_and_grad()
    for i, p in enumerate(params):
        p.label = f"import os; α[{i}]"
    named = gg.compile(root, params=params)
    again, same_gradient = named.value_and_grad()
    assert (again, same_gradient.tolist(), named.source) == (value, gradient.tolist(), plain.source)


def test_duplicated_subgraphs_change_nothing() -> None:
    rows, data = neurons(random.Random(4))
    params = [p for row in rows for p in row]
    root = gg.sum([v for x in [*data, *data[:3]] for v in layer(rows, x)])
    value, gradient = gg.compile(root, params=params).value_and_grad()
    assert value == pytest.approx(root.data, rel=1e-12)
    assert gradient == pytest.approx(gg.grad(root, params), rel=1e-12)


def test_same_bits_every_time() -> None:
    rows, data = neurons(random.Random(5))
    root = gg.sum([v for x in data for v in layer(rows, x)])
    params = [p for row in rows for p in row]
    first, second = gg.compile(root, params=params), gg.compile(root, params=params)
    assert first.source == second.source
    assert first.value_and_grad()[1].tobytes() == second.value_and_grad()[1].tobytes()
