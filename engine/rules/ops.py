"""The op table: every rule of glassgrad, written once.

An entry holds the forward formula, the slope (local derivative) for each input, and where to test them.
The eager function, the array function, higher derivatives, the explanation, the compiled line and the
tests are all derived from it, so none of them can drift. Formulas read the inputs by name, `y` for the
result, and the names of `let`, shorthands that forward and slopes share.
"""

from __future__ import annotations

import ast
from typing import Any

from ..errors import OpError
from .formula import PRIMITIVES
from .op import CONSTANT, Input, Interval, Op, make_op

__all__ = ["CONSTANT", "OPS", "Input", "Interval", "Op", "add_op"]

OPS: dict[str, Op] = {}


def add_op(name: str, *texts: str, **options: Any) -> Op:
    """Make an op and enter it into the table; formulas may call every op entered before it."""
    if name in OPS:
        raise OpError(f"op {name!r} is in the table already")
    op = make_op(name, *texts, functions=PRIMITIVES | OPS.keys(), **options)
    trees = [formula.tree for formula in op.formulas() if op.total is None or formula is not op.forward]
    for call in (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)):
        called = OPS.get(ast.unparse(call.func))
        if called and called.name not in PRIMITIVES and (called.many or len(call.args) != len(called.inputs)):
            takes = ", ".join(map(str, called.inputs))
            raise OpError(f"op {name!r}: {ast.unparse(call)} calls {called.name} otherwise than with ({takes})")
    OPS[name] = op
    return op


_POSITIVE = (0.2, 3.0)
_APART = ((-2.0, 2.0), _POSITIVE)

# fmt: off
#       name          symbol      inputs      forward                           slopes, one per input
add_op("add",        "+",        "a b",      "a + b",                          "1 ; 1",                    words="{a} plus {b}")
add_op("sub",        "-",        "a b",      "a - b",                          "1 ; -1",                   words="{a} minus {b}")
add_op("mul",        "*",        "a b",      "a * b",                          "b ; a",                    words="{a} times {b}")
add_op("div",        "/",        "a b",      "a / b",                          "1 / b ; -y / b",           words="{a} divided by {b}",
       domain=_APART, needs="{b} != 0")
add_op("neg",        "neg",      "a",        "-a",                             "-1",                       words="minus {a}")
add_op("pow",        "**",       "a b",      "a ** b",                         "b * a**(b - 1) ; y * log(a)", words="{a} to the power {b}",
       domain=(_POSITIVE, (-2.0, 2.0)), needs="{a} > 0")
add_op("pow_const",  "**",       "a c",      "a ** c",                         "c * a**(c - 1) if c != 0 else 0 ; constant", words="{a} to the power {c}",
       domain=(_POSITIVE, (-3.0, 3.0)), needs="{a} > 0, or a whole exponent (at least 1 where {a} = 0)")
add_op("mod",        "mod",      "a b",      "mod(a, b)",                      "1 ; (y - a) / b",          words="the rest of {a} divided by {b}",
       domain=_APART, needs="{b} != 0", kinks="sin(3.141592653589793 * a / b)")
add_op("reciprocal", "1/",       "a",        "1 / a",                          "-y * y",                   domain=_POSITIVE, needs="{a} != 0", words="one divided by {a}")
add_op("exp",        "exp",      "a",        "exp(a)",                         "y",                        needs="{a} < 709.78")
add_op("exp2",       "exp2",     "a",        "exp2(a)",                        "0.6931471805599453 * y",   needs="{a} < 1024", words="two to the power {a}")
add_op("expm1",      "expm1",    "a",        "expm1(a)",                       "exp(a)",                   needs="{a} < 709.78", words="exp of {a}, minus one")
add_op("log",        "log",      "a",        "log(a)",                         "1 / a",                    domain=_POSITIVE, needs="{a} > 0")
add_op("log2",       "log2",     "a",        "log2(a)",                        "1 / (0.6931471805599453 * a)", domain=_POSITIVE, needs="{a} > 0")
add_op("log10",      "log10",    "a",        "log10(a)",                       "1 / (2.302585092994046 * a)", domain=_POSITIVE, needs="{a} > 0")
add_op("log1p",      "log1p",    "a",        "log1p(a)",                       "1 / (1 + a)",              domain=(-0.8, 3.0), needs="{a} > -1", words="log of one plus {a}")
add_op("sqrt",       "sqrt",     "a",        "sqrt(a)",                        "1 / (2 * y)",              domain=_POSITIVE, needs="{a} > 0 (at 0 the slope is infinite)")
add_op("cbrt",       "cbrt",     "a",        "cbrt(a)",                        "1 / (3 * y * y)",          domain=_POSITIVE, needs="{a} != 0 (there the slope is infinite)", words="the cube root of {a}")
add_op("sin",        "sin",      "a",        "sin(a)",                         "cos(a)")
add_op("cos",        "cos",      "a",        "cos(a)",                         "-sin(a)")
add_op("tan",        "tan",      "a",        "tan(a)",                         "1 + y**2",                 domain=(-1.2, 1.2))
add_op("asin",       "asin",     "a",        "asin(a)",                        "1 / sqrt((1 - a) * (1 + a))", domain=(-0.9, 0.9), needs="-1 < {a} < 1 (at the ends the slope is infinite)")
add_op("acos",       "acos",     "a",        "acos(a)",                        "-1 / sqrt((1 - a) * (1 + a))", domain=(-0.9, 0.9), needs="-1 < {a} < 1 (at the ends the slope is infinite)")
add_op("atan",       "atan",     "a",        "atan(a)",                        "1 / (1 + a * a)")
add_op("sinh",       "sinh",     "a",        "sinh(a)",                        "cosh(a)",                  needs="|{a}| < 710.47")
add_op("cosh",       "cosh",     "a",        "cosh(a)",                        "sinh(a)",                  needs="|{a}| < 710.47")
add_op("tanh",       "tanh",     "a",        "tanh(a)",                        "1 - y**2")
add_op("asinh",      "asinh",    "a",        "asinh(a)",                       "1 / cosh(y)")
add_op("acosh",      "acosh",    "a",        "acosh(a)",                       "1 / (sqrt(a - 1) * sqrt(a + 1))", domain=(1.2, 3.0), needs="{a} > 1 (at 1 the slope is infinite)")
add_op("atanh",      "atanh",    "a",        "atanh(a)",                       "1 / ((1 - a) * (1 + a))",  domain=(-0.9, 0.9), needs="-1 < {a} < 1")
add_op("sigmoid",    "σ",        "a",        "1 / (1 + exp(-a))",              "y * (1 - y)")
add_op("relu",       "ReLU",     "a",        "max(a, 0)",                      "1 if a > 0 else 0",        kinks="a")
add_op("leaky_relu", "LReLU",    "a k=0.01", "a if a > 0 else k * a",          "1 if a > 0 else k ; constant", kinks="a", words="leaky_relu of {a}",
       domain=((-2.0, 2.0), (0.01, 0.3)))
# Clevert, Unterthiner & Hochreiter 2016, arXiv:1511.07289; with k = 1 there is no kink.
add_op("elu",        "ELU",      "a k=1",    "a if a > 0 else k * expm1(a)",   "1 if a > 0 else k * exp(a) ; constant", kinks="a if k != 1 else 1", words="elu of {a}",
       domain=((-2.0, 2.0), (0.5, 2.0)))
add_op("softplus",   "softplus", "a",        "max(a, 0) + log1p(exp(-abs(a)))", "sigmoid(a)")
add_op("silu",       "SiLU",     "a",        "a * s",                          "s * (1 + a * (1 - s))",    let="s = sigmoid(a)")
# The tanh form of Hendrycks & Gimpel 2016, arXiv:1606.08415, as tanh(u) = 2 sigmoid(2u) - 1; k = 2 sqrt(2 / pi).
# Where the square q stops growing s is 0 or 1 already, and nothing overflows.
add_op("gelu",       "GELU",     "a",        "a * s",                          "s + y * (1 - s) * (k + 3 * k * 0.044715 * q)",
       let="k = 1.5957691216057308 ; q = min(a**2, 10000) ; s = sigmoid(k * a * (1 + 0.044715 * q))")
add_op("abs",        "abs",      "a",        "abs(a)",                         "1 if a > 0 else (-1 if a < 0 else 0)", kinks="a", words="the absolute value of {a}")
add_op("sign",       "sign",     "a",        "1 if a > 0 else (-1 if a < 0 else a)", "0",                  kinks="a", words="the sign of {a}")
add_op("max",        "max",      "a b",      "max(a, b)",                      "1 if a > b else (0 if a < b else 0.5) ; 1 if b > a else (0 if b < a else 0.5)",
       kinks="a - b", words="the larger of {a} and {b}")
add_op("min",        "min",      "a b",      "min(a, b)",                      "1 if a < b else (0 if a > b else 0.5) ; 1 if b < a else (0 if b > a else 0.5)",
       kinks="a - b", words="the smaller of {a} and {b}")
add_op("where",      "where",    "c a b",    "a if c > 0 else b",              "0 ; 1 if c > 0 else 0 ; 0 if c > 0 else 1", kinks="c", words="{a} where {c} is above 0, else {b}")
add_op("sum",        "Σ",        "*a",       "sum(a)",                         "1",                        words="the sum")
add_op("dot",        "Σwx+b",    "*w *x b",  "sum(w * x, b)",                  "x ; w ; 1",                words="the weighted sum")
# fmt: on
