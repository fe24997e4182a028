"""Formulas for people: one tree, written as Unicode text or as MathML, with names or with numbers in place.

A tree is that of a formula (see `formula.py`) with every name replaced: by the number that stands there, or by what it
is called. Beside a formula's own functions it may call `sum` (of terms, written with + between them) and `more` (terms
of a sum that are left out: how many, and what they add up to).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from html import escape
from types import MappingProxyType
from typing import NamedTuple

from .dialect import ATOM, CHOICE, COMPARISON, NEGATION, POWER, PRODUCT, SIGNED, SUM, Part, fit
from .formula import Formula
from .op import Op

_SUPERSCRIPT = str.maketrans("0123456789-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻")
_COMPARE: Mapping[str, str] = {"<": "<", "<=": "≤", ">": ">", ">=": "≥", "==": "=", "!=": "≠"}
_FUNCTIONS: Mapping[str, str] = {"sigmoid": "σ", "log": "ln"}
"""What people call a function whose name in Python is another."""
FEWEST_DIGITS, MOST_DIGITS = 4, 17
Digits = Mapping[float, int]
"""How many significant digits each number of an equation is written with; those not in it with the fewest."""
NO_DIGITS: Digits = MappingProxyType({})


def spelled(x: float, digits: int) -> str:
    """A number with so many significant digits; with all 17, as many as it takes to tell it from every other.

    >>> spelled(2 / 3, 4), spelled(2 / 3, 6), spelled(0.1, 17), spelled(-0.0, 4)
    ('0.6667', '0.666667', '0.1', '0')
    """
    text = f"{x:.{digits}g}"
    if digits == MOST_DIGITS and float(f"{x:.16g}") == x:
        text = f"{x:.16g}"
    return ("0" if text == "-0" else text).replace("-", "−")


def short(x: float) -> str:
    """A number for reading, to four significant digits: `0.7071`, `−6`, `1.2e−05`."""
    return spelled(x, FEWEST_DIGITS)


_SIGN = re.compile("(<mrow>)*(<mo>)?−")


def _unsigned(part: Part) -> Part:
    """The part as it stands behind an operator: 1 + (−2), never 1 + −2."""
    return (part[0], CHOICE) if _SIGN.match(part[0]) else part


class Text:
    """Unicode in one line: `1 − o²`."""

    def __init__(self, times: str = "·", digits: Digits = NO_DIGITS) -> None:
        self.times, self.digits = times, digits

    def number(self, x: float) -> Part:
        text = spelled(x, self.digits.get(x, FEWEST_DIGITS))
        return text, SIGNED if text.startswith("−") else POWER if "e" in text else ATOM

    def name(self, text: str) -> Part:
        return text, ATOM

    def binary(self, op: str, left: Part, right: Part) -> Part:
        if op == "**":
            base = fit(left, ATOM)
            if right[0].lstrip("−").isdecimal():
                return base + right[0].translate(_SUPERSCRIPT), POWER
            return f"{base}^{fit(right, ATOM)}", POWER
        if op in "+-":
            sign = "−" if op == "-" else "+"
            return f"{fit(left, SUM)} {sign} {fit(_unsigned(right), SUM + (op == '-'))}", SUM
        factor = fit(_unsigned(left) if left[1] == SIGNED else left, PRODUCT)
        if op == "*":
            space = " " if self.times == "×" else ""
            return f"{factor}{space}{self.times}{space}{fit(_unsigned(right), PRODUCT)}", PRODUCT
        return f"{factor} / {fit(_unsigned(right), PRODUCT + 1)}", PRODUCT

    def negation(self, part: Part) -> Part:
        return "−" + fit(_unsigned(part), PRODUCT), NEGATION

    def call(self, name: str, arguments: Sequence[Part]) -> Part:
        inside = ", ".join(text for text, _ in arguments)
        if name == "more":
            return f"… {' more: '.join(text for text, _ in arguments)}{' more' * (len(arguments) == 1)} …", ATOM
        if name == "abs":
            return f"|{inside}|", ATOM
        return f"{ {'sqrt': '√', 'cbrt': '∛'}.get(name) or _FUNCTIONS.get(name, name) }({inside})", ATOM

    def compare(self, symbol: str, left: Part, right: Part) -> Part:
        return f"{fit(left, SUM)} {_COMPARE[symbol]} {fit(right, SUM)}", COMPARISON

    def choice(self, test: Part, yes: Part, no: Part) -> Part:
        return f"{fit(yes, COMPARISON)} if {test[0]}, else {no[0]}", CHOICE


class MathML:
    """MathML Core, without the `<math>` around it."""

    def __init__(self, times: str = "·", digits: Digits = NO_DIGITS) -> None:
        self.times, self.digits = times, digits

    def number(self, x: float) -> Part:
        text = spelled(x, self.digits.get(x, FEWEST_DIGITS))
        if text.startswith("−"):
            return f"<mrow><mo>−</mo><mn>{text[1:]}</mn></mrow>", SIGNED
        return f"<mn>{text}</mn>", POWER if "e" in text else ATOM

    def name(self, text: str) -> Part:
        return f"<mi>{escape(text)}</mi>", ATOM

    def _fit(self, part: Part, at_least: int) -> str:
        return part[0] if part[1] >= at_least else f"<mrow><mo>(</mo>{part[0]}<mo>)</mo></mrow>"

    def binary(self, op: str, left: Part, right: Part) -> Part:
        if op == "**":
            return f"<msup>{self._fit(left, ATOM)}{right[0]}</msup>", POWER
        if op == "/":
            return f"<mfrac>{left[0]}{right[0]}</mfrac>", POWER
        level = PRODUCT if op == "*" else SUM
        sign = {"*": self.times, "+": "+", "-": "−"}[op]
        first = self._fit(_unsigned(left) if op == "*" and left[1] == SIGNED else left, level)
        return f"<mrow>{first}<mo>{sign}</mo>{self._fit(_unsigned(right), level + (op == '-'))}</mrow>", level

    def negation(self, part: Part) -> Part:
        inner = self._fit(_unsigned(part), PRODUCT)
        return f"<mrow><mo>−</mo>{inner}</mrow>", NEGATION

    def call(self, name: str, arguments: Sequence[Part]) -> Part:
        first = arguments[0][0]
        if name == "more":
            count, *total = (text for text, _ in arguments)
            said = f"… {count.removeprefix('<mi>').removesuffix('</mi>')} more"
            if not total:
                return f"<mtext>{said} …</mtext>", ATOM
            return f"<mrow><mtext>{said}:&#160;</mtext>{total[0]}<mtext>&#160;…</mtext></mrow>", ATOM
        if name == "abs":
            return f"<mrow><mo>|</mo>{first}<mo>|</mo></mrow>", ATOM
        if name == "sqrt":
            return f"<msqrt>{first}</msqrt>", ATOM
        if name == "cbrt":
            return f"<mroot>{first}<mn>3</mn></mroot>", ATOM
        if name == "exp":
            return f"<msup><mi>e</mi>{first}</msup>", POWER
        inside = "<mo>,</mo>".join(text for text, _ in arguments)
        return f"<mrow><mi>{escape(_FUNCTIONS.get(name, name))}</mi><mo>(</mo>{inside}<mo>)</mo></mrow>", ATOM

    def compare(self, symbol: str, left: Part, right: Part) -> Part:
        return (
            f"<mrow>{self._fit(left, SUM)}<mo>{escape(_COMPARE[symbol])}</mo>{self._fit(right, SUM)}</mrow>",
            COMPARISON,
        )

    def choice(self, test: Part, yes: Part, no: Part) -> Part:
        then, otherwise = "<mtext>&#160;if&#160;</mtext>", "<mtext>, else&#160;</mtext>"
        return f"<mrow>{self._fit(yes, COMPARISON)}{then}{test[0]}{otherwise}{no[0]}</mrow>", CHOICE


def number(x: float) -> ast.expr:
    """The tree of a number."""
    return ast.Constant(float(x))


def call(name: str, *arguments: ast.expr) -> ast.expr:
    """The tree of a call."""
    return ast.Call(ast.Name(name), list(arguments), [])


def plus(left: ast.expr, right: ast.expr) -> ast.expr:
    """The tree of a sum of two."""
    return ast.BinOp(left, ast.Add(), right)


def times(left: ast.expr, right: ast.expr) -> ast.expr:
    """The tree of a product of two."""
    return ast.BinOp(left, ast.Mult(), right)


def _number(node: ast.Constant) -> float:
    return float(node.value)  # type: ignore[arg-type]  # formulas hold only int and float


def bound(tree: ast.expr, bind: Callable[[str], ast.expr]) -> ast.expr:
    """The tree with another one in the place of every name."""
    if isinstance(tree, ast.Name):
        return bind(tree.id)
    if isinstance(tree, ast.BinOp):
        return ast.BinOp(bound(tree.left, bind), tree.op, bound(tree.right, bind))
    if isinstance(tree, ast.UnaryOp):
        return ast.UnaryOp(tree.op, bound(tree.operand, bind))
    if isinstance(tree, ast.Compare):
        return ast.Compare(bound(tree.left, bind), tree.ops, [bound(tree.comparators[0], bind)])
    if isinstance(tree, ast.IfExp):
        return ast.IfExp(bound(tree.test, bind), bound(tree.body, bind), bound(tree.orelse, bind))
    if isinstance(tree, ast.Call):
        return ast.Call(tree.func, [bound(argument, bind) for argument in tree.args], [])
    return tree


class _Simplify(ast.NodeTransformer):
    """What constants settle is settled: with c = 2, `c * a**(c - 1) if c != 0 else 0` is `2 * a`."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        left, right = self.visit(node.left), self.visit(node.right)
        if isinstance(right, ast.Constant):
            if isinstance(left, ast.Constant) and isinstance(node.op, (ast.Add, ast.Sub)):
                p, q = _number(left), _number(right)
                return ast.Constant(p + q if isinstance(node.op, ast.Add) else p - q)
            if isinstance(node.op, ast.Pow) and right.value == 1:
                return left  # type: ignore[no-any-return]  # visit() returns Any
        return ast.BinOp(left, node.op, right)

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        test = self.visit(node.test)
        sides = (test.left, test.comparators[0])
        if all(isinstance(side, ast.Constant) for side in sides) and isinstance(test.ops[0], ast.NotEq):
            return self.visit(node.body if sides[0].value != sides[1].value else node.orelse)  # type: ignore[no-any-return]  # as above
        return ast.IfExp(test, self.visit(node.body), self.visit(node.orelse))


@lru_cache(maxsize=4096)
def spelled_out(op: Op, formula: Formula, settled: tuple[tuple[str, float], ...] = ()) -> ast.expr:
    """The formula's tree with the shorthands of `let` and the numbers of constant inputs put in."""
    numbers, shorthands = dict(settled), dict(op.let)

    def bind(name: str) -> ast.expr:
        if name in shorthands:
            return bound(shorthands[name].tree, bind)
        return ast.Constant(numbers[name]) if name in numbers else ast.Name(name)

    tree = bound(formula.tree, bind)
    simple: ast.expr = _Simplify().visit(tree) if settled else tree
    return simple


class Operand(NamedTuple):
    """One operand as it is to be written: its tree, and its number if it is a plain one."""

    tree: ast.expr
    number: float | None = None


Look = Callable[[int], Operand]
"""Operands are given by the ids of their nodes; this tells how one is to be written."""


def _settled(op: Op, inputs: Sequence[int], look: Look) -> tuple[tuple[str, float], ...]:
    if op.variadic or None not in op.slopes:
        return ()
    found = ((name, look(i).number) for name, i, rule in zip(op.names, inputs, op.slopes) if rule is None)
    return tuple((name, x) for name, x in found if x is not None)


def forward(op: Op, inputs: Sequence[int], look: Look) -> ast.expr:
    """The right-hand side of `y = …` for an op with a fixed number of inputs."""
    ids = dict(zip(op.names, inputs))
    return bound(spelled_out(op, op.forward, _settled(op, inputs, look)), lambda name: look(ids[name]).tree)


def terms(op: Op, inputs: Sequence[int], look: Look) -> tuple[list[ast.expr], ast.expr | None]:
    """The terms that an n-ary op adds up, and the operand that their sum is begun with, if there is one."""
    assert op.total is not None
    term = op.total.term.tree
    length = len(inputs) // len(op.many)
    each = (op.elements(inputs, i) for i in range(length))
    found = [bound(term, lambda name, ids=ids: look(ids[name]).tree) for ids in each]  # type: ignore[misc]  # ids is bound now
    return found, look(inputs[-1]).tree if len(inputs) > len(op.many) * length else None


def slope(op: Op, index: int, inputs: Sequence[int], look: Look, result: ast.expr) -> ast.expr:
    """The slope of operand `index`; the result is written as `result`."""
    part, element = op.place(index, len(inputs))
    formula = op.slopes[part]
    assert formula is not None  # constants have no backward step
    ids = op.elements(inputs, element)
    tree = spelled_out(op, formula, _settled(op, inputs, look))
    return bound(tree, lambda name: result if name == "y" else look(ids[name]).tree)
