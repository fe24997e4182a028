"""A formula is one line of arithmetic, such as `1 - y**2`, kept as a checked syntax tree.

The op table writes each rule once, as text; here that text is parsed against a whitelist. Dialects (`dialect.py`) write
the tree out for whoever needs it.
"""

from __future__ import annotations

import ast
import keyword
import math
from typing import Any, NamedTuple

from ..errors import OpError

# fmt: off
PRIMITIVES = frozenset([
    "abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "cbrt", "cos", "cosh", "exp", "exp2", "expm1",
    "log", "log10", "log1p", "log2", "max", "min", "mod", "sin", "sinh", "sqrt", "tan", "tanh",
])
"""The functions that every language has, under these names or others that its dialect tells."""
_TWO = frozenset(["max", "min", "mod"])
"""Those of two operands; the others have one."""
RESULT = "y"
"""Stands for the result in the formula of a slope."""
GENERATED = frozenset([
    "NOT_COMPUTED", "STATE", "UNDEFINED", "add_up", "class_of", "detached", "domain_error", "error", "first", "fold",
    "is_paused", "is_value", "listed", "multiply", "new", "node", "np", "of_two_classes", "only_number", "other",
    "plain_number", "pow", "self", "with_constants", "without_start", RESULT,
])
# fmt: on
"""Names that generated functions use for themselves, beside `node_<input>`, `slope_<input>` and `<input>_data`."""

BINARY: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "**",
}
COMPARE: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}


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
    if "#" in text:  # the text stands in the docstrings of generated functions, where a comment could end them
        raise OpError(f"formula {text!r} contains a comment: write it beside the formula")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise OpError(f"formula {text!r} is not an expression: {error.msg}") from None
    return checked(tree, text.strip(), functions)


def checked(tree: ast.expr, text: str, functions: frozenset[str]) -> Formula:
    """The formula of a tree that is text already, or of a part of one."""
    names: set[str] = set()
    callees: dict[int, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if not isinstance(node.func, ast.Name) or node.func.id not in functions or node.keywords:
                raise OpError(
                    f"formula {text!r} calls {ast.unparse(node.func)!r} (allowed: {', '.join(sorted(functions))})"
                )
            callees[id(node.func)] = node.func.id
            takes = 2 if node.func.id in _TWO else 1
            if node.func.id in PRIMITIVES and len(node.args) != takes:
                raise OpError(
                    f"formula {text!r} calls {node.func.id} with {len(node.args)} operands (it takes {takes})"
                )
        elif isinstance(node, ast.Name):
            if id(node) not in callees:
                names.add(node.id)
        elif not _allowed(node):
            raise OpError(
                f"formula {text!r} contains {type(node).__name__} (allowed: finite numbers, names, + - * / **, "
                "calls, a single comparison, and 'p if test else q')"
            )
    return Formula(text, tree, frozenset(names), frozenset(callees.values()))


def _allowed(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return type(node.value) in (int, float) and _finite(node.value)
    if isinstance(node, ast.Compare):
        return len(node.ops) == 1 and type(node.ops[0]) in COMPARE
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.USub)
    return isinstance(node, (ast.IfExp, ast.BinOp, ast.expr_context, ast.unaryop, ast.cmpop, *BINARY))


def _finite(x: Any) -> bool:
    try:
        return math.isfinite(float(x))
    except OverflowError:
        return False


def may_name(name: str) -> bool:
    """Whether an input or a shorthand may be called so: an identifier that no generated function uses for itself."""
    return (
        name.isidentifier()
        and not keyword.iskeyword(name)
        and name not in GENERATED
        and name not in PRIMITIVES
        and not name.startswith(("_", "node_", "slope_"))
        and not name.endswith("_data")
    )
