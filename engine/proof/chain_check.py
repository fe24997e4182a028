"""The chain rule once more, by other means: another order, exact sums, and how far rounding may lead a right one off.

Also what the classic mistakes would have given, so that one can be recognised by its numbers.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from ..core.backward import differentiable_order
from ..core.value import Value
from .mistakes import Mistake
from .rounded import UNIT

Edges = Mapping[Value, Sequence[tuple[Value, float]]]
"""For each node its operands and the slopes towards them."""
_VISITS: Final = 20_000
"""Plain recursion visits a node once for each path; it is followed no farther than this."""


class Totals(NamedTuple):
    """The gradient of every node, and how far rounding may have moved each."""

    gradient: Mapping[Value, float]
    rounding: Mapping[Value, float]


def results_first(root: Value) -> list[Value]:
    """Every node below `root`, each after all that use it (Kahn 1962), without asking the engine for its order."""
    waiting: Counter[Value] = Counter()
    stack, seen = [root], {root}
    while stack:
        for v in stack.pop().inputs:
            waiting[v] += 1
            if v not in seen:
                seen.add(v)
                stack.append(v)
    ready, order = [root], []
    while ready:
        order.append(node := ready.pop())
        for v in node.inputs:
            waiting[v] -= 1
            if not waiting[v]:
                ready.append(v)
    return order


def exact_sum(terms: Iterable[float]) -> float:
    """`math.fsum`, also of what overflows."""
    held = list(terms)
    try:
        return math.fsum(held)
    except (OverflowError, ValueError):
        return sum(held)


def resummed(order: Sequence[Value], edges: Mapping[Value, Sequence[tuple[Value, float, float]]]) -> Totals:
    """All contributions upstream × slope of each node, gathered and added up.

    Args:
        order: the nodes, results first.
        edges: operand, slope, and how far the slope may be off, for each edge of a node.
    """
    terms: dict[Value, list[float]] = {order[0]: [1.0]}
    spread: dict[Value, float] = {}
    gradient, rounding = {}, {}
    for node in order:
        held = terms.pop(node, None)
        if held is None:
            continue
        gradient[node] = upstream = exact_sum(held)
        rounding[node] = error = spread.pop(node, 0.0) + UNIT * len(held) * sum(map(abs, held)) * (len(held) > 1)
        for v, slope, noise in edges.get(node, ()):
            terms.setdefault(v, []).append(upstream * slope)
            more = error * (abs(slope) + noise) + abs(upstream) * (noise + UNIT * abs(slope))
            spread[v] = spread.get(v, 0.0) + more
    return Totals(gradient, rounding)


# -- mistakes -----------------------------------------------------------------------------------------------------


def overwritten(root: Value, edges: Edges) -> dict[Value, float]:
    """The gradients where each contribution replaces the one before; none, if the engine's order is wrong already."""
    found, order = {root: 1.0}, differentiable_order(root)
    place = {node: i for i, node in enumerate(order)}
    if any(place.get(v, -1) > place[node] for node in order for v, _ in edges.get(node, ())):
        return {}
    for node in reversed(order):
        for v, slope in edges.get(node, ()):
            found[v] = found.get(node, 0.0) * slope
    return found


def _in_order(root: Value, edges: Edges, order: Iterable[Value]) -> dict[Value, float]:
    found = {root: 1.0}
    for node in order:
        for v, slope in edges.get(node, ()):
            found[v] = found.get(v, 0.0) + found.get(node, 0.0) * slope
    return found


def _breadth_first(root: Value, edges: Edges) -> dict[Value, float]:
    queue, seen = deque([root]), {root: None}
    while queue:
        for v, _ in edges.get(queue.popleft(), ()):
            if v not in seen:
                seen[v] = None
                queue.append(v)
    return _in_order(root, edges, seen)


def _depth_first(root: Value, edges: Edges) -> dict[Value, float]:
    stack, seen = [root], dict[Value, None]()
    while stack:
        node = stack.pop()
        if node not in seen:
            seen[node] = None
            stack.extend(v for v, _ in reversed(edges.get(node, ())))
    return _in_order(root, edges, seen)


def _forward(root: Value, edges: Edges) -> dict[Value, float]:
    return _in_order(root, edges, reversed(results_first(root)))


def _recursive(root: Value, edges: Edges) -> dict[Value, float]:
    found, stack = {root: 1.0}, [root]
    for _ in range(_VISITS):
        if not stack:
            return found
        node = stack.pop()
        for v, slope in edges.get(node, ()):
            found[v] = found.get(v, 0.0) + found[node] * slope
        stack.extend(v for v, _ in reversed(edges.get(node, ())))
    return {}


def _unseeded(root: Value, edges: Edges) -> dict[Value, float]:
    return dict.fromkeys(edges, 0.0)


def _doubled(root: Value, edges: Edges) -> dict[Value, float]:
    return {v: g if edges.get(v) else 2.0 * g for v, g in _in_order(root, edges, results_first(root)).items()}


_MISTAKES: Final[dict[str, tuple[Callable[[Value, Edges], dict[Value, float]], str]]] = {
    "overwritten": (overwritten, "each contribution overwrites the one before (= instead of +=)"),
    "recursive order": (
        _recursive,
        "plain recursion: a node that is used twice passes its gradient on twice, the first time before it is complete",
    ),
    "breadth-first order": (
        _breadth_first,
        "breadth-first order: a node passes its gradient on before all that use it have added to it",
    ),
    "depth-first order": (
        _depth_first,
        "depth-first order without waiting: a node passes its gradient on before all that use it have added to it",
    ),
    "forward order": (_forward, "the order is not turned round: inputs come before results"),
    "root gradient": (_unseeded, "the gradient of the result itself is not set to 1"),
    "twice": (_doubled, "everything is counted twice, as after a second backward pass without zeroing"),
}


def mistake_of(root: Value, edges: Edges, found: Mapping[Value, float]) -> Mistake | None:
    """Which mistake of the chain rule gives these gradients."""
    for kind, (simulate, sentence) in _MISTAKES.items():
        wrong = simulate(root, edges)
        if wrong and all(math.isclose(wrong.get(v, 0.0), g, rel_tol=1e-9, abs_tol=1e-300) for v, g in found.items()):
            return Mistake(kind, sentence)
    return None
