"""A dialect is how one language writes formulas; `write` goes through a formula's tree and lets it speak.

Precedence is the only thing that needs care: a part is bracketed where its operator binds less than its place.
A programming language is a small table (`Code`); notation for people is in `notation.py`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from types import MappingProxyType
from typing import NamedTuple, Protocol

from .formula import BINARY, COMPARE, Formula

CHOICE, COMPARISON, SUM, PRODUCT, NEGATION, SIGNED, POWER, ATOM = range(8)  # SIGNED: a negative number
Part = tuple[str, int]
"""What is written, and how tightly its outermost operator binds."""
NONE: Mapping[str, str] = MappingProxyType({})


class Dialect(Protocol):
    """How the parts of a formula are put together."""

    def number(self, x: float) -> Part:
        """A constant."""

    def name(self, text: str) -> Part:
        """A variable."""

    def binary(self, op: str, left: Part, right: Part) -> Part:
        """`op` is one of + - * / **."""

    def negation(self, part: Part) -> Part:
        """The minus before a part."""

    def call(self, name: str, arguments: Sequence[Part]) -> Part:
        """A function, applied."""

    def compare(self, symbol: str, left: Part, right: Part) -> Part:
        """`symbol` is one of < <= > >= == !=."""

    def choice(self, test: Part, yes: Part, no: Part) -> Part:
        """`yes` where the test holds, else `no`."""


def write(tree: ast.expr, dialect: Dialect, bind: Callable[[str], Part] | None = None) -> Part:
    """Write a formula's tree in a dialect; `bind` says what stands for each name, if not the name itself."""
    if isinstance(tree, ast.Constant):
        return dialect.number(float(tree.value))  # type: ignore[arg-type]  # parse() admits only int and float
    if isinstance(tree, ast.Name):
        return (bind or dialect.name)(tree.id)
    if isinstance(tree, ast.BinOp):
        left, right = write(tree.left, dialect, bind), write(tree.right, dialect, bind)
        return dialect.binary(BINARY[type(tree.op)], left, right)
    if isinstance(tree, ast.UnaryOp):
        return dialect.negation(write(tree.operand, dialect, bind))
    if isinstance(tree, ast.Compare):
        left, right = write(tree.left, dialect, bind), write(tree.comparators[0], dialect, bind)
        return dialect.compare(COMPARE[type(tree.ops[0])], left, right)
    if isinstance(tree, ast.IfExp):
        test, yes, no = (write(part, dialect, bind) for part in (tree.test, tree.body, tree.orelse))
        return dialect.choice(test, yes, no)
    assert isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name)  # a formula holds nothing else
    arguments = [write(argument, dialect, bind) for argument in tree.args]
    if tree.func.id == "sum":
        return reduce(lambda total, term: dialect.binary("+", total, term), arguments)
    return dialect.call(tree.func.id, arguments)


def fit(part: Part, at_least: int) -> str:
    """The part as code, in brackets where it binds less tightly than its place asks."""
    return part[0] if part[1] >= at_least else f"({part[0]})"


class Code(NamedTuple):
    """The dialect of a programming language, told by a table.

    Attributes:
        power: how `{0}` to the power `{1}` is written: a call, or an operator that binds tighter than a minus.
        choice: how `{yes}` if `{test}` else `{no}` is written.
        function: how a function of the table is called.
        functions: those that are called otherwise: another name, or a template over `{0}`, `{1}`.
        squares: whether `a**2` is written as a product, which is quicker.
    """

    power: str
    choice_: str
    function: str = "{}"
    functions: Mapping[str, str] = NONE
    squares: bool = False

    def number(self, x: float) -> Part:
        """Every constant is a float."""
        return repr(x), ATOM

    def name(self, text: str) -> Part:
        """A name stands for itself; whatever else is put in its place is bracketed where it must be."""
        plain = text.replace(".", "").replace("_", "").isalnum() or text.endswith("]")
        return text, ATOM if plain else CHOICE

    def part(self, text: str) -> str:
        """Source as a part of a larger expression: in brackets, if it is one itself."""
        return fit(self.name(text), ATOM)

    def binary(self, op: str, left: Part, right: Part) -> Part:
        """The order of the additions is kept: a + (b + c) has its brackets."""
        if op == "**":
            if self.squares and right[0] == "2.0" and left[1] == ATOM:
                return f"{left[0]} * {left[0]}", PRODUCT
            called = self.power.endswith(")")
            return (
                (self.power.format(left[0], right[0]), ATOM)
                if called
                else (self.power.format(fit(left, ATOM), fit(right, NEGATION)), POWER)
            )
        binds = SUM if op in "+-" else PRODUCT
        return f"{fit(left, binds)} {op} {fit(right, binds + 1)}", binds

    def negation(self, part: Part) -> Part:
        """The minus before a part."""
        return f"-{fit(part, NEGATION)}", NEGATION

    def call(self, name: str, arguments: Sequence[Part]) -> Part:
        """A function, applied."""
        spelled = self.functions.get(name, self.function.format(name))
        if "{" in spelled:
            return spelled.format(*(fit(argument, SUM) for argument in arguments)), CHOICE
        return f"{spelled}({', '.join(text for text, _ in arguments)})", ATOM

    def compare(self, symbol: str, left: Part, right: Part) -> Part:
        """A comparison."""
        return f"{fit(left, SUM)} {symbol} {fit(right, SUM)}", COMPARISON

    def choice(self, test: Part, yes: Part, no: Part) -> Part:
        """`yes` where the test holds, else `no`."""
        called = self.choice_.endswith(")")
        parts = [text if called else fit((text, level), COMPARISON) for text, level in (test, yes, no)]
        return self.choice_.format(test=parts[0], yes=parts[1], no=parts[2]), ATOM if called else CHOICE

    def source(self, formula: Formula, rename: Mapping[str, str] = NONE) -> str:
        """A formula in this language; `rename` tells what stands for a name other than itself.

        >>> from glassgrad.engine.rules.floats import FLOATS
        >>> from glassgrad.engine.rules.formula import parse
        >>> FLOATS.source(parse("1 - y**2")), FLOATS.source(parse("-a / b"), {"b": "p + q"})
        ('1.0 - y * y', '-a / (p + q)')
        """
        return write(formula.tree, self, lambda name: self.name(rename.get(name, name)))[0]
