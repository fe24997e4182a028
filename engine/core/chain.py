"""The chain rule for whoever needs to watch it, and every node below a result."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from ..errors import GraphError
from . import own
from .backward import WALKING, differentiable_order
from .origin import CONST, refuse_retired, same

if TYPE_CHECKING:
    from .value import Value

N = TypeVar("N", bound=Hashable)


class Flow(NamedTuple):
    """One edge of the way back: upstream × slope turns the gradient of `input` from `old` into `new`.

    Attributes:
        node: the node that the gradient leaves.
        position: which of its operands receives.
        input: that operand.
        upstream: the gradient of `node`.
        slope: ∂node/∂input, the local derivative.
        old: gradient of the receiver before.
        new: and after it.
    """

    node: Any
    position: int
    input: Any
    upstream: Any
    slope: Any
    old: Any
    new: Any

    @property
    def contribution(self) -> Any:
        """What is added: upstream × slope."""
        return self.upstream * self.slope

    @property
    def replaces(self) -> bool:
        """Whether what was there before is lost; only a pass with a fault does so."""
        return not same(self.new, self.old + self.contribution)


def chain_rule(
    order: Sequence[N],
    edges: Callable[[N], Iterable[tuple[int, N, Any]]],
    totals: dict[N, Any],
    start: float | None = 0.0,
) -> Iterator[Flow]:
    """The loop of `backward` for whoever needs to watch it, on nodes and numbers of any kind.

    Args:
        order: the nodes, inputs before results.
        edges: for a node its operands that take a gradient: (position, operand, slope).
        totals: gradients, that of the result given; filled in on the way.
        start: what a gradient is begun with; None to begin with its first contribution.
    """
    for node in reversed(order):
        upstream = totals.get(node)
        if upstream is None:
            continue
        for position, v, slope in edges(node):
            contribution = upstream if slope.__class__ is float and slope == 1.0 else upstream * slope
            old = totals.get(v, start)
            totals[v] = new = contribution if old is None else old + contribution
            yield Flow(node, position, v, upstream, slope, old, new)


def edges(node: Value) -> Iterator[tuple[int, Value, float]]:
    """The operands of `node` that take a gradient: position, operand, stored slope; twice where one is used twice."""
    if node._a.__class__ is tuple:
        for position, (v, slope) in enumerate(zip(node._a, node._slope_a or own_slopes(node))):
            if v._kind != CONST:
                yield position, v, slope
    else:
        if node._slope_a is not None:
            yield 0, node._a, node._slope_a
        if node._slope_b is not None:
            yield 1, node._b, node._slope_b


def own_slopes(node: Value) -> tuple[float, ...]:
    """The slopes of a node whose rule is a closure, measured (see `own.slopes`)."""
    with WALKING:
        return own.slopes(node)


def why_no_slopes(node: Value) -> str:
    """Why a node whose rule is a closure has no slopes, or ""."""
    try:
        if node._kind == own.OWN:
            own_slopes(node)
    except GraphError as error:
        return str(error)
    return ""


def topological_order(root: Value) -> list[Value]:
    """Every node below `root`, and `root` last: inputs before results, constants right before their use.

    >>> from glassgrad import Value
    >>> x = Value(2.0, "x")
    >>> [v.label or v.op for v in topological_order(3 * x + x)]
    ['x', 'const', 'mul', 'add']
    """
    order: list[Value] = []
    seen: set[Value] = set()
    found = differentiable_order(root)
    refuse_retired(found)
    for node in found:
        for v in (*node.inputs, node):
            if v not in seen and (v is node or v._kind == CONST):
                seen.add(v)
                order.append(v)
    return order
