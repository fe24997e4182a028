"""The op table on NumPy arrays."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final

import numpy as np

from .derive import called_ops, define, function_source
from .dialect import Code
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


@cache
def array_function(op: Op, part: int | None = None) -> Callable[..., Any]:
    """The forward function of `op` on arrays, or its slope for one input (see `function_source`).

    Args:
        op: the op; its `many` inputs are stacked on axis 0.
        part: the input, for a slope.

    >>> array_function(OPS["relu"])(np.array([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """
    called = called_ops(op)
    code = ARRAYS._replace(functions={**ARRAYS.functions, **{name: name for name in called}})
    names = {"np": np} | {name: array_function(OPS[name]) for name in called}
    return define(function_source(op, part, code, total=_TOTAL), f"{op.name} on arrays", names)
