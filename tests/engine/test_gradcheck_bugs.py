"""Bugs planted by script are all found and named, and what is right is never called wrong: the numbers of
tests/benchmarks/gradcheck_strength.py, on a part of its cases."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

import glassgrad as gg
from glassgrad import Value

SCRIPT = Path(__file__).parent.parent / "benchmarks" / "gradcheck_strength.py"


@pytest.fixture(scope="module")
def strength() -> Any:
    spec = importlib.util.spec_from_file_location("gradcheck_strength", SCRIPT)
    assert spec and spec.loader
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def scores(strength: Any) -> dict[str, Any]:
    return strength.try_bugs(each=3)[0]


def test_every_planted_bug_is_rejected_and_nearly_all_are_named(scores):
    planted, rejected, named, guessed = map(sum, zip(*scores.values()))
    assert planted >= 100
    assert rejected == planted
    assert named >= 0.95 * planted
    assert guessed >= 0.85 * planted


def test_every_wrong_chain_is_known_by_its_numbers(scores, strength):
    assert {name: scores[f"chain: {name}"] for name in strength.CHAINS} == dict.fromkeys(strength.CHAINS, (1, 1, 1, 1))


def test_no_false_alarm_on_random_graphs(strength):
    verdicts, alarms = strength.try_graphs(400)
    assert verdicts["wrong"] == 0, alarms
    assert verdicts["cannot tell"] <= 4, alarms
    assert verdicts["kink"] > 4


RIGHT = {
    "softplus of minus 0": (lambda x: (-x).softplus(), 0.0),
    "tanh at 9": (lambda x: x.tanh(), 9.0),
    "tanh at 13": (lambda x: x.tanh(), 13.0),
    "tanh at 25": (lambda x: x.tanh(), -25.0),
    "sigmoid at 40": (lambda x: x.sigmoid(), 40.0),
    "log at a millionth": (lambda x: x.log(), 1e-6),
    "relu beside its kink": (lambda x: x.relu(), 1e-7),
    "relu on the other side": (lambda x: x.relu(), -1e-7),
    "sin far out": (lambda x: x.sin(), 1e10),
    "tiny": (lambda x: 1e-10 * x * x, 3.0),
    "acosh beside its edge": (lambda x: x.acosh(), 1 + 2e-15),
    "a denormal": (lambda x: x + 1e-310, 5e-313),
    "a constant": (lambda x: x * 0 + 3, 2.0),
    "relu beside relu": (lambda x: x * x.relu(), 0.0),
    "a branch elsewhere": (lambda x: x if x.data > 1.01 else x * x, 1.0),
    "a detached shift": (lambda x: gg.logsumexp([x, 3 * x, 2.0]), 800.0),
}


@pytest.mark.parametrize("case", RIGHT)
def test_what_is_right_is_called_right(case):
    f, at = RIGHT[case]
    report = gg.gradcheck(f, [at])
    assert report, str(report)
    assert [row.verdict for row in report.rows] == ["right"]
    assert report.worst < 1e-10


KINKS = {
    "relu": (lambda x: x.relu() * 3, (0.0, 3.0)),
    "abs of minus 0": (lambda x: abs(-x), (-1.0, 1.0)),
    "a branch at the point": (lambda x: x if x.data > 0 else -x, (-1.0, 1.0)),
    "two that make none": (lambda x: x.relu() - (-x).relu(), (1.0, 1.0)),
    "a jump": (lambda x: x.sign() + x, (1.0, 1.0)),
}


@pytest.mark.parametrize("case", KINKS)
def test_a_kink_shows_both_sides_and_is_no_failure(case):
    f, sides = KINKS[case]
    report = gg.gradcheck(f, [0.0])
    assert report, str(report)
    (row,) = report.rows
    assert row.verdict == "kink"
    assert row.sides == pytest.approx(sides)
    assert f"{sides[0]:g} | {sides[1]:g}" in str(report)


def test_a_kink_excuses_no_other_fault_at_the_same_input(strength):
    with strength.planted(strength.Bug("sign", "tanh", 0, "-(1 - y**2)")):
        report = gg.gradcheck(lambda x: x.relu() + gg.tanh(x) + abs(x), [0.0])
    assert [row.verdict for row in report.rows] == ["wrong"]
    assert [(fault.op, fault.kind) for fault in report.faults] == [("tanh", "sign")]
    lost = gg.gradcheck(lambda x: x.relu() + 3 * x.data, [0.0])
    assert [row.verdict for row in lost.rows] == ["wrong"]
    assert lost.rows[0].numeric == pytest.approx(3.0)


@pytest.mark.parametrize(("formula", "ok"), [("0.5", True), ("1", True), ("0", True), ("-1", False), ("1.5", False)])
def test_at_a_kink_whatever_lies_between_the_sides_may_be_stored(strength, formula, ok):
    with strength.planted(strength.Bug("", "relu", 0, f"1 if a > 0 else (0 if a < 0 else {formula})")):
        report = gg.gradcheck(lambda x: gg.relu(x) * 2, [0.0])
    assert report.ok == ok
    assert report.rows[0].verdict == ("kink" if ok else "wrong")


SENTENCES = {
    ("tanh", 0, "-(1 - y**2)"): "its sign is turned round",
    ("tanh", 0, "1"): "the upstream gradient is passed on as it is, without the op's own slope",
    ("tanh", 0, "2 * (1 - y**2)"): "it is twice as large as it should be",
    ("tanh", 0, "1.0005 * (1 - y**2)"): "it is 1.0005 times what it should be, 0.05 % too large",
    ("tanh", 0, "y"): "it is tanh itself, not its slope",
    ("tanh", 0, "cos(a)"): "it is the slope of sin",
    ("tanh", 0, "-y**2"): "the term 1 is missing",
    ("mul", 0, "a"): "u and w are exchanged in it",
    ("mul", 1, "1"): "the upstream gradient is passed on as it is",
    ("div", 1, "-1 / b"): "the factor (u / w) is missing",
    ("exp2", 0, "y"): "the factor log(2) = 0.693147 is missing",
    ("sin", 0, "0.123 + a"): "no known mistake gives this number",
}


@pytest.mark.parametrize(("bug", "sentence"), SENTENCES.items(), ids=["-".join(map(str, bug)) for bug in SENTENCES])
def test_the_report_names_op_operand_line_and_mistake(strength, bug, sentence):
    name, part, formula = bug

    def f(x: Any, w: Any) -> Any:
        u = x * 0.75 - 0.2
        u.label = "u"
        return strength.apply(name, *[u, w][: len(gg.OPS[name].inputs)]) + x  # the line to be named

    with strength.planted(strength.Bug("", name, part, formula)):
        report = gg.gradcheck(f, [0.5, 1.5])
    (fault,) = report.faults
    assert (fault.op, fault.operand) == (name, part)
    said = str(report)
    assert f"∂{'uw'[part]} is {fault.expected:.4g}"[:9] in said
    assert sentence in said
    assert "# the line to be named" in said


def test_a_wrong_rule_at_many_nodes_is_told_once(strength):
    with strength.planted(strength.Bug("", "tanh", 0, "1 - y")):
        report = gg.gradcheck(lambda x: gg.sum([gg.tanh(k * x) for k in range(1, 9)]), [0.3])
    (fault,) = report.faults
    assert "(and so at 7 more of tanh)" in fault.sentence


def test_of_many_nodes_with_a_wrong_rule_the_one_where_it_matters_most_is_named(strength):
    def f(x: Value) -> Value:
        most = gg.tanh(2 * x) * 1000  # the line to be named
        return gg.tanh(x) * 0.01 + most + gg.tanh(3 * x)

    with strength.planted(strength.Bug("", "tanh", 0, "1 - y")):
        (fault,) = gg.gradcheck(f, [0.3]).faults
    assert "∂tanh(2 * x)/∂(2 * x)" in fault.sentence
    assert "# the line to be named" in fault.place


def test_a_wrong_rule_that_no_derivative_shows_is_wrong_all_the_same(strength):
    with strength.planted(strength.Bug("", "tanh", 0, "1 - y")):
        report = gg.gradcheck(lambda x: gg.tanh(x) * 0 + x, [0.3])
    assert [row.verdict for row in report.rows] == ["right"]
    assert not report
    assert "WRONG, though no derivative here shows it" in str(report)


@pytest.mark.parametrize("result", [lambda x: x.data**2, lambda x: 7, lambda x: gg.Value(x.data**2)])
def test_a_result_without_its_graph_is_reported(result):
    report = gg.gradcheck(result, [3.0])
    assert not report
    (row,) = report.rows
    assert row.analytic == 0.0
    assert "lost" in {fault.kind for fault in report.faults} or result(Value(3.0)) == 7
    assert report.value == float(getattr(result(Value(3.0)), "data", result(Value(3.0))))


@pytest.mark.parametrize("at", [float("nan"), float("inf"), float("-inf")])
def test_of_what_is_not_finite_it_cannot_tell(at):
    report = gg.gradcheck(lambda x: x * 2, [at])
    assert not report
    assert [row.verdict for row in report.rows] == ["cannot tell"]
    assert f"x is {at}: a derivative needs finite numbers" in str(report)
    assert "WRONG" not in str(report)


BEYOND = {
    "result": (lambda x: x + x.data + 1e308 + 1e308, [1.0], "f gives inf here, so it cannot be moved"),
    "input": (lambda x, y: x * x.data + 1 / y, [2.0, float("inf")], "an input is not finite here"),
}


@pytest.mark.parametrize("case", BEYOND)
def test_where_a_function_cannot_be_moved_nothing_is_proved(case):
    f, at, note = BEYOND[case]
    report = gg.gradcheck(f, at)
    assert {row.verdict for row in report.rows} == {"cannot tell"}
    assert note in str(report)


def test_of_a_function_that_throws_dice_it_cannot_tell():
    numbers = iter(range(1, 99))
    report = gg.gradcheck(lambda x: x * next(numbers), [2.0])
    assert not report
    assert [row.verdict for row in report.rows] == ["cannot tell"]
    assert "equal inputs must give equal results" in str(report)


def test_where_a_function_is_undefined_all_around_it_cannot_tell():
    report = gg.gradcheck(lambda x: (1 - x * x).log() if x.data == 0.5 else 1 / (x * 0), [0.5])
    assert [row.verdict for row in report.rows] == ["cannot tell"]
    assert "wherever this input is moved" in str(report)


def test_numbers_that_differ_by_rounding_alone_are_said_to():
    report = gg.gradcheck(lambda x: x.tanh(), [12.0])
    assert report.rows[0].error == 0.0
    assert report.rows[0].analytic != report.rows[0].numeric
    assert " rounding  right " in str(report)


def test_a_derivative_that_is_a_constant_is_right():
    report = gg.gradcheck(lambda x: gg.grad(x * 2, x, create_graph=True), [3.0])
    assert report, str(report)
    assert [(row.analytic, row.verdict) for row in report.rows] == [(0.0, "right")]
