"""How small a mistake the gradient check finds, and how wild a function may be without a false alarm."""

from __future__ import annotations

import importlib.util
import math
import sys
from collections.abc import Iterator

import pytest

import glassgrad as gg
from glassgrad import Value, nn
from glassgrad.engine.core.apply import apply
from glassgrad.engine.proof import gradcheck, numpy_reference


@pytest.fixture
def rule() -> Iterator[object]:
    """Defines the op `tried` with a slope that may be wrong."""
    made = []

    def define(forward: str, slope: str, *, analytic: bool = True) -> None:
        if made:
            gg.engine.remove_op("tried")
        made[:] = [gg.define_op("tried", "t", "a", forward, slope, analytic=analytic)]

    yield define
    if made:
        gg.engine.remove_op("tried")


SMOOTH = [
    ("sin(a)", "cos(a)", 0.7),
    ("exp(a)", "y", 3.0),
    ("exp(a)", "y", -40.0),
    ("log(a)", "1 / a", 1e-3),
    ("log(a)", "1 / a", 1e6),
    ("sqrt(a)", "0.5 / y", 2e-3),
    ("1 / a", "-(y**2)", 0.04),
    ("a**5", "5 * a**4", -2.5),
    ("tanh(9 * a)", "9 * (1 - y**2)", 0.1),
    ("sin(40 * a)", "40 * cos(40 * a)", 1.0),
    ("exp(-(a**2) * 200)", "-400 * a * y", 0.05),
]


@pytest.mark.parametrize("name", [name for name, op in gg.OPS.items() if op.analytic])
def test_numpy_computes_every_op_once_more(name):
    op = gg.OPS[name]
    at = {n: low + (0.6 - 0.1 * i) * (high - low) for i, (n, (low, high)) in enumerate(zip(op.names, op.domain))}
    free = {one.name: at[one.name] for one in op.inputs if not one.constant}

    def f(**given):
        return apply(name, *([x] if n in op.many else x for n, x in (at | given).items()))

    report = gg.gradcheck(f, free)
    assert report.ok, str(report)
    assert {row.method for row in report.rows} == {"NumPy"}


def test_what_numpy_computes_otherwise_is_not_proved(monkeypatch):
    assert gg.gradcheck(lambda x: x.exp() * x, [0.5])
    true_exp = numpy_reference._CONTINUED.exp
    monkeypatch.setattr(numpy_reference._CONTINUED, "exp", lambda z: true_exp(z) * 1.0005)
    report = gg.gradcheck(lambda x: x.exp() * x, [0.5])
    assert not report
    assert report.rows[0].verdict == "cannot tell"
    assert "but NumPy gives 2.4734" in report.rows[0].note


@pytest.mark.parametrize("at", [1e-300, 1e-160, 1e-30, 1e30, 1e150])
def test_a_step_that_is_lost_on_the_way_is_taken_again(at):
    report = gg.gradcheck(lambda x: (x * 1e-20) * 1e20 + 1.0, [at])
    assert report, str(report)


@pytest.mark.parametrize(("forward", "slope", "at"), SMOOTH)
@pytest.mark.parametrize("analytic", [True, False])
def test_a_right_rule_passes_and_one_off_by_a_twentieth_of_a_percent_does_not(rule, forward, slope, at, analytic):
    rule(forward, slope, analytic=analytic)
    report = gg.gradcheck(lambda x: gg.tried(x), [at])
    assert report, str(report)
    assert report.rows[0].method == ("NumPy" if analytic else "central difference")
    for factor in (1.0005, 0.9995, -1.0, 0.0):
        rule(forward, f"({slope}) * {factor}", analytic=analytic)
        wrong = gg.gradcheck(lambda x: gg.tried(x), [at])
        assert not wrong, str(wrong)
        assert wrong.rows[0].verdict == "wrong"
        assert wrong.worst == pytest.approx(abs(1 - factor) / max(1.0, factor), rel=0.01 if analytic else 0.3)


@pytest.mark.parametrize(("forward", "slope", "at"), SMOOTH)
def test_the_complex_step_is_exact_to_rounding(rule, forward, slope, at):
    rule(forward, f"({slope}) * (1 + 1e-9)")
    assert not gg.gradcheck(lambda x: gg.tried(x), [at])
    rule(forward, slope)
    assert gg.gradcheck(lambda x: gg.tried(x), [at]).worst < 1e-13


@pytest.mark.parametrize(("forward", "slope", "at"), SMOOTH)
def test_difference_quotients_are_extrapolated(rule, forward, slope, at):
    """Plain central differences of the same steps are right to about 1e-5; twice extrapolated, to 1e-7 and better."""
    rule(forward, slope, analytic=False)
    row = gg.gradcheck(lambda x: gg.tried(x), [at]).rows[0]
    assert row.numeric == pytest.approx(row.analytic, rel=2e-7)


@pytest.mark.parametrize("share", [0.5, 5e-4, -5e-4, 2e-5, 1e-6, 0.0])
def test_a_small_share_of_the_gradient_that_got_lost(share):
    """f is (1 + share)·x², but the graph knows of x² only."""
    report = gg.gradcheck(lambda x: x * x + share * x.data**2, [1.7])
    assert report.ok == (share == 0.0)
    if share:
        assert report.rows[0].method == "f, moved"
        assert report.rows[0].numeric - 3.4 == pytest.approx(3.4 * share, rel=1e-3)
        assert report.rows[0].note == "f changes otherwise than its graph says"


WILD = {
    "sin(1000 x)": (lambda x: (1000 * x).sin(), 0.3),
    "near the edge of log": (lambda x: (x - 1).log(), 1 + 1e-3),
    "a steep step": (lambda x: (300 * x).tanh(), 0.002),
    "x^60": (lambda x: x**60, 1.3),
    "sin(1/x)": (lambda x: (1 / x).sin(), 0.05),
    "large": (lambda x: (x * 1e-5).exp(), 1e6),
    "small": (lambda x: (x * 1e5).exp(), 1e-6),
    "flat": (lambda x: x * 0 + 3, 2.0),
    "a large constant beside it": (lambda x: x.sin() + 1e5, 0.7),
}


def test_what_is_lost_in_the_rounding_of_a_short_step_is_not_proved():
    def f(x: Value) -> Value:
        return x.log() * 1e-5 + 1e5 + min(x.data - 1e-5, 0.0) * 3e-4  # to the left only short steps are in the domain

    (row,) = gg.gradcheck(f, [1e-5]).rows
    assert (row.verdict, "lost in the rounding" in row.note) == ("cannot tell", True)


@pytest.mark.parametrize("name", WILD)
def test_wild_functions_raise_no_false_alarm(name):
    f, at = WILD[name]
    report = gg.gradcheck(f, [at])
    assert report, str(report)
    assert [row.verdict for row in report.rows] == ["right"]


@pytest.mark.parametrize("name", ["sin(1000 x)", "a steep step", "x^60", "sin(1/x)", "near the edge of log"])
def test_and_what_is_lost_in_them_is_found(name):
    f, at = WILD[name]
    assert not gg.gradcheck(lambda x: f(x) + 0.01 * f(Value(x.data)).data, [at])


def many(lose: float) -> tuple[object, list[Value]]:
    xs = [Value(0.02 * i - 0.71, f"x{i}") for i in range(65)]

    def f() -> Value:
        whole = gg.sum([x.sin() * (1 + 0.1 * i) for i, x in enumerate(xs)])
        return whole + lose * xs[40].data * 10

    return f, xs


def test_more_than_64_inputs_are_moved_in_three_directions_that_follow_the_seed():
    f, xs = many(0.0)
    one, again, other = gg.gradcheck(f, xs), gg.gradcheck(f, xs, seed=0), gg.gradcheck(f, xs, seed=1)
    assert one and again and other
    assert [row.name for row in one.rows[65:]] == ["direction 1", "direction 2", "direction 3"]
    assert {row.note for row in one.rows[65:]} == {"inputs moved together"}
    assert one.rows == again.rows
    assert one.rows[:65] == other.rows[:65]
    assert one.rows[65:] != other.rows[65:]
    found = gg.gradcheck(*many(0.05))
    assert not found
    assert [row.name for row in found.rows if row.verdict == "wrong"] == ["x40", *(f"direction {k}" for k in (1, 2, 3))]
    assert len(gg.gradcheck(lambda: gg.sum(xs[:64]), xs[:64]).rows) == 64


def test_numbers_and_gradients_are_as_before():
    x, w = Value(0.5, "x"), Value(2.0, "w")
    (x * w).backward()
    gg.gradcheck(lambda: (x * w).tanh(), [x, w], second_order=True)
    assert (x.data, w.data, x.grad, w.grad) == (0.5, 2.0, 2.0, 0.5)

    def failing() -> Value:
        if x.data != 0.5:
            raise RuntimeError("stop")
        return x * w

    with pytest.raises(RuntimeError, match="stop"):
        gg.gradcheck(failing, [x, w])
    assert x.data == 0.5


def test_cancelled_terms_are_rounding_not_a_mistake():
    report = gg.gradcheck(lambda x: 1e8 * x.sin() - 1e8 * x.sin() + x, [0.3])
    assert report, str(report)
    assert report.rows[0].analytic == pytest.approx(1.0, abs=1e-6)


def test_relative_errors_and_the_worst():
    rows = gg.gradcheck(lambda x, y: x.data * x + y, [2.0, 3.0]).rows
    assert rows[0].error == pytest.approx(0.5)  # 2 instead of 4
    assert rows[1].error == 0.0
    report = gg.gradcheck(lambda x, y: abs(x) + y.data * y, [0.0, 3.0])
    assert [row.verdict for row in report.rows] == ["kink", "wrong"]
    assert report.worst == pytest.approx(0.5)


@pytest.mark.parametrize(("at", "verdict"), [(1.0, "kink"), (1 + 1e-12, "right"), (1 - 1e-12, "right")])
def test_a_kink_is_met_or_missed_never_nearly_met(at, verdict):
    x = Value(at)
    for report in (gg.gradcheck(lambda x: abs(x - 1), [at]), gg.gradcheck(abs(x - 1), [x])):
        assert [row.verdict for row in report.rows] == [verdict]
        assert report.ok


def test_a_tie_of_two_inputs_is_a_kink_of_both():
    x, y = Value(2.0), Value(2.0)
    report = gg.gradcheck(gg.max(x, y) + y, [x, y])
    assert [(row.verdict, row.analytic, row.sides) for row in report.rows] == [
        ("kink", 0.5, (0.0, 1.0)),
        ("kink", 1.5, (1.0, 2.0)),
    ]


def test_a_row_for_each_pair_of_inputs_in_second_order():
    model = nn.MLP(1, [2, 1], activation="tanh", seed=1)
    report = gg.gradcheck(lambda: model([0.5]), model.parameters(), second_order=True)
    assert report, str(report)
    n = len(model.parameters())
    assert len(report.rows) == n + n * n
    assert math.isclose(report.value, model([0.5]).data)


@pytest.mark.parametrize("at", [0.3, 0.7, 1.3, 2.0])
def test_large_contributions_that_cancel_are_no_mistake(at):
    """Rounding is measured against the 3.1e8 that come and go, not against the gradient of tanh that remains."""
    report = gg.gradcheck(lambda x: x * 3.1e8 - 3.1e8 * x + gg.tanh(x), [at])
    assert report, str(report)
    assert report.rows[0].verdict == "right"


def test_only_the_absence_of_numpy_makes_it_do_without(monkeypatch):
    monkeypatch.setitem(sys.modules, numpy_reference.__name__, None)
    spec = importlib.util.spec_from_file_location("glassgrad.engine.proof.again", gradcheck.__file__)
    with pytest.raises(ModuleNotFoundError, match="numpy_reference"):
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
