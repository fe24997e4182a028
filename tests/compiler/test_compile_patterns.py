"""Which matrix steps known networks become."""

from __future__ import annotations

import random

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import Value
from glassgrad.engine.compiler.runtime import winners

Net = list[list[tuple[list[Value], Value]]]


def network(rng: random.Random, *sizes: int) -> Net:
    return [
        [
            (
                [Value(rng.gauss(0, 0.5), f"layers[{k}].neurons[{i}].w[{j}]") for j in range(n)],
                Value(0.1, f"layers[{k}].neurons[{i}].b"),
            )
            for i in range(m)
        ]
        for k, (n, m) in enumerate(zip(sizes, sizes[1:]))
    ]


def parameters(net: Net) -> list[Value]:
    return [p for layer in net for w, b in layer for p in (*w, b)]


def apply(net: Net, x: list[Value], dot: bool = False) -> list[Value]:
    for k, layer in enumerate(net):
        x = [gg.dot(w, x, b) if dot else sum((wi * xi for wi, xi in zip(w, x)), b) for w, b in layer]
        x = [v.relu() for v in x] if k < len(net) - 1 else x
    return x


def agree(program: gg.Program, mean: Value, params: list[Value], *arrays: np.ndarray) -> None:
    value, gradient = program.value_and_grad(*arrays)
    expected = np.array(gg.grad(mean, params))
    assert value == pytest.approx(mean.data, rel=1e-12)
    assert np.abs(gradient - expected).max() <= 1e-12 * np.abs(expected).max()


@pytest.mark.parametrize("dot", [False, True])
def test_demo_of_micrograd_traced_and_recorded(dot: bool) -> None:
    net = network(random.Random(1), 2, 16, 16, 1)
    params = parameters(net)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 2)), np.sign(rng.normal(size=30))

    def loss(x: list[Value], y: Value) -> Value:
        return (1 - y * apply(net, x, dot)[0]).relu() + 1e-4 * gg.sum([p * p for p in params])

    traced = gg.compile(loss, example=(x[0], y[0]), params=params)
    losses = [(1 - t * apply(net, [Value(v) for v in row], dot)[0]).relu() for row, t in zip(x, y)]
    root = gg.sum(losses) * (1 / 30) + 1e-4 * gg.sum([p * p for p in params])
    recorded = gg.compile(root, params=params)
    assert traced.steps <= 14
    assert recorded.steps <= 14
    assert "W2 @ relu1 + b2" in str(traced)
    assert "W2 @ relu1 + b2" in str(recorded)
    agree(traced, root, params, x, y)
    agree(recorded, root, params)
    assert recorded.nodes == len([v for v in gg.topological_order(root) if v.inputs])


def test_softmax_with_ties_and_max() -> None:
    z = [Value(v) for v in (1.0, 3.0, 3.0, -1.0, 3.0)]
    largest = z[0]
    for v in z[1:]:
        largest = gg.max(largest, v)
    smallest = z[0]
    for v in z[1:]:
        smallest = gg.min(v, smallest)
    e = [(v - largest).exp() for v in z]
    root = largest * 2 + smallest + (e[1] / gg.sum(e)).log()
    program = gg.compile(root, params=z, backend="numpy")
    assert "max over" in str(program)
    agree(program, root, z)


def test_winners_are_the_slopes_of_nested_max() -> None:
    for numbers in ([1.0, 1.0, 1.0], [2.0, 5.0, 5.0, 1.0], [4.0, 1.0], [0.0, 0.0, 3.0]):
        z = [Value(v) for v in numbers]
        top = z[0]
        for v in z[1:]:
            top = gg.max(top, v)
        column = np.array(numbers)[:, None]
        assert winners(column, column.max(axis=0))[:, 0].tolist() == gg.grad(top, z)


def test_attention_of_a_causal_sequence() -> None:
    rng = random.Random(3)
    weights = [[Value(rng.gauss(0, 0.5)) for _ in range(4)] for _ in range(12)]
    params = [w for row in weights for w in row]

    def loss(tokens: list[list[Value]], target: Value) -> Value:
        qkv = [[gg.dot(row, t) for row in weights] for t in tokens]
        out = []
        for t in range(len(tokens)):
            for h in (0, 2):
                scores = [gg.sum([qkv[t][h + i] * qkv[s][4 + h + i] for i in range(2)]) * 0.7 for s in range(t + 1)]
                e = [s.exp() for s in scores]
                total = gg.sum(e)
                out += [gg.sum([w / total * qkv[s][8 + h + i] for s, w in enumerate(e)]) for i in range(2)]
        return (gg.sum([o * o for o in out]) - target) ** 2

    numbers = np.random.default_rng(1)
    tokens, target = numbers.normal(size=(3, 5, 4)), numbers.normal(size=3)
    program = gg.compile(loss, example=(tokens[0], target[0]), params=params)
    to_values = lambda block: [[Value(v) for v in row] for row in block]  # noqa: E731  # one line says it
    losses = [loss(to_values(block), Value(t)) for block, t in zip(tokens, target)]
    agree(program, gg.sum(losses) / 3, params, tokens, target)
    agree(gg.compile(losses[0], params=params), losses[0], params)
    assert "12 × 5" in str(program)  # q, k and v of all positions are one product


def test_predictions_and_views() -> None:
    net = network(random.Random(5), 3, 4, 2)
    program = gg.compile(lambda x: apply(net, x), example=([0.0, 0.0, 0.0],), params=parameters(net))
    x = np.random.default_rng(0).normal(size=(6, 3))
    scores = program.run(x)
    assert scores.shape == (6, 2)
    assert scores[2] == pytest.approx([v.data for v in apply(net, [Value(a) for a in x[2]])], rel=1e-12)
    program.views["layers[0].neurons[1].w"][:] = 0.0
    assert program.params[4:7].tolist() == [0.0, 0.0, 0.0]
    program.write_values()
    assert [w.data for w in net[0][1][0]] == [0.0, 0.0, 0.0]
    net[0][1][0][0].data = 7.0
    program.read_values()
    assert program.params[4] == 7.0


def test_sum_and_mean() -> None:
    w = Value(2.0)
    x = np.array([1.0, 2.0, 4.0])
    mean = gg.compile(lambda x: w * x * x, example=(1.0,), params=[w])
    total = gg.compile(lambda x: w * x * x, example=(1.0,), params=[w], reduce="sum")
    assert (mean.value_and_grad(x)[0], mean.value_and_grad(x)[1][0]) == pytest.approx((14.0, 7.0))
    assert (total.value_and_grad(x)[0], total.value_and_grad(x)[1][0]) == pytest.approx((42.0, 21.0))


def test_recorded_graph_with_inputs() -> None:
    w, b, x = Value(2.0), Value(1.0), Value(3.0)
    root = (w * x + b).tanh()
    for backend in ("numpy", "python"):
        program = gg.compile(root, params=[w, b], inputs=[x], backend=backend)
        value, gradient = program.value_and_grad([0.5])
        y = np.tanh(2.0)
        assert value == pytest.approx(y)
        assert gradient == pytest.approx([(1 - y * y) * 0.5, 1 - y * y])
        assert program.run([0.5]) == pytest.approx(y)
