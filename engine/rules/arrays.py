"""The op table on NumPy arrays, real and complex (for the complex-step derivative)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any, Final

import numpy as np

from .derive import called_ops, define, function_source
from .dialect import Code
from .formula import PRIMITIVES
from .op import Op
from .ops import OPS

NUMPY_NAMES: Final = {
    "abs": "absolute",
    "acos": "arccos",
    "acosh": "arccosh",
    "asin": "arcsin",
    "asinh": "arcsinh",
    "atan": "arctan",
    "atanh": "arctanh",
    "max": "maximum",
    "min": "minimum",
}
"""Functions that NumPy calls otherwise than the op table; the same for every version of NumPy."""
ARRAYS: Final = Code(
    power="{0} ** {1}",
    choice_="np.where({test}, {yes}, {no})",
    function="np.{}",
    functions={name: f"np.{other}" for name, other in NUMPY_NAMES.items()},
)
_TOTAL: Final = "{start} + np.sum({term}, axis=0)"


def _cube_root(z: Any) -> Any:
    root = np.where(np.real(z) < 0, -z, z) ** (1 / 3)
    return np.where(np.real(z) < 0, -root, root)


# The analytic continuation of each branch.
_COMPLEX: Final = SimpleNamespace(
    **{
        **{
            name: getattr(np, name)
            for name in (NUMPY_NAMES.get(name, name) for name in PRIMITIVES)
            if hasattr(np, name)
        },
        "absolute": lambda z: np.where(np.real(z) < 0, -z, z),
        "cbrt": _cube_root,
        "maximum": lambda a, b: np.where(np.real(a) >= np.real(b), a, b),  # by the same branch as `absolute` at 0
        "minimum": lambda a, b: np.where(np.real(a) <= np.real(b), a, b),
        "exp2": lambda z: np.exp(0.6931471805599453 * z),
        "mod": lambda a, b: a - b * np.floor(np.real(a) / np.real(b)),
        "sum": np.sum,
        "where": np.where,
    }
)


def _names(op: Op, complex_step: bool) -> dict[str, Any]:
    return {"np": _COMPLEX if complex_step else np} | {
        called: array_function(OPS[called], None, complex_step) for called in called_ops(op)
    }


@cache
def array_function(op: Op, part: int | None = None, complex_step: bool = False) -> Callable[..., Any]:
    """The forward function of `op` on arrays, or its slope for one input (see `function_source`).

    Args:
        op: the op; its `many` inputs are stacked on axis 0.
        part: the input, for a slope.
        complex_step: continue every branch analytically to complex numbers.

    >>> array_function(OPS["relu"])(np.array([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """
    source = function_source(op, part, _code(op), total=_TOTAL)
    return define(source, f"{op.name} on arrays", _names(op, complex_step))


@cache
def kink_function(op: Op, index: int) -> Callable[..., Any]:
    """A kink formula of `op` on arrays: where it changes its sign, a branch was crossed."""
    code = _code(op)
    lets = [f"    {short} = {code.source(text)}" for short, text in op.let]
    source = "\n".join([f"def kink({', '.join(op.names)}):", *lets, f"    return {code.source(op.kinks[index])}"])
    return define(source, f"{op.name}, kink {index}", _names(op, False))


def _code(op: Op) -> Code:
    """`ARRAYS`, with the ops that this one calls under their own names."""
    return ARRAYS._replace(functions={**ARRAYS.functions, **{called: called for called in called_ops(op)}})
