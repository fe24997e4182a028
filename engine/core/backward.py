"""Reverse-mode differentiation: topological order, and one loop that applies the chain rule edge by edge.

Nothing here recurses, so a chain of a million nodes is as good as one of ten.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any, overload

from ..rules.derive import derived
from ..rules.ops import OPS

if TYPE_CHECKING:
    from .value import Value

_visit = count(1)  # each walk marks the nodes it has seen with its own number


def differentiable_order(root: Value) -> list[Value]:
    """Every node that a gradient can reach from `root`, inputs before results, operands from left to right."""
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
    order = differentiable_order(root)
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


@overload
def grad(y: Value, xs: Value, create_graph: bool = ...) -> Any: ...
@overload
def grad(y: Value, xs: Sequence[Value], create_graph: bool = ...) -> list[Any]: ...
def grad(y: Value, xs: Value | Sequence[Value], create_graph: bool = False) -> Any:
    """∂y/∂x for each x in `xs`, touching no `.grad`.

    Args:
        y: the result to differentiate.
        xs: a Value, or several.
        create_graph: give the derivatives as Values with a graph of their own, to be differentiated again.

    Returns:
        A float (or Value) for one x, a list for several. 0 where y does not depend on x.

    Raises:
        ValueError: with `create_graph`, if a number below `y` was changed after `y` was computed.

    >>> from glassgrad import Value
    >>> x = Value(3.0)
    >>> dy = grad(x**3, x, create_graph=True)
    >>> dy.data, grad(dy, x)
    (27.0, 18.0)
    """
    several = not hasattr(xs, "_slope_a")
    wanted: list[Value] = list(xs) if several else [xs]  # type: ignore[arg-type, list-item]  # told apart just above
    totals: dict[Value, Any] = {y: 1.0}
    for node in reversed(differentiable_order(y)):
        upstream: Any = totals.get(node)
        for v, slope in _slope_values(node) if create_graph else edges(node):
            contribution = upstream if slope.__class__ is float and slope == 1.0 else upstream * slope
            totals[v] = totals[v] + contribution if v in totals else contribution
    found = [totals.get(x, 0.0) for x in wanted]
    if create_graph:
        from .value import constant

        found = [constant(g) if g.__class__ is float else g for g in found]
    return found if several else found[0]


def edges(node: Value) -> Iterator[tuple[Value, float]]:
    """The inputs of `node` that take a gradient, each with its stored slope; twice where an input is used twice."""
    if node._a.__class__ is tuple:
        yield from ((v, slope) for v, slope in zip(node._a, node._slope_a) if v._kind != "const")
    else:
        if node._slope_a is not None:
            yield node._a, node._slope_a
        if node._slope_b is not None:
            yield node._b, node._slope_b


def _slope_values(node: Value) -> Iterator[tuple[Value, Any]]:
    """`edges`, each slope computed once more from its formula as a Value (or a float where it is constant)."""
    inputs = node.inputs
    for index, (v, stored) in enumerate(zip(inputs, node.slopes)):
        if stored is None:
            continue
        op = OPS[node._kind]
        part, element = op.place(index, len(inputs))
        used = op.elements(inputs, element or 0)  # the slope of a plain input reads no element of the `*` ones
        operands = {name: u._data if u is not None and u._kind == "const" else u for name, u in used.items()}
        slope = derived(op.name, part, "value")(**operands, y=node)
        now = getattr(slope, "_data", slope)
        if abs(now - stored) > 1e-9 * max(abs(stored), abs(now)):
            raise ValueError(
                f"grad(create_graph=True): the numbers below {node!r} were changed after it was computed "
                f"(slope for {v!r} was {stored!r}, would now be {now!r}); compute y again first"
            )
        yield v, slope
