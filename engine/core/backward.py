"""Reverse-mode differentiation: topological order, and one loop that applies the chain rule edge by edge.

Nothing here recurses, so a chain of a million nodes is as good as one of ten.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import count
from threading import RLock
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

if TYPE_CHECKING:
    from .value import Value

N = TypeVar("N", bound=Hashable)

WALKING: Final = RLock()
"""Held while nodes are marked, and while gradients are written: threads may differentiate graphs that share nodes."""
_visit = count(1)  # each walk marks the nodes it has seen with its own number


def differentiable_order(root: Value) -> list[Value]:
    """Every node that a gradient can reach from `root`, inputs before results, operands from left to right."""
    with WALKING:
        return _order(root)


def _order(root: Value) -> list[Value]:
    mark = next(_visit)
    order: list[Value] = []
    stack: list[Any] = [root]
    pop, extend, place = stack.pop, stack.extend, order.append
    while stack:
        node = pop()
        if node is None:  # all that the node below it waited for is placed
            place(pop())
        elif node._mark != mark:
            node._mark = mark
            a = node._a
            if a is None:
                place(node)
            elif a.__class__ is tuple:
                waiting = [v for v in reversed(a) if v._mark != mark]
                if waiting:
                    extend((node, None))
                    extend(waiting)
                else:
                    place(node)
            elif node._slope_b is not None and node._b._mark != mark:
                if node._slope_a is not None and a._mark != mark:
                    extend((node, None, node._b, a))
                else:
                    extend((node, None, node._b))
            elif node._slope_a is not None and a._mark != mark:
                extend((node, None, a))
            else:
                place(node)
    return order


def backward(root: Value) -> None:
    """Add ∂root/∂leaf to every leaf's gradient, and set it afresh on every node in between."""
    with WALKING:
        order = _order(root)
        for node in order:
            if node._a is not None:
                node._grad = 0.0
        root._grad += 1.0
        for node in reversed(order):
            a = node._a
            if a is None:
                continue
            upstream = node._grad
            if a.__class__ is tuple:
                for v, slope in zip(a, node._slope_a):
                    v._grad += upstream * slope
            else:
                slope = node._slope_a
                if slope is not None:
                    a._grad += upstream * slope
                slope = node._slope_b
                if slope is not None:
                    node._b._grad += upstream * slope


class Flow(NamedTuple):
    """One edge of the way back: upstream × slope turns the gradient of `input` from `old` (or None) into `new`."""

    node: Any
    position: int
    input: Any
    upstream: Any
    slope: Any
    old: Any
    new: Any


def chain_rule(
    order: Sequence[N], edges: Callable[[N], Iterable[tuple[int, N, Any]]], totals: dict[N, Any]
) -> Iterator[Flow]:
    """The loop of `backward` for whoever needs to watch it, on nodes and numbers of any kind.

    Args:
        order: the nodes, inputs before results.
        edges: for a node its operands that take a gradient: (position, operand, slope).
        totals: gradients, that of the result given; filled in on the way.
    """
    for node in reversed(order):
        upstream = totals.get(node)
        if upstream is None:
            continue
        for position, v, slope in edges(node):
            contribution = upstream if slope.__class__ is float and slope == 1.0 else upstream * slope
            old = totals.get(v)
            totals[v] = new = contribution if old is None else old + contribution
            yield Flow(node, position, v, upstream, slope, old, new)


def edges(node: Value) -> Iterator[tuple[int, Value, float]]:
    """The operands of `node` that take a gradient: position, operand, stored slope; twice where one is used twice."""
    if node._a.__class__ is tuple:
        for position, (v, slope) in enumerate(zip(node._a, node._slope_a)):
            if v._kind != "const":
                yield position, v, slope
    else:
        if node._slope_a is not None:
            yield 0, node._a, node._slope_a
        if node._slope_b is not None:
            yield 1, node._b, node._slope_b


def topological_order(root: Value) -> list[Value]:
    """Every node below `root`, and `root` last: inputs before results, constants right before their use.

    >>> from glassgrad import Value
    >>> x = Value(2.0, "x")
    >>> [v.label or v.op for v in topological_order(3 * x + x)]
    ['x', 'const', 'mul', 'add']
    """
    order: list[Value] = []
    seen: set[Value] = set()
    for node in differentiable_order(root):
        for v in (*node.inputs, node):
            if v not in seen and (v is node or v._kind == "const"):
                seen.add(v)
                order.append(v)
    return order
