"""Gradients of graphs: the known examples, random graphs against the complex step, higher orders, determinism."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import glassgrad as gg
from glassgrad import Value
from glassgrad.engine.proof.gradcheck import gradcheck
from glassgrad.engine.story.steps import steps


def test_the_readme_example_of_micrograd():
    a, b = Value(-4.0), Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    g.backward()
    assert [f"{x:.4f}" for x in (g.data, a.grad, b.grad)] == ["24.7041", "138.8338", "645.5773"]


def test_leaves_accumulate_and_results_are_fresh():
    x = Value(3.0)
    y = x * x
    z = y * x
    for total in (27.0, 54.0):
        z.backward()
        assert (x.grad, y.grad, z.grad) == (total, 3.0, 1.0)


@pytest.mark.parametrize(
    ("f", "slope"),
    [
        (lambda a: a + a, 2.0),
        (lambda a: a * a, 6.0),
        (lambda a: (lambda b: b + b)(a + a), 4.0),
        (lambda a: (lambda b: b * b)(a + a), 24.0),
        (lambda a: a - a, 0.0),
        (lambda a: a / a, 0.0),
        (lambda a: gg.dot([a, a], [a, a], a), 13.0),
        (lambda a: gg.sum([a, a, a]), 3.0),
        (lambda a: gg.max(a, a), 1.0),
    ],
)
def test_reused_nodes(f, slope):
    a = Value(3.0)
    f(a).backward()
    assert a.grad == slope
    assert gg.grad(f(a), a) == slope


def test_not_computed_can_be_told_from_zero():
    x, unused = Value(1.0), Value(1.0)
    (x * 0).backward()
    assert (x.grad, x.has_grad, unused.grad, unused.has_grad) == (0.0, True, 0.0, False)


def test_constants_collect_nothing():
    x = Value(2.0)
    y = x * 3 + gg.dot([x], [4.0], 5.0)
    y.backward()
    constants = [v for v in gg.topological_order(y) if v.op == "const"]
    assert sorted(v.data for v in constants) == [3.0, 4.0, 5.0]
    assert not any(v.has_grad for v in constants)


def test_topological_order_is_inputs_first_from_left_to_right():
    x, w, b = Value(1.0, "x"), Value(2.0, "w"), Value(3.0, "b")
    n = x * w + b
    n.label = "n"
    y = n.tanh() * x
    order = gg.topological_order(y)
    assert [v.label or v.op for v in order] == ["x", "w", "mul", "b", "n", "tanh", "mul"]


def test_grad_touches_no_grad():
    x, w = Value(2.0), Value(3.0)
    y = x * w
    assert gg.grad(y, [x, w]) == [3.0, 2.0]
    assert gg.grad(y, x) == 3.0
    assert not any(v.has_grad for v in (x, w, y))
    assert gg.grad(y, Value(1.0)) == 0.0
    assert gg.grad(x, x) == 1.0


def test_any_order_of_derivative():
    x = Value(1.3, "x")
    derivative = x**4
    for expected in (4 * 1.3**3, 12 * 1.3**2, 24 * 1.3, 24.0, 0.0, 0.0):
        derivative = gg.grad(derivative, x, create_graph=True)
        assert isinstance(derivative, Value)
        assert derivative.data == pytest.approx(expected)
    y = x.tanh()
    for _ in range(4):
        y = gg.grad(y, x, create_graph=True)
    t = np.tanh(1.3)
    assert y.data == pytest.approx((1 - t**2) * (16 * t - 24 * t**3), rel=1e-12)


def test_the_second_derivative_can_be_backpropagated():
    x = Value(2.0)
    slope = gg.grad(x**3, x, create_graph=True)
    slope.backward()
    assert x.grad == 12.0


def test_micrograds_own_names():
    a, b = Value(2.0), Value(-3.0)
    c = a * b
    o = c.tanh()
    o.grad = 1.0
    for node in (o, c):
        node._backward()
    assert c._prev == {a, b}
    assert (c._op, o._op, (a**3)._op, a.relu()._op, a._op) == ("*", "tanh", "**3", "ReLU", "")
    assert a.grad == pytest.approx(-3.0 * (1 - o.data**2))


UNARY = ["tanh", "sin", "cos", "sigmoid", "softplus", "silu", "gelu", "relu", "abs", "neg"]
BINARY = ["add", "sub", "mul", "max", "min"]


def build(choices, leaves):
    """A graph with heavy sharing: each choice (op, i, j) adds a node on two earlier ones."""
    nodes = list(leaves)
    for kind, i, j in choices:
        a, b = nodes[-1 - i % min(len(nodes), 12)], nodes[j % len(nodes)]
        names = UNARY + BINARY + ["dot"]
        name = names[kind % len(names)]
        if name in UNARY:
            node = gg.tanh(a * 0.5 + b) if name == "neg" else getattr(gg, name)(a)
        elif name == "dot":
            node = gg.tanh(0.1 * gg.dot([a, b, a], [b, 0.3, b], a))  # a slope at saturation has few digits
        else:
            node = getattr(gg, name)(a, b)
        nodes.append(gg.tanh(node) if abs(getattr(node, "data", node)) > 3 else node)
    return gg.sum(nodes[-5:])


GRAPHS = st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99), st.integers(0, 999)), min_size=200, max_size=200)


@settings(max_examples=20)
@given(GRAPHS, st.lists(st.floats(-2, 2).map(lambda x: round(x, 3) + 0.0123), min_size=4, max_size=4))
def test_random_graphs_agree_with_the_complex_step(choices, numbers):
    report = gradcheck(build(choices, leaves := [Value(x) for x in numbers]), leaves)
    assert report.ok, str(report)


@settings(max_examples=20)
@given(GRAPHS)
def test_backward_grad_steps_and_create_graph_agree(choices):
    leaves = [Value(x) for x in (0.3, -0.7, 1.1, -1.9)]
    y = build(choices, leaves)
    plain = gg.grad(y, leaves)
    y.backward()
    assert [v.grad for v in leaves] == plain
    walk = steps(y)
    gradients = [arrived[-1][1] if arrived else 0.0 for arrived in walk.arrivals]
    by_label = {v: gradients[i] for i, v in enumerate(gg.topological_order(y))}
    assert [by_label.get(v, 0.0) for v in leaves] == plain
    for v, g in by_label.items():
        assert g == v.grad or v.op == "const"
    assert [g.data for g in gg.grad(y, leaves, create_graph=True)] == pytest.approx(plain, rel=1e-9, abs=1e-9)


PROGRAM = textwrap.dedent(
    """
    import glassgrad as gg
    xs = [gg.Value(0.1 * i + 0.05, f"x{i}") for i in range(20)]
    nodes = list(xs)
    for i in range(300):
        a, b = nodes[(7 * i) % len(nodes)], nodes[-1 - i % 5]
        nodes.append([(a * b).tanh(), a + b.sin(), gg.dot([a, b], [b, a], a).sigmoid(), a.gelu() - b][i % 4])
    y = gg.sum(nodes[-9:])
    y.backward()
    print(y.data.hex(), *(x.grad.hex() for x in xs), [n.label for n in gg.topological_order(y)][:9])
    print(hash(gg.Graph(y).to_json().encode().hex()[:0]), gg.Graph(y).to_json()[-200:])
    """
)


def test_same_bits_in_eight_processes():
    outputs = set()
    for seed in range(8):
        env = {**os.environ, "PYTHONHASHSEED": str(seed)}
        outputs.add(
            subprocess.run([sys.executable, "-c", PROGRAM], env=env, capture_output=True, check=True, text=True).stdout
        )
    assert len(outputs) == 1
    assert "0x1." in outputs.pop()
