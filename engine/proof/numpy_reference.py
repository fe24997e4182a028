"""The NumPy reference: the whole graph computed once more on complex arrays, one place for each input.

Where the slopes have been proved one by one and added up, this knows neither slopes nor the chain rule: each input is
moved into the complex plane, the graph is evaluated forwards, and the imaginary part of the result is the derivative
(Squire & Trapp 1998, SIAM Review 40(1), 110-112). Only the formulas of the op table are the same; the functions are
NumPy's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from types import SimpleNamespace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ..core.origin import number_used
from ..core.value import Value
from ..rules.arrays import ARRAYS, NUMPY_NAMES
from ..rules.derive import called_ops, define, function_source
from ..rules.formula import PRIMITIVES
from ..rules.op import Op
from ..rules.ops import OPS

_ROOM: Final = 4_000_000
"""So many complex numbers are held at once: in a larger graph fewer inputs are moved together."""


def _cube_root(z: Any) -> Any:
    return np.where(np.real(z) < 0, -((-z) ** (1 / 3)), z ** (1 / 3))


_CONTINUED: Final = SimpleNamespace(
    **{name: getattr(np, name) for name in (NUMPY_NAMES.get(n, n) for n in PRIMITIVES) if hasattr(np, name)}
    | {
        "absolute": lambda z: np.where(z < 0, -z, z),  # by the imaginary part where the real one is 0
        "cbrt": _cube_root,
        "exp2": lambda z: np.exp(0.6931471805599453 * z),
        "mod": lambda a, b: a - b * np.floor(np.real(a) / np.real(b)),
        "sum": np.sum,
        "where": np.where,
    }
)
"""NumPy, its functions continued from the real numbers to the complex plane beside them."""


@cache
def _continued(op: Op) -> Callable[..., Any]:
    called = called_ops(op)
    code = ARRAYS._replace(functions={**ARRAYS.functions, **{name: name for name in called}})
    source = function_source(op, None, code, total="{start} + np.sum({term}, axis=0)")
    names = {"np": _CONTINUED} | {name: _continued(OPS[name]) for name in called}
    return define(source, f"{op.name} on complex arrays", names)


def derivatives(order: Sequence[Value], leaves: Sequence[Value], steps: Sequence[float]) -> list[float]:
    """∂result/∂leaf of each leaf; NaN or infinite where NumPy has no number.

    Args:
        order: the nodes of the graph, results first; each an op of the table, and away from its kinks.
        leaves: its inputs.
        steps: how far each is moved into the complex plane.
    """
    together = max(1, _ROOM // len(order))
    parts = [slice(i, i + together) for i in range(0, len(leaves), together)]
    with np.errstate(all="ignore"):
        return [x for part in parts for x in _moved(order, leaves[part], np.array(steps[part]))]


def _moved(order: Sequence[Value], leaves: Sequence[Value], steps: npt.NDArray[np.float64]) -> list[float]:
    still = np.zeros(len(steps), dtype=complex)
    ways: dict[Value, Any] = dict(zip(leaves, 1j * np.diag(steps)))
    for node in reversed(order):
        if any(v in ways for v in node.inputs):
            op = OPS[node.op]
            given = op.elements([number_used(v, node) + ways.get(v, still) for v in node.inputs], None)
            y = _continued(op)(**{n: np.stack(x) if isinstance(x, list) else x for n, x in given.items()})
            ways[node] = 1j * np.imag(y)  # beside the number that was recorded: no later branch turns by rounding
    found: list[float] = (np.imag(ways.get(order[0], still)) / steps).tolist()
    return found
