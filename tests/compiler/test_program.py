"""`Program` as an object: what it accepts, what it refuses, its parameters, views, listing and repr."""

from __future__ import annotations

import math
import tracemalloc
from importlib.util import find_spec
from typing import Literal

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import CompileError, DomainError, Value, nn


def line() -> tuple[list[Value], gg.Program]:
    w, b = Value(2.0, "w"), Value(-1.0, "b")
    return [w, b], gg.compile(lambda x, t: (w * x[0] + b * x[1] - t) ** 2, example=([1.0, 2.0], 3.0), params=[w, b])


def recorded(backend: str = "numpy") -> gg.Program:
    w, x, z = Value(2.0, "w"), Value(3.0, "x"), Value(0.5, "z")
    return gg.compile((w * x + z).tanh(), params=[w], inputs=[x, z], backend=backend)


GOOD = np.arange(8.0).reshape(4, 2), np.arange(4.0)


@pytest.mark.parametrize("call", ["run", "value_and_grad"])
@pytest.mark.parametrize("warm", [False, True])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), r"takes 2 arrays \(x: \(batch, 2\), t: \(batch\)\), got 0"),
        ((GOOD[0],), "takes 2 arrays .*, got 1"),
        ((*GOOD, GOOD[1]), "takes 2 arrays .*, got 3"),
        ((GOOD[0], GOOD[1][:3]), r"t must have shape \(batch,\), examples first, as many in each array; got \(3,\)"),
        ((GOOD[0][:3], GOOD[1]), r"t must have shape .* got \(4,\)"),
        ((GOOD[0][:, :1], GOOD[1]), r"x must have shape \(batch, 2\).* got \(4, 1\)"),
        ((np.ones((4, 3)), GOOD[1]), r"x must have shape \(batch, 2\).* got \(4, 3\)"),
        ((np.ones((4, 2, 1)), GOOD[1]), r"x must have shape \(batch, 2\).* got \(4, 2, 1\)"),
        ((GOOD[0], np.ones((4, 1))), r"t must have shape \(batch,\).* got \(4, 1\)"),
        ((np.ones(2), 1.0), r"x must have shape \(batch, 2\).* got \(2,\)"),
        ((GOOD[0].tolist(), 3.0), r"t must have shape \(batch,\).* got \(\)"),
        ((np.ones((0, 2)), np.ones(0)), "x holds no example"),
    ],
)
def test_arguments_of_other_shapes_are_refused(call, warm, arguments, message):
    """Also by a program that has run with the right ones before (`warm`): it must not reuse their arrays."""
    _, program = line()
    if warm:
        program.value_and_grad(*GOOD)
    with pytest.raises(CompileError, match=message):
        getattr(program, call)(*arguments)
    assert program.run(*GOOD) == pytest.approx((2 * GOOD[0][:, 0] - GOOD[0][:, 1] - GOOD[1]) ** 2)


@pytest.mark.parametrize("backend", ["numpy", "python"])
@pytest.mark.parametrize("call", ["run", "value_and_grad"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "takes 1 arrays .* got 0"),
        (([1.0, 2.0], [1.0]), "takes 1 arrays .* got 2"),
        (([1.0],), r"inputs must have shape \(2,\), got \(1,\)"),
        (([1.0, 2.0, 3.0],), r"inputs must have shape \(2,\), got \(3,\)"),
        (([[1.0, 2.0]],), r"inputs must have shape \(2,\), got \(1, 2\)"),
        ((1.0,), r"inputs must have shape \(2,\), got \(\)"),
    ],
)
def test_inputs_of_a_recorded_graph_are_one_vector(backend, call, arguments, message):
    program = recorded(backend)
    with pytest.raises(CompileError, match=message):
        getattr(program, call)(*arguments)
    assert program.run([0.25, 0.5]) == pytest.approx(np.tanh(1.0))


@pytest.mark.parametrize("new", [[1.0], [1.0, 2.0, 3.0], [[1.0, 2.0]], 1.0])
def test_parameters_of_another_length_are_refused(new):
    _, program = line()
    with pytest.raises(CompileError, match=r"params has shape \(2,\), got an array of shape"):
        program.params = new
    assert program.params.tolist() == [2.0, -1.0]


def test_assigning_parameters_copies_them():
    _, program = line()
    new = np.array([1.0, 5.0])
    program.params = new
    new[0] = 9.0
    assert program.params.tolist() == [1.0, 5.0]
    program.params -= 1.0
    assert program.params.tolist() == [0.0, 4.0]
    assert program.run([[1.0, 1.0]], [0.0]).tolist() == [16.0]


def test_parameters_go_back_into_their_values_and_come_from_them():
    (w, b), program = line()
    program.value_and_grad(*GOOD)
    program.params = [0.5, -7.0]
    assert (w.data, b.data) == (2.0, -1.0)
    program.write_values()
    assert (w.data, b.data) == (0.5, -7.0)
    w.data = 3.0
    program.read_values()
    assert program.params.tolist() == [3.0, -7.0]


def test_batches_of_many_sizes_one_after_the_other():
    (w, b), program = line()
    rng = np.random.default_rng(0)
    for n in (1, 3, 2, 3, *range(4, 16), 1, 3):
        x, t = rng.normal(size=(n, 2)), rng.normal(size=n)
        mean = gg.sum([(w * p + b * q - s) ** 2 for (p, q), s in zip(x, t)]) / n
        value, gradient = program.value_and_grad(x, t)
        assert value == pytest.approx(mean.data, rel=1e-12)
        assert gradient == pytest.approx(gg.grad(mean, [w, b]), rel=1e-12)
        assert program.run(x, t) == pytest.approx((2 * x[:, 0] - x[:, 1] - t) ** 2, rel=1e-12)


def test_the_gradient_is_reused_and_the_numbers_given_are_kept():
    _, program = line()
    x, t = GOOD[0].copy(), GOOD[1].copy()
    first = program.value_and_grad(x, t)[1]
    kept = first.copy()
    assert program.value_and_grad(x + 1, t)[1] is first
    assert not np.array_equal(first, kept)
    assert np.array_equal(x, GOOD[0])
    assert np.array_equal(t, GOOD[1])


def test_a_list_of_results():
    w = [Value(1.0, "w[0]"), Value(2.0, "w[1]")]
    program = gg.compile(lambda x: [w[0] * x, w[1] * x + 1, w[0]], example=(1.0,), params=w)
    assert program.run([1.0, 10.0]).tolist() == [[1.0, 3.0, 1.0], [10.0, 21.0, 1.0]]
    with pytest.raises(CompileError, match=r"needs a program with one result; this one returns a list \(use run\)"):
        program.value_and_grad([1.0])


def test_views_are_named_by_the_labels():
    model = nn.MLP(3, [2, 1], seed=1)
    program = gg.compile(lambda x: model(x), example=([0.0] * 3,), params=model.parameters())
    assert list(program.views) == [
        "layers[0].neurons[0].w",
        "layers[0].neurons[0].b",
        "layers[0].neurons[1].w",
        "layers[0].neurons[1].b",
        "layers[1].neurons[0].w",
        "layers[1].neurons[0].b",
    ]
    assert [len(view) for view in program.views.values()] == [3, 1, 3, 1, 2, 1]
    assert np.concatenate(list(program.views.values())).tolist() == program.params.tolist()
    assert all(np.shares_memory(view, program.params) for view in program.views.values())


def test_the_listing_tells_each_step_its_shape_and_how_many_nodes_it_stands_for():
    model = nn.MLP(3, [4, 1], activation="tanh", seed=1)
    program = gg.compile(lambda x, y: model(x) * y, example=([0.0] * 3, 1.0), params=model.parameters())
    assert [" ".join(row.split()) for row in str(program).splitlines() if "─" not in row] == [
        "step shape scalar nodes",
        "1 z1 = W1 @ x + b1 4 × n 4",
        "2 tanh1 = tanh(z1) 4 × n 4",
        "3 z2 = W2 @ tanh1 + b2 n 1",
        "4 m1 = z2 * y n 1",
        "4 steps 10 of each example; n is the number of examples",
    ]
    assert repr(program) == "Program(4 steps for 10 scalar nodes, 21 parameters)"
    assert (program.steps, program.nodes) == (4, 10)


def test_a_small_recorded_graph_runs_as_straight_lines_and_says_so():
    x, w = Value(2.0, "x"), Value(-3.0, "w")
    small = gg.compile((x * w).tanh(), params=[x, w])
    assert str(small).endswith("\nrun as straight-line Python: it is small")
    assert "straight-line" not in str(gg.compile((x * w).tanh(), params=[x, w], backend="numpy"))
    assert small.value_and_grad()[0] == np.tanh(-6.0)


def test_large_numbers_of_nodes_are_grouped_by_thousands():
    model = nn.MLP(30, [40, 1], seed=1, expand=True)
    text = str(gg.compile(lambda x: model(x), example=([0.0] * 30,), params=model.parameters()))
    assert next(line for line in text.splitlines() if "W1 @ x" in line).split()[-1] == "2,400"
    assert text.splitlines()[-1].split("steps")[1].split()[0] == "2,520"


def test_arrays_are_kept_for_a_few_batch_sizes_only():
    """A program that is asked for another size each time does not grow without end."""
    w = Value(2.0, "w")
    program = gg.compile(lambda x: (w * x).tanh(), example=(1.0,), params=[w])
    program.value_and_grad(np.ones(10))
    tracemalloc.start()
    try:
        program.value_and_grad(np.ones(20_000))
        one = tracemalloc.get_traced_memory()[0]
        for n in range(20_001, 20_040):
            program.value_and_grad(np.ones(n))
        assert tracemalloc.get_traced_memory()[0] < 12 * one
    finally:
        tracemalloc.stop()


BACKENDS = [
    "numpy",
    pytest.param("numba", marks=pytest.mark.skipif(find_spec("numba") is None, reason="needs the extra jit")),
]


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_undefined_number_is_not_swallowed_by_a_max(backend):
    w = Value(1.0, "w")
    program = gg.compile(lambda x: gg.max((w * x).log(), x * 0), example=(2.0,), params=[w], backend=backend)
    assert program.value_and_grad([np.e, np.e])[0] == pytest.approx(1.0)
    for call in (program.run, program.value_and_grad):
        with pytest.raises(DomainError, match=r"log has no finite value at a = -1\.0 in example 1 \(it needs a > 0\)"):
            call([1.0, -1.0])


@pytest.mark.parametrize("backend", BACKENDS)
def test_ties_of_three_and_signs_of_sums(backend):
    z = [Value(v, f"z[{i}]") for i, v in enumerate((1.0, 3.0, 3.0, 3.0, -2.0))]

    def function(x: list[Value]) -> Value:
        terms = [v * x[0] for v in z]
        top, least = terms[0], terms[0]
        for v in terms[1:]:
            top, least = gg.max(top, v), gg.min(least, v)
        return top * 2 - least * x[1] + (x[1] - z[0]) * 0.5 - z[1] * z[2] - z[3]

    x = np.array([[1.0, 2.0], [1.0, -3.0], [2.0, 0.5]])
    program = gg.compile(function, example=(x[0],), params=z, backend=backend)
    mean = gg.sum([function([Value(v) for v in row]) for row in x]) / 3
    value, gradient = program.value_and_grad(x)
    assert value == pytest.approx(mean.data, rel=1e-12)
    assert gradient == pytest.approx(gg.grad(mean, z), rel=1e-12)


@pytest.mark.parametrize("backend", ["numpy", "python"])
def test_negative_constants_and_powers(backend):
    x, w = Value(1.5, "x"), Value(0.5, "w")
    y = (-2.0) * x**2 - (x * -3.0) ** 3 * w + 2.0 ** (-w) + x / -4.0 - (-1.5) * w
    value, gradient = gg.compile(y, params=[x, w], backend=backend).value_and_grad()
    assert value == pytest.approx(y.data, rel=1e-13)
    assert gradient == pytest.approx(gg.grad(y, [x, w]), rel=1e-13)


def test_a_result_that_another_result_reads():
    w = [Value(2.0, "w[0]"), Value(3.0, "w[1]")]

    def function(x: Value) -> list[Value]:
        first = w[0] * x + w[1]
        return [first, first + x, gg.max(first, x), first]

    program = gg.compile(function, example=(1.0,), params=w)
    assert program.run([1.0, -4.0]).tolist() == [[5.0, 6.0, 5.0, 5.0], [-5.0, -9.0, -4.0, -5.0]]


def test_a_sum_that_goes_on_into_another_sum_is_a_result_too():
    w = [Value(2.0, "w[0]"), Value(3.0, "w[1]")]

    def function(x: Value) -> list[Value]:
        first = w[0] * x + w[1]
        top = gg.max(first, x * 10)
        return [first, first - x * w[1], top, gg.max(top, w[1])]

    program = gg.compile(function, example=(1.0,), params=w)
    assert program.run([1.0, -4.0]).tolist() == [[5.0, 2.0, 10.0, 10.0], [-5.0, 7.0, -5.0, 3.0]]


@pytest.mark.parametrize(
    ("way", "backend"), [("two ops", "numpy"), ("square and op", "numpy"), ("penalty", "numpy"), ("two ops", "numba")]
)
def test_gradients_of_overlapping_parameters_do_not_remember_the_last_call(
    way: str, backend: Literal["numpy", "numba"]
) -> None:
    """The parts overlap in some cells alone: the buffer must be zeroed first, or old numbers are added to."""
    if backend == "numba":
        pytest.importorskip("numba")
    ws = [Value(0.1 * i + 0.2) for i in range(12)]

    def function(x: list[Value]) -> Value:
        if way == "two ops":
            return gg.dot([w.tanh() for w in ws[:8]], [w.exp() for w in ws[4:]]) * x[0]
        if way == "square and op":
            return gg.dot(ws[4:], x) ** 2 + gg.sum([w.tanh() for w in ws[:8]])
        rows = [gg.dot(ws[i : i + 4], x[:4]).tanh() for i in range(0, 12, 4)]
        return gg.sum(rows) + gg.dot(ws[2:9], ws[2:9])

    rows = [[0.3 * math.sin(8 * i + j) for j in range(8)] for i in range(3)]
    program = gg.compile(function, example=(rows[0],), params=ws, backend=backend)
    expected = np.mean([gg.grad(function(row), ws) for row in rows], axis=0)
    for _ in range(3):
        assert program.value_and_grad(rows)[1] == pytest.approx(expected, rel=1e-12)
        program.value_and_grad([[5 * x for x in rows[1]]])
