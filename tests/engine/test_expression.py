"""Typed expressions: what they give, and one clear line with a caret for whatever is wrong."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassgrad import ExpressionError
from glassgrad.engine.rules.ops import OPS
from glassgrad.engine.story.expression import parse


def value(text, **values):
    return parse(text).evaluate(values).root.data


def test_arithmetic_is_that_of_python():
    assert value("-x**2 + 2*x/4 - +1", x=3.0) == -(3.0**2) + 2 * 3 / 4 - 1
    assert value("2**x**0.5", x=4.0) == 4.0
    assert value("n = x*w + b; o = tanh(n); o*o", x=1.0, w=0.0, b=0.0) == 0.0
    assert value("a = x; a + a", x=2.0) == 4.0


def test_all_ops_can_be_called():
    for name, op in OPS.items():
        arguments = ", ".join("[x, x]" if one.many else "2" if one.constant else "x" for one in op.inputs)
        assert parse(f"{name}({arguments})").evaluate({"x": 1.5 if name == "acosh" else 0.5}).root.op == name


def test_names_and_places():
    text = "n = é*w + w; tanh(n)"
    result = parse(text).evaluate({"é": 2.0, "w": 3.0})
    assert list(result.names) == ["é", "w", "n"]
    places = {v.op: text[place.start : place.end] for v, place in result.sources.items()}
    assert places == {"": "w", "mul": "é*w", "add": "é*w + w", "tanh": "tanh(n)"}
    assert {v.label for v in result.names.values()} == {"é", "w", "n"}


def evaluate(text):
    expression = parse(text)
    return expression.evaluate(dict.fromkeys(expression.inputs, 0.5))


CASES = [
    ("", "empty", 0),
    ("x +", "invalid syntax", 2),
    ("tanh(x", "'(' was never closed", 4),
    ("import os", "not a statement of kind Import", 0),
    ("x.real", "attribute access", 0),
    ("y = x.__class__; y", "attribute access", 4),
    ("x[0]", "index", 0),
    ("foo(x)", "unknown op 'foo'", 0),
    ("x + tanh", "tanh is an op: call it, as in tanh(a)", 4),
    ("x + 'a'", "not a real number", 4),
    ("x + 2j", "not a real number", 4),
    ("x + True", "not a real number", 4),
    ("x // 2", "operator is not allowed", 0),
    ("~x", "operator is not allowed", 0),
    ("x < 2", "not allowed", 0),
    ("x if x else x", "not allowed", 0),
    ("[x]", "a list stands only inside of sum", 0),
    ("a = []; a*x", "a list stands only inside of sum", 4),
    ("pow()", "pow takes 2 operands (a, b), got 0", 0),
    ("sum()", "missing 1 required positional argument", 0),
    ("x\ud800", "bytes that are no text", 1),
    ("tanh(a=x)", "by position", 7),
    ("(lambda: x)()", "only ops can be called", 1),
    ("1e999 * x", "too large", 0),
    ("2 * 3", "plain number", 0),
    ("a = 2; x = 3; a*x*y; y", "not used", 14),
    ("n = x; n = x; n", "assigned twice", 7),
    ("n = x*2; x", "computed but never used", 0),
    ("n*x; n = 2", "not used", 0),
    ("a = n*2; n = a; n", "used before", 4),
    ("tanh = x; tanh", "name of an op", 0),
    ("a = b = x", "statement of kind Assign", 0),
    ("a, b = x", "statement of kind Assign", 0),
    ("log(x - x)", "is undefined", 0),
    ("9**9**9*x", "overflows", 0),
    ("dot([x], [x, x])", "equally long", 0),
    ("tanh([x])", "takes numbers, not lists", 0),
    ("tanh(x, x)", "takes 1 operand (a), got 2", 0),
    ("x\0", "null character", 1),
]

HINTS = {
    "x^2": "a power is written x**2",
    "(x + 1)^n": "a power is written (x + 1)**n",
    "e**x": "e is 2.718281828459045; e**x is written exp(x)",
    "2*pi*x": "(pi is 3.141592653589793)",
    "ln(x)": "did you mean log?",
    "sen(x)": "did you mean sin?",
    "arctan(x)": "did you mean atan?",
    "ReLU(x)": "did you mean relu?",
    "tahn(x)": "did you mean tanh?",
    "foo(x)": "unknown op 'foo' (ops: add,",
    "x(x + 1)": "a product is written x*(…)",
    "x.relu()": "write relu(x)",
    "(x + 1).tanh()": "write tanh(x + 1)",
    "x.pow(2)": "write pow(x, 2)",
    "np.exp(x)": "write exp(x)",
    "math.ln(x)": "write log(x)",
    "2x": "a product is written with *, as in 2*x",
    "1 + 3x**2": "a product is written with *, as in 3*x",
    "1.5e3x": "a product is written with *, as in 1.5e3*x",
    "2 x": "a product is written with *, as in 2*x",
    "x y": "a product is written with *, as in x*y",
    "3(x + 1)": "a product is written with *: 3*(…)",
    "(x + 1)(x - 1)": "a product is written with *: (x + 1)*(…)",
    "(x + 1) x": "a product is written with *, as in (…)*x",
    "sin x": "an op has brackets, as in sin(x)",
    "|x|": "write abs(…)",
    "x − 1": "write - for −",
    "2×x": "write * for ×",
    "x·y": "write * for ·",
    "x²": "write **2 for ²",
    "x if x > 1 else 0": "write where(x - 1, x, 0)",
    "x if x > y*y else 0": "write where(x - (y*y), x, 0)",
    "2*x if x < 0 else x": "write where(0 - x, 2*x, x)",
    "x if x else 1": "a choice is written where(c, a, b): a where c is above 0, else b",
    "x > 1": "a choice is written where(c, a, b)",
    "x and y": "a choice is written where(c, a, b)",
    "1,5*x": "a decimal number is written with a point",
    "x[0]": "write x0, x1, …",
    "w @ x": "a scalar product is written dot([w1, w2], [x1, x2])",
    "x.T": "numbers, names, + - * / % **, brackets and calls of ops are allowed",
}


@pytest.mark.parametrize(("text", "hint"), HINTS.items())
def test_what_people_type_who_mean_something_else(text, hint):
    with pytest.raises(ExpressionError) as caught:
        parse(text).evaluate({})
    assert hint in str(caught.value)


@pytest.mark.parametrize(("text", "message", "start"), CASES)
def test_mistakes_are_told_in_one_line_with_their_place(text, message, start):
    with pytest.raises(ExpressionError) as caught:
        evaluate(text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.start == start
    shown, caret = caught.value.caret().split("\n")
    assert caret.index("^") == start
    assert shown == text.translate(dict.fromkeys((0, 0xD800), "\N{REPLACEMENT CHARACTER}"))


@pytest.mark.parametrize(
    "text", ["(" * 10_000 + "x" + ")" * 10_000, "-" * 100_000 + "x", "+".join(["x"] * 200_000), "tanh(" * 150 + "x"]
)
def test_too_deep_or_too_long_is_an_error_not_a_crash(text):
    with pytest.raises(ExpressionError) as caught:
        parse(text).evaluate({"x": 1.0})
    assert len(str(caught.value)) < 200
    assert all(len(line) <= 75 for line in caught.value.caret().split("\n"))


def test_a_long_flat_expression_works():
    assert value("+".join(["x"] * 500), x=1.0) == 500.0


def test_values_are_complete_and_used():
    with pytest.raises(ExpressionError, match="no value for w, b: add w=NUMBER b=NUMBER"):
        value("x*w + b", x=1.0)
    with pytest.raises(ExpressionError, match="z is given but not used"):
        value("x", x=1.0, z=2.0)


TOKENS = [
    *OPS,
    *"xw+-*/()[],=;.^@<|&!%~'{}:·−²é",
    "**",
    "==",
    "if",
    "else",
    "not",
    "lambda",
    "for",
    "in",
    "1e5",
    "2",
    " ",
]


@settings(max_examples=1000)
@given(
    st.text(alphabet="xw0123456789.+-*/()[],=;tanhexp_'\" \n\\é", max_size=30)
    | st.lists(st.sampled_from(TOKENS), max_size=9).map("".join)
)
def test_any_text_is_a_number_or_an_expression_error(text):
    with contextlib.suppress(ExpressionError):
        evaluate(text)
