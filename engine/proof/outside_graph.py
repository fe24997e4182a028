"""Whether the graph is the whole truth: the function called at moved inputs, against its graph evaluated there.

Nothing is divided, so that nothing is lost: a function that does no more than its graph says gives the same number to
the last bits, however flat, steep, small or wild it is. What is left over is what it does outside of its graph.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from ..core.apply import apply
from ..core.origin import CONST
from ..core.own import own_name
from ..core.value import Value
from ..number import number
from ..rules.floats import float_function
from ..rules.ops import OPS
from .chain_check import results_first
from .rounded import UNIT
from .slope_witness import UNDEFINED, one_sided

SHARE: Final = 1e-7
"""A smaller share of a gradient is not called lost."""
_STEPS: Final = tuple(0.1137 * 10.0**-k for k in range(10))
_CLEAR: Final = 4.0
"""So many times its rounding a difference must be to be one."""


class Moved(NamedTuple):
    """What the function gave at moved inputs: its number, and its graph, results first: ops and numbers."""

    value: float
    ops: Sequence[str] = ()
    data: Sequence[float] = ()


class Function:
    """A function whose inputs can be moved for a moment.

    Args:
        call: runs it.
        leaves: its inputs.
    """

    def __init__(self, call: Callable[[], Any], leaves: Sequence[Value]) -> None:
        self.call, self.leaves, self.start = call, leaves, [leaf._data for leaf in leaves]

    def moved(self, direction: Sequence[float], t: float) -> Moved:
        """Its result where the inputs are moved by t · direction.

        Raises:
            RuntimeError: if it, or another thread, writes to an input meanwhile; that number stays.
        """
        moved = self.inputs(direction, t)
        try:
            for leaf, x in zip(self.leaves, moved):
                leaf._data = x  # for a moment: no statement about an earlier result becomes false
            y = self.call()
            if isinstance(y, Value):
                order = results_first(y)
                return Moved(y._data, [v.op for v in order], [v._data for v in order])
            return Moved(number(y, "gradcheck: the result of f"))
        finally:
            changed = [leaf for leaf, x in zip(self.leaves, moved) if leaf._data is not x]
            for leaf, x, known in zip(self.leaves, moved, self.start):
                leaf._data = known if leaf._data is x else leaf._data
            if changed:
                raise RuntimeError(
                    f"{changed[0]!r} was changed while gradcheck moved it, by f or by another thread: "
                    "nothing is proved; check again when nobody writes to the inputs"
                )

    def inputs(self, direction: Sequence[float], t: float) -> list[float]:
        """The moved inputs."""
        return [x + t * d if d else x for x, d in zip(self.start, direction)]


class Side(NamedTuple):
    """What the function does beside its graph when it is moved to one side.

    Attributes:
        lost: how fast it changes otherwise than its graph, per step; infinite where it jumps; NaN if it is not known.
        doubt: how far `lost` may be off.
    """

    lost: float
    doubt: float


AGREES: Final = Side(0.0, 0.0)
UNKNOWN: Final = Side(math.nan, math.inf)


class RecordedGraph(NamedTuple):
    """The recorded graph, to be evaluated elsewhere.

    Attributes:
        order: its nodes, results first.
        leaves: the inputs that are moved.
        rounding: how far the rounding of all its nodes may move the result.
    """

    order: Sequence[Value]
    leaves: Sequence[Value]
    rounding: float

    def at(self, inputs: Sequence[float], run: Moved) -> float:
        """Its result at `inputs`; what a rule of the learner's own gives is taken from the function's `run` there.

        Raises:
            ArithmeticError, ValueError: where an op is undefined.
        """
        given = dict(zip(self.leaves, inputs))
        found: dict[Value, float] = {}
        same = len(run.ops) == len(self.order)
        for i in range(len(self.order) - 1, -1, -1):
            node = self.order[i]
            op = OPS.get(node._kind)
            if op is not None and node.inputs:
                found[node] = float_function(op)(**op.elements([found[v] for v in node.inputs], None))
            elif own_name(node.op) and node not in given:
                if not same or run.ops[i] != node.op:
                    raise ArithmeticError("the function runs otherwise there, and a rule of one's own has no formula")
                found[node] = run.data[i]
            else:
                found[node] = given.get(node, node._data)
        return found[self.order[0]]


def replayed(node: Value, made: Mapping[Value, Any]) -> Any:
    """The op of `node` on other operands; a leaf as it is.

    Raises:
        ArithmeticError, ValueError: where it is undefined.
    """
    op = OPS.get(node.op)
    if op is None or not node.inputs:
        return node._data if node._kind == CONST else node
    operands = op.elements([made[v] for v in node.inputs], None)
    return apply(op.name, *operands.values())


def differs(f: Function, graph: RecordedGraph, direction: Sequence[float]) -> bool:
    """Whether `f` does anything beside its graph, quickly, for a search."""
    more = _more(f, graph, direction)
    return any(_one_side(more, side, 0.0, None, _STEPS[1:4:2]).lost for side in (-1.0, 1.0))


def beside(
    f: Function, graph: RecordedGraph, direction: Sequence[float], gradient: float, size: float | None
) -> tuple[Side, Side]:
    """What `f` does beside its graph on either side: to the left and to the right.

    Args:
        f: the function.
        graph: its graph.
        direction: where to move.
        gradient: the graph's derivative in this direction.
        size: of the input that moves; None if there are many, and a rough number will do.
    """
    steps = set(_STEPS) if size is None else {max(1.0, size) * h for h in _STEPS}
    steps |= {size * h for h in _STEPS[:5]} if size and size < 1.0 else set()
    more = _more(f, graph, direction)
    left, right = (_one_side(more, side, gradient, size, sorted(steps)[::-1]) for side in (-1.0, 1.0))
    return left, right


def _more(f: Function, graph: RecordedGraph, direction: Sequence[float]) -> Callable[[float], tuple[float, float]]:
    """What `f` gives more than its graph, and how far rounding may lead that off."""

    def more(t: float) -> tuple[float, float]:
        run = f.moved(direction, t)
        expected = graph.at(f.inputs(direction, t), run)
        if not math.isfinite(run.value - expected):
            raise ArithmeticError("no number")
        return run.value - expected, graph.rounding + _CLEAR * UNIT * abs(expected)

    return more


def _one_side(
    more: Callable[[float], tuple[float, float]],
    side: float,
    gradient: float,
    size: float | None,
    steps: Sequence[float],
) -> Side:
    apart: list[tuple[float, float]] = []  # step, difference
    agreed, rounding = 0, 0.0
    for h in steps:
        try:
            difference, rounding = more(side * h)
        except UNDEFINED:
            continue
        if abs(difference) > _CLEAR * rounding:
            apart.append((h, difference))
            continue
        if apart and abs(apart[-1][1]) / apart[-1][0] * h <= 2 * _CLEAR * rounding:
            break  # smaller than what could be seen
        agreed += 1
        if agreed == 2:
            seen = difference == 0.0 or rounding <= SHARE * abs(gradient) * h
            return AGREES if seen else Side(0.0, rounding / h)
    if agreed:
        return AGREES
    if len(apart) < 2:
        return UNKNOWN
    if abs(apart[-1][1]) > 0.5 * abs(apart[0][1]) and apart[0][0] > 100 * apart[-1][0]:
        return Side(math.copysign(math.inf, apart[-1][1] * side), 0.0)
    clear = [one for one in apart if abs(one[1]) > 1e9 * rounding]
    (far, large), (near, small) = (clear if len(clear) > 1 else apart)[-2:]
    slope = side * (small / near * far - large / far * near) / (far - near)  # of a curve through both, at step 0
    if size is not None:
        exact, doubt = one_sided(lambda t: more(t)[0] if t else 0.0, size, side, rounding)
        if doubt <= 0.3 * abs(exact):
            return Side(exact, doubt)
    return Side(slope, 0.3 * abs(slope - side * small / near) + 2 * rounding / near)
