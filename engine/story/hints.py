"""What people type who mean something else, and how it is written here: hints for the errors of an expression."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Final

from ..rules.ops import OPS

_OTHER_NAMES: Final = {
    other: op
    for op, others in {
        "log": "ln logn loge",
        "sin": "sen seno sine",
        "cos": "coseno cosine kos",
        "tan": "tg tang tangent",
        "asin": "arcsin arcsen",
        "acos": "arccos",
        "atan": "arctan arctg atg",
        "asinh": "arcsinh arsinh",
        "acosh": "arccosh arcosh",
        "atanh": "arctanh artanh",
        "sinh": "sh",
        "cosh": "ch",
        "tanh": "th tgh",
        "sigmoid": "logistic sigma sig expit",
        "sqrt": "root raiz wurzel",
        "cbrt": "cuberoot",
        "silu": "swish",
        "sign": "sgn signum",
        "abs": "fabs absolute modulus betrag",
        "max": "maximum fmax",
        "min": "minimum fmin",
        "pow": "power",
        "mod": "fmod rem remainder",
        "where": "iif ifelse cond select heaviside step",
        "reciprocal": "inv inverse",
        "neg": "negative minus",
        "mul": "times multiply prod",
        "sum": "total fsum",
        "dot": "matmul inner",
        "leaky_relu": "lrelu",
    }.items()
    for other in others.split()
}
_CONSTANTS: Final = {"e": "2.718281828459045", "pi": "3.141592653589793", "π": "3.141592653589793"}
_SIGNS: Final = {
    "−": "-",
    "–": "-",
    "×": "*",
    "·": "*",
    "⋅": "*",
    "÷": "/",
    "²": "**2",
    "³": "**3",
    "√": "sqrt(…)",
    "∗": "*",
    "’": "nothing",
}
_PRODUCT: Final = re.compile(r"(?<![\w.])((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([^\W\d]\w*|\()|(\))\s*([\w(][\w.]*)")
_ADJACENT: Final = re.compile(r"([^\W\d]\w*)[ \t]+([\w(][\w.]*)")
WHERE: Final = "a choice is written where(c, a, b): a where c is above 0, else b"


def similar_op(name: str) -> str:
    """The op that someone means who calls it otherwise, or "".

    >>> similar_op("ln"), similar_op("ReLU"), similar_op("tanhh"), similar_op("foo")
    ('log', 'relu', 'tanh', '')
    """
    plain = name.lower().rstrip("_")
    if plain in OPS:
        return plain
    swapped = [op for op in OPS if sorted(op) == sorted(plain)]
    close = swapped or get_close_matches(plain, OPS, 1, 0.75)
    return _OTHER_NAMES.get(plain) or (close[0] if close else "")


def of_names(names: Iterable[str]) -> str:
    """A hint for names that have no value, or ""."""
    said = [f"{name} is {_CONSTANTS[name]}" for name in names if name in _CONSTANTS]
    power = "; e**x is written exp(x)" if any(one.startswith("e ") for one in said) else ""
    return f" ({', '.join(said)}{power})" if said else ""


def of_syntax(text: str, message: str) -> str:
    """A hint for a text that Python cannot read, or "".

    >>> of_syntax("3x + 1", "invalid decimal literal")
    ': a product is written with *, as in 3*x'
    """
    for sign, written in _SIGNS.items():
        if sign in text and ("invalid character" in message or "literal" in message):  # the latter is Python 3.10's
            return f": write {written} for {sign}"
    if "|" in text and "invalid syntax" in message:
        return ": write abs(…) for |…|"
    if "=" in message or "assign" in message:
        return ""
    found = _PRODUCT.search(text) or _ADJACENT.search(text)
    if not found or "never closed" in message or "unmatched" in message:
        return ""
    left, right = (group for group in found.groups() if group is not None)
    if left in OPS or left in _OTHER_NAMES:
        return f": an op has brackets, as in {similar_op(left)}({right})"
    left = "(…)" if left == ")" else left
    right = "(…)" if right == "(" else right
    return f": a product is written with *, as in {left}*{right}"


def of_node(node: ast.expr, written: Callable[[ast.expr], str]) -> str:
    """How the part of an expression that is not allowed is written here, or "".

    Args:
        node: the part.
        written: what was typed for a part of it.
    """
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitXor):
        return f"a power is written {_factor(node.left, written)}**{_factor(node.right, written)}"
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        return "a scalar product is written dot([w1, w2], [x1, x2])"
    if isinstance(node, ast.Tuple):
        return "a decimal number is written with a point, as in 1.5"
    if isinstance(node, ast.IfExp):
        test = node.test
        sides = [test.left, *test.comparators] if isinstance(test, ast.Compare) else []
        if len(sides) == 2 and isinstance(test, ast.Compare) and isinstance(test.ops[0], (ast.Gt, ast.Lt)):
            high, low = map(written, sides if isinstance(test.ops[0], ast.Gt) else sides[::-1])
            above = high if low in ("0", "0.0") else f"{high} - {low}" if low.isalnum() else f"{high} - ({low})"
            return f"write where({above}, {written(node.body)}, {written(node.orelse)})"
        return WHERE
    if isinstance(node, (ast.Compare, ast.BoolOp)):
        return WHERE
    if isinstance(node, ast.Call):
        return _of_call(node, written)
    if isinstance(node, ast.Subscript):
        return "write x0, x1, … for the elements of a list"
    return ""


def _factor(node: ast.expr, written: Callable[[ast.expr], str]) -> str:
    """What was typed, in brackets where it is no single thing."""
    return written(node) if isinstance(node, (ast.Name, ast.Constant, ast.Call)) else f"({written(node)})"


def _of_call(node: ast.Call, written: Callable[[ast.expr], str]) -> str:
    function = node.func
    if not isinstance(function, ast.Attribute):
        return f"a product is written with *: {_factor(function, written)}*(…)"
    name = function.attr if function.attr in OPS else similar_op(function.attr)
    if not name:
        return ""
    of_a_module = isinstance(function.value, ast.Name) and function.value.id in ("math", "np", "numpy", "torch", "gg")
    arguments = [*([] if of_a_module else [function.value]), *node.args]
    return f"write {name}({', '.join(map(written, arguments))})"
