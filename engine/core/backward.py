"""Reverse-mode differentiation: topological order, and one loop that applies the chain rule edge by edge.

Nothing here recurses, so a chain of a million nodes is as good as one of ten.
"""

from __future__ import annotations

from itertools import count
from threading import RLock
from typing import TYPE_CHECKING, Any, Final

from . import own
from .origin import STATE

if TYPE_CHECKING:
    from .value import Value

WALKING: Final = RLock()
"""Held while nodes are marked, and while gradients are written: threads may differentiate graphs that share nodes."""
_visit = count(1)  # each walk marks the nodes it has seen with its own number


class _Progress:
    """What a signal handler or a `__del__`, which runs in the midst of a walk, must not disturb."""

    __slots__ = ("newest", "writing")

    def __init__(self) -> None:
        self.newest = 0  # the number of the walk that began last
        self.writing = False  # whether gradients are being written


_PROGRESS: Final = _Progress()


def differentiable_order(root: Value) -> list[Value]:
    """Every node that a gradient can reach from `root`, inputs before results, operands from left to right."""
    with WALKING:
        return _order(root)


def _order(root: Value) -> list[Value]:
    mark = _PROGRESS.newest = next(_visit)
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
    return order if _PROGRESS.newest == mark else _order(root)  # another walk began meanwhile, and marked nodes


def backward(root: Value) -> None:
    """Add ∂root/∂leaf to every leaf's gradient, and set it afresh on every node in between.

    Raises:
        GraphError: if a node made by hand has no rule, or one that gives to others than its children.
        RuntimeError: if it is called in the midst of another backward pass, by a signal handler or a `__del__`.
    """
    with WALKING:
        if _PROGRESS.writing:
            raise RuntimeError("backward() was called in the midst of another one: gg.grad() may be, or call it later")
        _PROGRESS.writing = True
        try:
            order = _order(root)
            if STATE.ruled:
                own.refuse_without_rule(order)  # before any gradient is written
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
                    if node._slope_a is None:
                        own.run(node, [])
                        continue
                    for v, slope in zip(a, node._slope_a):
                        v._grad += upstream * slope
                else:
                    slope = node._slope_a
                    if slope is not None:
                        a._grad += upstream * slope
                    slope = node._slope_b
                    if slope is not None:
                        node._b._grad += upstream * slope
        finally:
            _PROGRESS.writing = False
