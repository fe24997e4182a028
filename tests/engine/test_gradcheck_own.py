"""What the gradient check says of rules and gradients that a learner wrote: closures, and `reference=`."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import Value
from glassgrad.engine.core import grad as grad_module
from glassgrad.engine.proof.own_rules import told_place


def ruled(data: float, children: tuple[Value, ...], slopes: tuple[float, ...], op: str) -> Value:
    out = Value(data, children, op)

    def rule() -> None:
        for v, slope in zip(children, slopes):
            v.grad += slope * out.grad

    out._backward = rule
    return out


def product(x: Value, w: Value, slope_x: float, slope_w: float) -> Value:
    return ruled(x.data * w.data, (x, w), (slope_x, slope_w), "*")


CLOSURES = {
    "sign": (lambda x, w: product(x, w, -w.data, x.data), "its sign is turned round"),
    "swapped": (lambda x, w: product(x, w, x.data, w.data), "x and w are exchanged in it"),
    "ones": (lambda x, w: product(x, w, 1.0, x.data), "the upstream gradient is passed on as it is"),
    "lost": (lambda x, w: product(x, w, 0.0, x.data), "no gradient is passed on"),
    "hidden": (lambda x, w: ruled(x.data * w.data, (x,), (w.data,), "*"), "depends on more than its children"),
    "no name": (lambda x, w: ruled(x.data**2, (x,), (4 * x.data,), "square") * w, "it is twice as large"),
    "too large": (lambda x, w: ruled(x.data**2, (x,), (2.1 * x.data,), "square") * w, "it is 5 % too large"),
    "too small": (lambda x, w: product(x, w, 0.95 * w.data, x.data), "5 % too small"),
    "unknown": (lambda x, w: product(x, w, 0.123, x.data), "no known mistake gives this number"),
}


@pytest.mark.parametrize("case", CLOSURES)
def test_a_wrong_rule_of_ones_own_is_named_with_its_line(case):
    f, sentence = CLOSURES[case]
    report = gg.gradcheck(lambda x, w: f(x, w) * x + w, [0.5, -1.5])
    assert not report
    assert len(report.faults) == (2 if case == "swapped" else 1)  # each operand has its own wrong slope
    assert sentence in str(report)
    assert "line: test_gradcheck_own.py:" in str(report)
    assert "v.grad += slope * out.grad" in str(report)


def spoilt(rule: Any) -> Any:
    def f(x: Value) -> Value:
        out = Value(x.data**2, (x,), "square")
        out._backward = lambda: rule(x, out)
        return out + x

    return f


REFUSED = {
    "overwrites": (lambda x, out: setattr(x, "grad", 2 * x.data * out.grad), "overwritten", 6.0, "wrong"),
    "no upstream": (lambda x, out: setattr(x, "grad", x.grad + 2 * x.data), "own rule", 7.0, "right"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_rule_that_is_none_is_named_and_its_numbers_are_judged_by_themselves(case):
    rule, kind, left, verdict = REFUSED[case]
    report = gg.gradcheck(spoilt(rule), [3.0])
    assert [fault.kind for fault in report.faults] == [kind]
    assert report.faults[0].place.startswith("test_gradcheck_own.py:")
    (row,) = report.rows
    assert (row.verdict, row.analytic) == (verdict, left)
    assert not report
    assert row.numeric == pytest.approx(7.0)


def own_floor(v: Value) -> Value:
    return ruled(float(math.floor(v.data)), (v,), (0.0,), "floor")


@pytest.mark.parametrize("f", [lambda x: own_relu(x) + own_floor(x), lambda x: own_floor(x) + own_relu(x)])
def test_a_jump_of_ones_own_beside_a_kink_is_not_ok_and_has_no_number(f):
    report = gg.gradcheck(f, [0.0])
    assert [(row.verdict, row.note) for row in report.rows] == [("cannot tell", "a rule of your own jumps here")]
    assert str(report).splitlines()[1].split()[:4] == ["x", "0", "none", "–"]


KINKS = {
    "of the table and one's own": (lambda x: gg.relu(x) * 2 + own_relu(x) * 3, (0.0, 5.0)),
    "of the table and a branch": (lambda x: gg.relu(x) * 2 + (x if x.data > 0 else x * 4), (4.0, 3.0)),
}


@pytest.mark.parametrize("case", KINKS)
def test_two_kinks_at_one_place_are_added_up(case):
    f, sides = KINKS[case]
    (row,) = gg.gradcheck(f, [0.0]).rows
    assert (row.verdict, row.sides) == ("kink", pytest.approx(sides))


def test_where_a_search_leads_out_of_a_domain_the_rule_is_named_all_the_same():
    xs = [Value(1e-6 * (1 + i / 70), f"x{i}") for i in range(70)]
    report = gg.gradcheck(lambda: gg.sum([ruled(math.log(x.data), (x,), (2 / x.data,), "log") for x in xs]), xs)
    assert [fault.op for fault in report.faults] == ["own log"]


def test_right_rules_of_ones_own_with_a_kink_and_beside_a_lost_gradient():
    def relu(v: Value) -> Value:
        return ruled(max(v.data, 0.0), (v,), (float(v.data > 0),), "relu")

    report = gg.gradcheck(lambda x: relu(x) * 3, [0.0])
    assert report
    assert [(row.verdict, row.sides) for row in report.rows] == [("kink", pytest.approx((0.0, 3.0)))]
    lost = gg.gradcheck(lambda x: relu(x) * x.data, [2.0])
    assert [fault.kind for fault in lost.faults] == ["lost"]


def test_gradients_of_closures_are_as_before_after_a_check():
    x = Value(3.0, "x")
    x.grad = 17.0
    gg.gradcheck(lambda: spoilt(REFUSED["overwrites"][0])(x), [x])
    assert x.grad == 17.0


# -- reference --------------------------------------------------------------------------------------------------------


def neuron(x: Any, w: Any, b: Any) -> Any:
    return gg.tanh(x * w + b) * x


def gradient(x: float, w: float, b: float, slope: Any = lambda t: 1 - t**2, own: float = 1.0) -> np.ndarray:
    t = np.tanh(x * w + b)
    return np.array([own * t + x * slope(t) * w, x * slope(t) * x, x * slope(t)])


AT = [0.7, -1.5, 0.3]
REFERENCES = {
    "right": (gradient, set(), ""),
    "float32": (lambda *a: gradient(*a).astype("float32") * np.float32(1.0), set(), ""),
    "a column": (lambda *a: gradient(*a).reshape(3, 1), set(), ""),
    "a list": (lambda *a: gradient(*a).tolist(), set(), ""),
    "numbers": (gradient(*AT), set(), ""),
    "by name": (lambda *a: dict(zip("xwb", gradient(*a))), set(), ""),
    "sign": (lambda *a: gradient(*a) * [1, -1, 1], {"w"}, "its sign is turned round"),
    "term": (lambda *a: gradient(*a, own=0.0), {"x"}, "only one of the contributions is there"),
    "chain": (lambda *a: gradient(*a, slope=lambda t: 1.0), {"x", "w", "b"}, "left out as a factor (the chain rule)"),
    "value": (lambda *a: gradient(*a, slope=lambda t: t), {"x", "w", "b"}, "the value of tanh is used for its slope"),
    "exchanged": (lambda *a: gradient(*a)[[0, 2, 1]], {"w", "b"}, "it is the gradient for b"),
    "all": (lambda *a: 2 * gradient(*a), {"x", "w", "b"}, "each is twice as large"),
    "a mean": (lambda *a: gradient(*a) / 7, {"x", "w", "b"}, "all are 0.142857 times what they should be"),
    "unknown": (lambda *a: gradient(*a) + np.array([0, 0, 0.1]), {"b"}, "no known mistake gives this number"),
}


@pytest.mark.parametrize("case", REFERENCES)
def test_a_gradient_of_ones_own_is_checked_row_by_row(case):
    reference, wrong, sentence = REFERENCES[case]
    report = gg.gradcheck(neuron, AT, reference=reference)
    assert {row.name for row in report.rows if row.verdict == "wrong"} == wrong, str(report)
    assert len(report.rows) == 3
    assert report.ok == (not wrong)
    assert sentence in str(report)
    assert str(report).split()[1:3] == ["your", "gradient"]


def test_a_mistake_that_explains_several_rows_is_told_once():
    report = gg.gradcheck(neuron, AT, reference=REFERENCES["chain"][0])
    (fault,) = report.faults
    assert "and so for w, b" in fault.sentence


def test_inputs_by_name_and_values_that_f_reads():
    assert gg.gradcheck(lambda a, b: a / b, {"a": 1.0, "b": 2.0}, reference=lambda b, a: {"a": 1 / b, "b": -a / b**2})
    a, b = Value(1.0, "a"), Value(2.0, "b")
    assert gg.gradcheck(lambda: a / b, [a, b], reference=lambda: [0.5, -0.25])
    assert gg.gradcheck(a / b, [a, b], reference=lambda x, y: [1 / y, -x / y**2])
    named = gg.gradcheck(lambda a: a * a, {"a": 1.0}, names=["p"], reference=lambda a: {"a": 2 * a})
    assert [row.name for row in named.rows] == ["p"]


def test_a_tiny_gradient_of_ones_own_is_measured_by_its_own_size():
    report = gg.gradcheck(lambda x: x * 1e-9, [1.0], reference=[0.5e-9])
    assert [row.verdict for row in report.rows] == ["wrong"]


@pytest.mark.parametrize("f", [lambda x: x.data**2, lambda x: x * x.data])
def test_where_f_itself_is_wrong_a_reference_is_read_and_said_not_to_be_compared(f):
    report = gg.gradcheck(f, [3.0], reference=[7.0])
    assert not report
    assert "your gradient, 7, is not compared: f itself is wrong" in report.rows[0].note
    with pytest.raises(TypeError, match="a gradient of reference"):
        gg.gradcheck(f, [3.0], reference=["nonsense"])


def test_a_reference_and_second_derivatives_are_refused():
    with pytest.raises(ValueError, match="leave second_order out"):
        gg.gradcheck(neuron, AT, reference=gradient, second_order=True)


@pytest.mark.parametrize("at", [0.0, 0.5, 1.0])
def test_at_a_kink_either_side_is_right(at):
    assert gg.gradcheck(lambda x: x.relu(), [0.0], reference=[at])
    assert not gg.gradcheck(lambda x: x.relu(), [0.0], reference=[at + 1.1])


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        (lambda *a: [1.0, 2.0], "one number for each of the 3 inputs (x, w, b), got 2: list [1.0, 2.0]"),
        (np.ones((3, 3)), "one number for each of the 3 inputs (x, w, b), got 9: ndarray"),
        (lambda *a: {"x": 1.0, "y": 2.0}, "by name for x, y, but the inputs are x, w, b"),
        (lambda *a: [1.0, None, 2.0], "a number is missing; does a function lack its return?"),
        (lambda *a: None, "got 1: None (does a function lack its return?)"),
    ],
)
def test_a_reference_of_another_shape_is_refused_in_one_sentence(reference, message):
    with pytest.raises((TypeError, ValueError)) as caught:
        gg.gradcheck(neuron, AT, reference=reference)
    assert message in str(caught.value)


def test_a_reference_of_a_large_graph_is_compared_too():
    xs = [Value(math.sin(i), f"x{i}") for i in range(80)]
    report = gg.gradcheck(
        lambda: gg.sum([x * x for x in xs]), xs, reference=lambda *v: [2 * x for x in v[:79]] + [v[79]]
    )
    assert [row.name for row in report.rows if row.verdict == "wrong"] == ["x79"]
    assert len(report.rows) == 80


def test_second_derivatives_that_are_not_those_of_the_gradient_are_found(monkeypatch):
    right = grad_module._edges_as_values

    def forgets(node: Value) -> Any:  # the slopes as plain numbers: what follows from them is lost
        for index, v, slope in right(node):
            yield index, v, getattr(slope, "data", slope)

    def f(x: Value, w: Value) -> Any:
        return (x * w).sin() * x

    assert gg.gradcheck(f, [0.5, 1.5], second_order=True)
    monkeypatch.setattr(grad_module, "_edges_as_values", forgets)
    report = gg.gradcheck(f, [0.5, 1.5], second_order=True)
    assert not report
    assert "grad(create_graph=True) gives" in str(report)


# -- how small a fault is found, and how little is needed to prove ----------------------------------------------------


def square(v: Value, factor: float = 1.0) -> Value:
    return ruled(v.data**2, (v,), (2 * v.data * factor,), "square")


def norm(xs: list[Value], turned: int) -> Value:
    slopes = tuple(2 * x.data * (-1.0 if i == turned else 1.0) for i, x in enumerate(xs))
    return ruled(sum(x.data**2 for x in xs), tuple(xs), slopes, "norm")


MANY: dict[str, Any] = {
    "one node each": lambda xs, k: gg.sum([square(x, -1.0 if i == k else 1.0) for i, x in enumerate(xs)]),
    "a small share": lambda xs, k: gg.sum([square(x, -1.0) * 1e-9 if i == k else square(x) for i, x in enumerate(xs)]),
    "one node for all": norm,
    "lost": lambda xs, k: gg.sum([x * x.data if i == k else x * x for i, x in enumerate(xs)]),
}


@pytest.mark.parametrize("case", MANY)
def test_a_fault_in_one_of_many_inputs_is_found_and_named(case):
    xs = [Value(math.sin(i) + 1.5, f"x{i}") for i in range(120)]
    report = gg.gradcheck(lambda: MANY[case](xs, 77), xs)
    assert not report
    assert "x77" in [row.name for row in report.rows if row.verdict == "wrong"]
    assert {row.name for row in report.rows if row.verdict == "wrong"} <= {
        "x77",
        *(f"direction {k}" for k in (1, 2, 3)),
    }
    assert len(report.faults) == 1
    assert "x77" in str(report.faults[0])
    assert gg.gradcheck(lambda: MANY[case](xs, -1), xs).ok


@pytest.mark.parametrize("share", [1e-6, 1e-9, 1e-14])
def test_a_rule_of_ones_own_is_checked_however_little_it_matters(share):
    report = gg.gradcheck(lambda x: x * x + share * square(x, -1.0), [2.0])
    assert not report
    assert [fault.op for fault in report.faults] == ["own square"]


def test_of_two_wrong_rules_both_are_named():
    report = gg.gradcheck(lambda x, w: square(x, -1.0) + product(x, w, w.data, 2 * x.data), [2.0, 3.0])
    assert sorted((fault.op, fault.operand) for fault in report.faults) == [("own *", 1), ("own square", 0)]


def own_relu(v: Value) -> Value:
    return ruled(max(v.data, 0.0), (v,), (float(v.data > 0),), "relu")


FAINT: dict[str, tuple[Any, float, set[str]]] = {
    "beside 1e4": (lambda x: own_relu(x) + 1e4, 0.0, {"kink"}),
    "beside 1e8": (lambda x: own_relu(x) + 1e8, 1e-12, {"right"}),
    "and on the other side": (lambda x: own_relu(x) + 1e8, -1e-12, {"right"}),
    "steep": (lambda x: ruled(1 / x.data, (x,), (-1 / x.data**2,), "inverse"), 1e-150, {"right"}),
    "flat": (lambda x: ruled(x.data**3, (x,), (3 * x.data**2,), "cube"), 1e-120, {"cannot tell"}),
    "vanishing": (
        lambda x: ruled(math.exp(x.data), (x,), (math.exp(x.data),), "exp"),
        -745.0,
        {"right", "cannot tell"},
    ),
    "away from 0": (lambda x: own_relu(x - 0.5), 0.5, {"kink"}),
    "behind a step": (lambda x: ruled(0.0, (x.sign(),), (0.0,), "nothing") + x, 0.0, {"kink", "cannot tell"}),
    "a step": (lambda x: ruled(float(round(x.data)), (x,), (0.0,), "round"), 0.5, {"cannot tell"}),
}


@pytest.mark.parametrize("case", FAINT)
def test_a_right_rule_is_not_called_wrong_where_differences_are_not_resolved(case):
    f, at, verdicts = FAINT[case]
    report = gg.gradcheck(f, [at])
    assert {row.verdict for row in report.rows} <= verdicts, str(report)
    assert not report.faults


JUMPS: dict[str, tuple[Any, float]] = {
    "to the right": (lambda x: x * 2 if x.data > 1 else x * 3, 1.0),
    "to the left": (lambda x: x * 2 if x.data >= 1 else x * 3, 1.0),
    "rounded": (lambda x: x * 2 + round(x.data), 0.5),
    "floor": (lambda x: x * 2 + math.floor(x.data), 1.0),
}


@pytest.mark.parametrize("case", JUMPS)
def test_a_function_that_jumps_is_no_kink_and_not_ok(case):
    f, at = JUMPS[case]
    report = gg.gradcheck(f, [at])
    assert not report
    assert [(row.verdict, row.note) for row in report.rows] == [("cannot tell", "f jumps here")]


@pytest.mark.parametrize(
    ("f", "at"),
    [
        (lambda a, b: gg.max(a, b) * a, [1.0, 1.0000003]),
        (lambda a: gg.relu(a) * a, [-5e-10]),
        (lambda a: gg.relu(a) * a, [5e-10]),
        (lambda a: abs(a - 1) ** 3, [1 + 1e-12]),
    ],
)
def test_a_kink_nearby_does_not_make_second_derivatives_wrong(f, at):
    report = gg.gradcheck(f, at, second_order=True)
    assert report, str(report)


def test_a_rule_that_ignores_its_gradient_is_told_so_whatever_the_last_digits():
    report = gg.gradcheck(spoilt(lambda x, out: setattr(x, "grad", x.grad + 0.1)), [3.0])
    assert "whatever its own gradient is" in str(report)


def test_a_lost_gradient_is_told_with_numbers_that_differ_and_no_more_digits_than_are_known():
    report = gg.gradcheck(lambda x: 2 * x + 1e-5 * x.data**2, [1.7])
    assert re.search(r"its slope in x is 2\.00003\d?, but its graph gives 2$", str(report), re.MULTILINE)
    report = gg.gradcheck(lambda x, y: x * y.data, [2.0, 1.0])
    assert "its slope in y is 2, but its graph gives 0" in str(report)


def reads_once(x: Value, y: Value) -> Value:
    u = x * 3
    return u * math.exp(y.data)  # here y leaves the graph


def reads_twice(x: Value, y: Value) -> Value:
    once = y.data
    return x * once * y.data


def pauses(x: Value, y: Value) -> Value:
    with gg.no_grad():
        kept = y * y
    return x * kept


@pytest.mark.parametrize(("f", "line"), [(reads_once, "# here y leaves the graph"), (reads_twice, ""), (pauses, "")])
def test_the_line_where_a_gradient_is_lost_is_named_if_it_can_only_be_one(f, line):
    report = gg.gradcheck(f, [2.0, 1.0])
    (fault,) = report.faults
    assert fault.kind == "lost"
    assert fault.place.endswith(line) if line else not fault.place


@pytest.mark.parametrize("file", ["/home/me/rules.py", "C:\\me\\rules.py", "rules.py"])
def test_of_a_file_the_name_alone_is_told(file):
    assert told_place(file, 3) == "rules.py:3"


UNRESOLVED: dict[str, tuple[Any, float]] = {
    "an input too large to be moved": (lambda x: ruled(3 * x.data, (x,), (-7.0,), "triple"), 1e28),
    "beside 1e12": (lambda x: ruled(x.data**2 + 1e12, (x,), (0.0,), "square"), 1.5),
    "beside 1e14": (lambda x: ruled(x.data**2 + 1e14, (x,), (-3.0,), "square"), 1.5),
    "saturated": (lambda x: ruled(math.tanh(x.data), (x,), (0.0,), "tanh"), 15.0),
}


@pytest.mark.parametrize("case", UNRESOLVED)
def test_a_wrong_rule_is_not_called_right_where_differences_are_not_resolved(case):
    f, at = UNRESOLVED[case]
    assert [row.verdict for row in gg.gradcheck(f, [at]).rows] == ["cannot tell"]


def test_a_wrong_rule_is_found_beside_a_large_number():
    f = lambda x: ruled(x.data**2 + 1e10, (x,), (1.05 * 2 * x.data,), "square")  # noqa: E731  # as the others
    assert gg.gradcheck(f, [1.5]).rows[0].verdict == "wrong"


@pytest.mark.parametrize("power", [2, 3, 4])
def test_a_flat_place_is_no_secret(power):
    f = lambda x: ruled(x.data**power, (x,), (power * x.data ** (power - 1),), "power")  # noqa: E731  # as the others
    assert gg.gradcheck(f, [0.0]).rows[0].verdict == "right"
