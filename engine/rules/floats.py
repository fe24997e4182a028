"""The op table on Python floats."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, Final

from .derive import called_ops, define, function_source
from .dialect import Code
from .formula import PRIMITIVES
from .op import Op
from .ops import OPS

FLOATS: Final = Code(
    power="pow({0}, {1})",  # `**` would give a complex number for a negative base
    choice_="{yes} if {test} else {no}",
    functions={  # a NaN on either side comes through, as in np.maximum
        "max": "{0} if {0} >= {1} or {0} != {0} else {1}",
        "min": "{0} if {0} <= {1} or {0} != {0} else {1}",
    },
    squares=True,
)


def fold(terms: Iterable[Any], start: Any = 0.0) -> Any:
    """Sum from left to right. Python's own `sum` rounds differently from one version to the next."""
    for term in terms:
        start = start + term
    return start


def saturating_exp(x: float) -> float:
    """`exp`, infinite where it overflows: 1 / (1 + exp(-a)) is then right for every a."""
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def cube_root(x: float) -> float:
    """The real cube root, with one step of Newton's method; `math.cbrt` came with Python 3.11."""
    if x == 0.0 or not math.isfinite(x):
        return x
    root = math.copysign(abs(x) ** (1 / 3), x)
    return root - (root - x / (root * root)) / 3


def rest(a: float, b: float) -> float:
    """`a % b`: the rest has the sign of b."""
    return a % b


FUNCTIONS: Final[dict[str, Any]] = {
    **{name: getattr(math, name) for name in sorted(PRIMITIVES) if hasattr(math, name)},
    "abs": abs,
    "cbrt": getattr(math, "cbrt", cube_root),
    "exp": saturating_exp,
    "exp2": getattr(math, "exp2", lambda x: math.pow(2.0, x)),
    "fold": fold,
    "mod": rest,
    "pow": math.pow,
}
"""What the functions of a formula are on floats, `max` and `min` apart: those are written out."""


def float_names(op: Op) -> dict[str, Any]:
    """What every function name in the formulas of `op` means on floats."""
    names = FUNCTIONS | {called: float_function(OPS[called]) for called in called_ops(op)}
    if op.name == "exp":
        names["exp"] = math.exp  # exp itself says that it overflows
    return names


@cache
def float_function(op: Op, part: int | None = None) -> Callable[..., Any]:
    """The forward function of `op` on floats, or its slope for one input (see `function_source`).

    >>> float_function(OPS["tanh"])(0.0), float_function(OPS["tanh"], 0)(0.0, y=0.0)
    (0.0, 1.0)
    """
    source = function_source(op, part, FLOATS, total="fold(({term} {each}), {start})")
    return define(source, f"{op.name} on floats" + ("" if part is None else f", slope {part}"), float_names(op))
