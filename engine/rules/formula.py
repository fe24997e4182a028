"""A formula is one line of arithmetic, kept as a checked syntax tree and spelled out for whoever needs it.

The op table writes each rule once, as text such as `1 - y**2`. Here that text is parsed against a
whitelist and respelled as Python on floats, as NumPy on arrays, or as Python on `Value`s. Notation for
people (Unicode and MathML) is in `notation.py`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import NamedTuple

from ..errors import OpError

BINARY: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "**",
}
_COMPARE = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)
PRIMITIVES = frozenset(["exp", "log", "log1p", "sqrt", "sin", "cos", "tan", "tanh", "abs", "max", "min", "sum"])


class Formula(NamedTuple):
    """A parsed formula: its text, its tree, the names it reads and the functions it calls."""

    text: str
    tree: ast.expr
    names: frozenset[str]
    calls: frozenset[str]

    def __str__(self) -> str:
        return self.text


def parse(text: str, functions: frozenset[str] = PRIMITIVES) -> Formula:
    """Parse `text` against the whitelist of arithmetic.

    Allowed: numbers, names, `+ - * / **`, calls of `functions`, one comparison, and `p if test else q`.

    Args:
        text: the formula, such as `"1 - y**2"`.
        functions: names that may be called.

    Raises:
        OpError: if anything else occurs in it.

    >>> sorted(parse("b * a**(b - 1)").names)
    ['a', 'b']
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise OpError(f"formula {text!r} is not an expression: {error.msg}") from None
    names: set[str] = set()
    callees: dict[int, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if not isinstance(node.func, ast.Name) or node.func.id not in functions or node.keywords:
                raise OpError(
                    f"formula {text!r} calls {ast.unparse(node.func)!r} (allowed: {', '.join(sorted(functions))})"
                )
            callees[id(node.func)] = node.func.id
        elif isinstance(node, ast.Name):
            if id(node) not in callees:
                names.add(node.id)
        elif not _allowed(node):
            raise OpError(
                f"formula {text!r} contains {type(node).__name__} (allowed: numbers, names, + - * / **, "
                "calls, a single comparison, and 'p if test else q')"
            )
    return Formula(text.strip(), tree, frozenset(names), frozenset(callees.values()))


def _allowed(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return type(node.value) in (int, float)
    if isinstance(node, ast.Compare):
        return len(node.ops) == 1 and isinstance(node.ops[0], _COMPARE)
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.USub)
    return isinstance(node, (ast.IfExp, ast.BinOp, ast.expr_context, ast.unaryop, ast.cmpop, *BINARY))


class _Respell(ast.NodeTransformer):
    def __init__(self, rename: Mapping[str, str]) -> None:
        self.rename = rename

    def visit_Name(self, node: ast.Name) -> ast.expr:
        new = self.rename.get(node.id)
        return node if new is None else ast.parse(new, mode="eval").body

    def visit_Call(self, node: ast.Call) -> ast.expr:
        return ast.Call(node.func, [self.visit(argument) for argument in node.args], [])


def call(name: str, *arguments: ast.expr) -> ast.expr:
    """The tree of `name(*arguments)`."""
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


class _Floats(_Respell):
    """Spelling for floats: `math` functions, float constants, no complex from `**`, NaN kept by max and min."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return ast.Constant(float(node.value))  # type: ignore[arg-type]  # parse() admits only int and float

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        operand = self.visit(node.operand)
        if isinstance(operand, ast.Constant):
            return ast.Constant(-operand.value)  # type: ignore[operator]  # a float, see visit_Constant
        return ast.UnaryOp(node.op, operand)

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        left, right = self.visit(node.left), self.visit(node.right)
        return call("pow", left, right) if isinstance(node.op, ast.Pow) else ast.BinOp(left, node.op, right)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        assert isinstance(node.func, ast.Name)
        arguments = [self.visit(argument) for argument in node.args]
        if node.func.id not in ("max", "min"):
            return ast.Call(node.func, arguments, [])
        p, q = arguments
        better = ast.GtE() if node.func.id == "max" else ast.LtE()
        # `p if p >= q or p != p else q`: a NaN on either side comes through, as in np.maximum.
        keep: ast.expr = ast.Compare(p, [better], [q])
        if not isinstance(p, ast.Constant):
            keep = ast.BoolOp(ast.Or(), [keep, ast.Compare(p, [ast.NotEq()], [p])])
        return ast.IfExp(keep, p, q)


class _Arrays(_Respell):
    """Spelling for arrays: choices become `where`, the rest is called by NumPy's names."""

    numpy_names: Mapping[str, str] = {"max": "maximum", "min": "minimum"}

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        return call("where", self.visit(node.test), self.visit(node.body), self.visit(node.orelse))

    def visit_Call(self, node: ast.Call) -> ast.expr:
        assert isinstance(node.func, ast.Name)
        name = self.numpy_names.get(node.func.id, node.func.id)
        return call(name, *(self.visit(argument) for argument in node.args))


def _spell(transformer: type[_Respell]) -> Callable[[Formula, Mapping[str, str]], str]:
    def spell(formula: Formula, rename: Mapping[str, str]) -> str:
        copy = ast.parse(formula.text, mode="eval").body  # transformers work in place
        return ast.unparse(ast.fix_missing_locations(transformer(rename).visit(copy)))

    return spell


floats_source = _spell(_Floats)
"""Source on floats: `floats_source(formula, rename)`, `rename` maps a name to the source put in its place."""
arrays_source = _spell(_Arrays)
"""Source on NumPy arrays."""
values_source = _spell(_Respell)
"""Source on `Value`s: the formula as written, its operators and calls meeting `Value`s."""
