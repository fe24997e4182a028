"""(a**b)**c and a**(b**c): whatever writes a formula, what it writes is read back and gives the formula's number."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import Value

FORMULAS = [
    "(a**b)**c",
    "a**(b**c)",
    "(a * b)**c",
    "a * b**c",
    "(a / b)**c",
    "a / b**c",
    "(a + b) * c",
    "a + b * c",
    "a - (b - c)",
    "a - b - c",
    "a - (b + c)",
    "a / (b / c)",
    "a / b / c",
    "a / (b * c)",
    "a / b * c",
    "a * (b / c)",
    "-(a**b) + c",
    "(-a)**2 * b - c",
    "-(a + b) * c",
    "a - -b * c",
    "exp(a)**b - c",
    "exp(a**b - c)",
    "sqrt(a * b)**c",
    "(a if a > b else c)**b",
    "abs(a - b)**c",
    "1 / (1 + exp(-(a * b - c)))",
]
POINTS = {"a": 1.5, "b": 1.25, "c": 0.75}
FUNCTIONS = {name: getattr(math, name) for name in ("exp", "sqrt", "log")} | {"abs": abs, "ln": math.log}

SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


@pytest.fixture(params=FORMULAS)
def case(request) -> Iterator[SimpleNamespace]:
    """An op of that formula, whose slopes are written by the same formula; its inputs, result and right number."""
    formula = request.param
    gg.define_op("tried", "t", "a b c", formula, ";".join([f"({formula}) + 1"] * 3))
    inputs = [Value(x, name) for name, x in POINTS.items()]
    right = eval(formula, {**FUNCTIONS, **POINTS})
    yield SimpleNamespace(formula=formula, inputs=inputs, y=gg.tried(*inputs), right=right)
    gg.engine.remove_op("tried")


def read(text: str) -> float:
    """The number of a formula as the steps write it, with names or with numbers."""
    text = re.sub(r"\|([^|]*)\|", r"abs(\1)", text)
    for ours, python in (("^", "**"), ("·", "*"), ("×", "*"), ("−", "-"), ("√", "sqrt")):
        text = text.replace(ours, python)
    text = re.sub("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+", lambda found: f"**({found[0].translate(SUPERSCRIPTS)})", text)
    text = re.sub(r"\be\*\*", "2.718281828459045**", text)
    return eval(text, {**FUNCTIONS, **POINTS})


def spelled(formula: str) -> bool:
    """Whether the steps write it as one line of arithmetic (a choice is written in words)."""
    return " if " not in formula


def test_the_numbers_are_those_of_the_formula(case):
    assert case.y.data == pytest.approx(case.right, rel=1e-14)
    assert gg.tried(*POINTS.values()) == pytest.approx(case.right, rel=1e-14)
    assert case.y.slopes == pytest.approx([case.right + 1] * 3, rel=1e-14)
    made = gg.grad(case.y, case.inputs, create_graph=True)
    assert [g.data for g in made] == pytest.approx([case.right + 1] * 3, rel=1e-13)


@pytest.mark.parametrize("backend", ["numpy", "python"])
def test_compiled(case, backend):
    value, gradient = gg.compile(case.y, params=case.inputs, backend=backend).value_and_grad()
    assert value == pytest.approx(case.right, rel=1e-13)
    assert gradient == pytest.approx([case.right + 1] * 3, rel=1e-13)


@pytest.mark.skipif(find_spec("numba") is None, reason="needs the extra jit")
@pytest.mark.parametrize("case", ["(a**b)**c", "a**(b**c)", "a - (b - c)", "a / (b / c)", "-(a**b) + c"], indirect=True)
def test_compiled_to_machine_code(case):
    program = gg.compile(lambda x: gg.tried(*case.inputs) * x, example=(1.0,), params=case.inputs, backend="numba")
    value, gradient = program.value_and_grad(np.array([1.0, 1.0]))
    assert value == pytest.approx(case.right, rel=1e-13)
    assert gradient == pytest.approx([case.right + 1] * 3, rel=1e-13)


def test_the_steps_in_names_and_in_numbers(case):
    if not spelled(case.formula):
        return  # its test is in the sentence, and only one side of it
    walk = gg.steps(case.y)
    forward = walk[3]
    assert read(forward.rule.partition(" = ")[2]) == pytest.approx(case.right, rel=1e-12)
    said = forward.numbers.split(" = ")
    assert read(said[1]) == pytest.approx(case.right, rel=1e-12)
    backward = walk[5]
    assert read(backward.rule.rpartition(" = ")[2]) == pytest.approx(case.right + 1, rel=1e-12)
    assert read(backward.numbers.split(" = ")[1]) == pytest.approx(case.right + 1, rel=1e-12)


def from_mathml(node: ET.Element) -> str:
    """A formula in MathML as Python; only what is unmistakable on paper is read."""
    kind, children = node.tag.rpartition("}")[2], list(node)
    text = (node.text or "").strip()
    if kind in ("mi", "mn", "mtext"):
        return text
    if kind == "mo":
        return {"\u2062": "*", "\u2061": ""}.get(text, text)
    inner = [from_mathml(child) for child in children if child.tag.rpartition("}")[2] != "mspace"]
    if kind == "msup":
        base = children[0].tag.rpartition("}")[2]
        assert base not in ("msup", "mfrac"), "a power of a power, or of a fraction, needs brackets on paper"
        return f"{inner[0]}**({inner[1]})"
    if kind == "mfrac":
        return f"(({inner[0]})/({inner[1]}))"
    if kind == "msqrt":
        return f"sqrt({''.join(inner)})"
    assert kind in ("mrow", "math"), kind
    return "".join(inner)


def test_mathml(case):
    if spelled(case.formula):
        walk = gg.steps(case.y)
        named, numbers = (from_mathml(ET.fromstring(text)).split("=") for text in walk.mathml(3))
        assert read(named[1]) == pytest.approx(case.right, rel=1e-12)
        assert read(numbers[1]) == pytest.approx(case.right, rel=1e-12)
        numbers = from_mathml(ET.fromstring(walk.mathml(5)[1])).split("=")
        assert read(numbers[1]) == pytest.approx(case.right + 1, rel=1e-12)


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda a, b, c: (a**b) ** c, "(a ** b) ** c"),
        (lambda a, b, c: a ** (b**c), "a ** b ** c"),
        (lambda a, b, c: (a**2) ** 3, "(a ** 2) ** 3"),
        (lambda a, b, c: -(a**b), "−a ** b"),
        (lambda a, b, c: (-a) ** 3, "(−a) ** 3"),
        (lambda a, b, c: a - (b - c), "a − (b − c)"),
        (lambda a, b, c: a - b - c, "a − b − c"),
        (lambda a, b, c: a - (b + c), "a − (b + c)"),
        (lambda a, b, c: a / (b * c), "a / (b·c)"),
        (lambda a, b, c: a / b / c, "a / b / c"),
        (lambda a, b, c: a / (b / c), "a / (b / c)"),
        (lambda a, b, c: (a + b) * c, "(a + b)·c"),
        (lambda a, b, c: a * (b + c), "a·(b + c)"),
        (lambda a, b, c: a * b + c, "a·b + c"),
        (lambda a, b, c: -(a + b), "−(a + b)"),
        (lambda a, b, c: a - (-b), "a − (−b)"),
        (lambda a, b, c: (a * b) ** c, "(a·b) ** c"),
        (lambda a, b, c: a * -2.0, "a·(−2)"),
        (lambda a, b, c: a.tanh() ** b, "tanh(a) ** b"),
        (lambda a, b, c: (a / b).exp() / c, "exp(a / b) / c"),
    ],
)
def test_the_expression_beside_a_graph(make, line):
    inputs = [Value(x, name) for name, x in POINTS.items()]
    y = make(*inputs)
    (shown,) = gg.viz.step(y).source.excerpts[0].lines
    shown = shown.removeprefix("y = ")
    assert shown == line
    python = shown.replace("·", "*").replace("−", "-").replace("tanh", "math.tanh")
    assert eval(python, {**FUNCTIONS, **POINTS, "math": math}) == pytest.approx(y.data, rel=1e-12)
