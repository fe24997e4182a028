"""Formulas for people: the same tree as Unicode text or as MathML, with names or with numbers in place.

Precedence is the only thing that needs care: a part is bracketed where its operator binds less than its place.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from html import escape
from types import MappingProxyType
from typing import Protocol

from .formula import BINARY, Formula, values_source
from .ops import Op

CHOICE, COMPARE, SUM, PRODUCT, NEGATION, SIGNED, POWER, ATOM = range(8)  # SIGNED: a negative number
Part = tuple[str, int]  # what is written, and how tightly its outermost operator binds
_SUPERSCRIPT = str.maketrans("0123456789-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻")
_COMPARE: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "≤",
    ast.Gt: ">",
    ast.GtE: "≥",
    ast.Eq: "=",
    ast.NotEq: "≠",
}


def short(x: float) -> str:
    """A number for reading, to four significant digits: `0.7071`, `−6`, `1.2e−05`."""
    text = f"{x:.4g}"
    return ("0" if text == "-0" else text).replace("-", "−")


class Style(Protocol):
    """How the parts of a formula are put together."""

    def number(self, x: float) -> Part: ...
    def name(self, text: str) -> Part: ...
    def brackets(self, text: str) -> str: ...
    def binary(self, op: str, left: Part, right: Part) -> Part: ...
    def negation(self, part: Part) -> Part: ...
    def call(self, name: str, arguments: Sequence[str]) -> Part: ...
    def compare(self, symbol: str, left: Part, right: Part) -> Part: ...
    def choice(self, test: str, yes: str, no: str) -> Part: ...


def _unsigned(part: Part) -> Part:
    """The part as it stands behind an operator: 1 + (−2), never 1 + −2."""
    return (part[0], CHOICE) if part[1] in (NEGATION, SIGNED) else part


class Text:
    """Unicode in one line: `1 − o²`."""

    def __init__(self, times: str = "·") -> None:
        self.times = times

    def number(self, x: float) -> Part:
        text = short(x)
        return text, SIGNED if text.startswith("−") else ATOM

    def name(self, text: str) -> Part:
        return text, ATOM

    def brackets(self, text: str) -> str:
        return f"({text})"

    def _fit(self, part: Part, at_least: int) -> str:
        return part[0] if part[1] >= at_least else self.brackets(part[0])

    def binary(self, op: str, left: Part, right: Part) -> Part:
        if op == "**":
            base = self._fit(left, ATOM)
            if right[0].lstrip("−").isdigit():
                return base + right[0].translate(_SUPERSCRIPT), POWER
            return f"{base}^{self._fit(right, ATOM)}", POWER
        if op in "+-":
            sign = "−" if op == "-" else "+"
            return f"{self._fit(left, SUM)} {sign} {self._fit(_unsigned(right), SUM + (op == '-'))}", SUM
        factor = self._fit(_unsigned(left) if left[1] == SIGNED else left, PRODUCT)
        if op == "*":
            space = " " if self.times == "×" else ""
            return f"{factor}{space}{self.times}{space}{self._fit(_unsigned(right), PRODUCT)}", PRODUCT
        return f"{factor} / {self._fit(_unsigned(right), PRODUCT + 1)}", PRODUCT

    def negation(self, part: Part) -> Part:
        return "−" + self._fit(_unsigned(part), PRODUCT), NEGATION

    def call(self, name: str, arguments: Sequence[str]) -> Part:
        if name == "abs":
            return f"|{arguments[0]}|", ATOM
        if name == "sqrt":
            return f"√({arguments[0]})", ATOM
        return f"{ {'sigmoid': 'σ', 'log': 'ln'}.get(name, name) }({', '.join(arguments)})", ATOM

    def compare(self, symbol: str, left: Part, right: Part) -> Part:
        return f"{left[0]} {symbol} {right[0]}", COMPARE

    def choice(self, test: str, yes: str, no: str) -> Part:
        return f"{yes} if {test}, else {no}", CHOICE


class MathML:
    """MathML Core, without the `<math>` around it."""

    def __init__(self, times: str = "·") -> None:
        self.times = times

    def number(self, x: float) -> Part:
        text = short(x)
        if text.startswith("−"):
            return f"<mrow><mo>−</mo><mn>{text[1:]}</mn></mrow>", SIGNED
        return f"<mn>{text}</mn>", ATOM

    def name(self, text: str) -> Part:
        return f"<mi>{escape(text)}</mi>", ATOM

    def brackets(self, text: str) -> str:
        return f"<mrow><mo>(</mo>{text}<mo>)</mo></mrow>"

    def _fit(self, part: Part, at_least: int) -> str:
        return part[0] if part[1] >= at_least else self.brackets(part[0])

    def binary(self, op: str, left: Part, right: Part) -> Part:
        if op == "**":
            return f"<msup>{self._fit(left, ATOM)}{right[0]}</msup>", ATOM
        if op == "/":
            return f"<mfrac>{left[0]}{right[0]}</mfrac>", ATOM
        level = PRODUCT if op == "*" else SUM
        sign = {"*": self.times, "+": "+", "-": "−"}[op]
        first = self._fit(_unsigned(left) if op == "*" and left[1] == SIGNED else left, level)
        return f"<mrow>{first}<mo>{sign}</mo>{self._fit(_unsigned(right), level + (op == '-'))}</mrow>", level

    def negation(self, part: Part) -> Part:
        inner = self._fit(_unsigned(part), PRODUCT)
        return f"<mrow><mo>−</mo>{inner}</mrow>", NEGATION

    def call(self, name: str, arguments: Sequence[str]) -> Part:
        if name == "abs":
            return f"<mrow><mo>|</mo>{arguments[0]}<mo>|</mo></mrow>", ATOM
        if name == "sqrt":
            return f"<msqrt>{arguments[0]}</msqrt>", ATOM
        if name == "exp":
            return f"<msup><mi>e</mi>{arguments[0]}</msup>", POWER
        head = {"sigmoid": "σ", "log": "ln"}.get(name, name)
        return f"<mrow><mi>{head}</mi><mo>(</mo>{'<mo>,</mo>'.join(arguments)}<mo>)</mo></mrow>", ATOM

    def compare(self, symbol: str, left: Part, right: Part) -> Part:
        return f"<mrow>{left[0]}<mo>{escape(symbol)}</mo>{right[0]}</mrow>", COMPARE

    def choice(self, test: str, yes: str, no: str) -> Part:
        return f"<mrow>{yes}<mtext>&#160;if&#160;</mtext>{test}<mtext>, else&#160;</mtext>{no}</mrow>", CHOICE


def render(tree: ast.expr, style: Style, bind: Callable[[str], Part]) -> Part:
    """Write a formula's tree in a style; `bind` says what stands for each name."""
    if isinstance(tree, ast.Constant):
        return style.number(_number(tree))
    if isinstance(tree, ast.Name):
        return bind(tree.id)
    if isinstance(tree, ast.BinOp):
        return style.binary(BINARY[type(tree.op)], render(tree.left, style, bind), render(tree.right, style, bind))
    if isinstance(tree, ast.UnaryOp):
        return style.negation(render(tree.operand, style, bind))
    if isinstance(tree, ast.Compare):
        left, right = render(tree.left, style, bind), render(tree.comparators[0], style, bind)
        return style.compare(_COMPARE[type(tree.ops[0])], left, right)
    if isinstance(tree, ast.IfExp):
        parts = [render(part, style, bind)[0] for part in (tree.test, tree.body, tree.orelse)]
        return style.choice(*parts)
    assert isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name)
    return style.call(tree.func.id, [render(argument, style, bind)[0] for argument in tree.args])


def _number(node: ast.Constant) -> float:
    return float(node.value)  # type: ignore[arg-type]  # parse() admits only int and float


class _Simplify(ast.NodeTransformer):
    """What constants settle is settled: with c = 2, `c * a**(c - 1) if c != 0 else 0` is `2 * a`."""

    def __init__(self, constants: Mapping[str, float]) -> None:
        self.constants = constants

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Constant(self.constants[node.id]) if node.id in self.constants else node

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


def spelled_out(op: Op, formula: Formula, constants: Mapping[str, float] = MappingProxyType({})) -> ast.expr:
    """The formula's tree with the shorthands of `let` and the numbers of constant inputs put in."""
    text = formula.text
    for name, meaning in reversed(op.let):
        text = values_source(formula._replace(text=text), {name: f"({meaning.text})"})
    tree = ast.parse(text, mode="eval").body
    simple: ast.expr = _Simplify(constants).visit(tree) if constants else tree
    return simple


SHOWN_TERMS = 6
"""A sum of more terms than this is written with its first and last ones."""


Constants = Sequence["float | None"]


def _settled(op: Op, constants: Constants) -> dict[str, float]:
    return (
        {}
        if op.variadic
        else {name: x for name, x, rule in zip(op.names, constants, op.slopes) if x is not None and rule is None}
    )


def forward(op: Op, style: Style, names: Sequence[Part], constants: Constants) -> Part:
    """The right-hand side of `y = …`.

    Args:
        op: the op.
        style: how to write.
        names: what stands for each operand.
        constants: the number of each operand that is a constant, else None.
    """
    if not op.variadic:
        bind = dict(zip(op.names, names))
        return render(spelled_out(op, op.forward, _settled(op, constants)), style, bind.__getitem__)
    assert isinstance(op.forward.tree, ast.Call)  # an n-ary op is sum(terms, start)
    element, *start = op.forward.tree.args
    stars = sum(raw.startswith("*") for raw in op.inputs)
    length = len(names) // stars
    shown = range(length) if length <= SHOWN_TERMS else (0, 1, length - 1)
    total: Part | None = None
    for i in shown:
        term = render(element, style, lambda name, i=i: op.elements(names, i)[name])  # type: ignore[misc]  # i is bound now
        if total is not None and i > 1 and length > SHOWN_TERMS:
            total = style.binary("+", total, style.name(f"… {length - 3} more …"))
        total = term if total is None else style.binary("+", total, term)
    if len(names) > stars * length:
        tail = render(start[0], style, lambda name: names[-1])
        total = tail if total is None else style.binary("+", total, tail)
    return total or style.number(0.0)


def slope(op: Op, index: int, style: Style, names: Sequence[Part], constants: Constants, result: Part) -> Part:
    """The slope of operand `index`; the result is written as `result`, the rest as in `forward`."""
    part, element = op.place(index, len(names))
    formula = op.slopes[part]
    assert formula is not None  # constants have no backward step
    bind: Mapping[str, Part] = {**op.elements(names, element), "y": result}
    return render(spelled_out(op, formula, _settled(op, constants)), style, bind.__getitem__)
