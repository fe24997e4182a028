"""The proof of one recorded graph: each slope by itself, then what the chain rule must have made of them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Final, NamedTuple

from ..core.chain import own_slopes
from ..core.origin import number_used, refuse_retired
from ..core.own import own_name
from ..core.undefined import formula_of
from ..core.value import Value
from ..errors import GraphError
from ..rules.notation import short
from ..rules.ops import OPS
from .chain_check import Totals, mistake_of, results_first, resummed
from .mistakes import Sample, mistakes
from .report import Fault
from .rounded import Rounded, rounded_function
from .slope_witness import COMPLEX, DIFFERENCE, UNDEFINED, Slope, step, witness

_SAFETY: Final = 2.0
_EXAMPLES: Final = 5
"""So many nodes with the same wrong rule are looked at to guess the mistake."""


class Edge(NamedTuple):
    """One operand of a node, its stored slope, and what the witness says; None for a rule of the learner's own."""

    node: Value
    position: int
    operand: Value
    stored: float
    slope: Slope | None


class Proof:
    """What can be proved of a recorded graph without its function.

    Args:
        y: the result.
        names: what to call nodes that have no label.

    Attributes:
        order: the nodes, results first.
        refused: the nodes with a rule of the learner's own that has no slopes, each with the reason.
        own: those whose rules are taken at their word.
        kinks: the edges where the two sides differ.
    """

    def __init__(self, y: Value, names: Mapping[Value, str]) -> None:
        self.order = results_first(y)
        refuse_retired(self.order)
        self.names = names
        self.refused: dict[Value, str] = {}
        self.edges: dict[Value, list[Edge]] = {}
        for node in self.order:
            if node.inputs:
                self.edges[node] = self._edges(node)
        every = [edge for edges in self.edges.values() for edge in edges]
        self.own = [node for node in self.order if own_name(node.op)]
        self.kinks = [e for e in every if e.slope is not None and (e.slope.kink or e.slope.jumps)]
        self.unknown = [e for e in every if e.slope is not None and not e.slope.known]
        self.wrong = [e for e in every if e.slope is not None and e.slope.known and not e.slope.allows(e.stored)]
        self.differences = any(e.slope is not None and e.slope.method == DIFFERENCE for e in every)

    def _edges(self, node: Value) -> list[Edge]:
        if own_name(node.op):
            try:
                return [Edge(node, i, v, s, None) for i, (v, s) in enumerate(zip(node.inputs, own_slopes(node)))]
            except GraphError as error:
                self.refused[node] = str(error)
                return []
        numbers = [number_used(v, node) for v in node.inputs]
        return [
            Edge(node, i, v, stored, witness(OPS[node.op], numbers, i))
            for i, (v, stored) in enumerate(zip(node.inputs, node.slopes))
            if stored is not None
        ]

    # -- numbers ------------------------------------------------------------------------------------------------

    @property
    def stored(self) -> dict[Value, list[tuple[Value, float]]]:
        """Operands and stored slopes of each node."""
        return {node: [(e.operand, e.stored) for e in edges] for node, edges in self.edges.items()}

    @cached_property
    def chained(self) -> Totals:
        """The gradients that follow from the stored slopes."""
        return resummed(self.order, {n: [(v, s, 0.0) for v, s in edges] for n, edges in self.stored.items()})

    @cached_property
    def proved(self) -> Totals:
        """The gradients that follow from the witness's slopes; a rule of the learner's own is taken at its word."""
        return resummed(self.order, {node: [_witnessed(e) for e in edges] for node, edges in self.edges.items()})

    @property
    def method(self) -> str:
        """What the slopes were proved by."""
        return DIFFERENCE if self.differences else COMPLEX

    @property
    def rounding(self) -> float:
        """How far rounding in all the nodes together may move the result."""
        gradient = self.proved.gradient
        return 4 * 2.0**-52 * sum(abs(g * v._data) for v, g in gradient.items() if math.isfinite(g * v._data))

    def below(self, nodes: Sequence[Value]) -> set[Value]:
        """Everything that `nodes` were computed from."""
        found: set[Value] = set(nodes)
        for node in self.order:
            if node in found:
                found.update(node.inputs)
        return found

    def sides(self, leaf: Value) -> tuple[tuple[float, float], bool, float]:
        """The derivatives to the left and to the right of `leaf`, whether the result jumps, and their rounding."""
        h, found = step(leaf._data), []
        for side in (-1.0, 1.0):
            try:
                found.append(self._stepped(leaf, side * h))
            except UNDEFINED:  # noqa: PERF203  # twice; a jump leads out of a domain
                found.append(Rounded(complex(math.nan, math.nan)))
        left, right = found[0].z.imag / -h, found[1].z.imag / h
        jumps = any(y.z.real != self.order[0]._data for y in found)
        return (left, right), jumps, 4 * max(y.imag_error for y in found) / h

    def _stepped(self, leaf: Value, h: float) -> Rounded:
        """The result where `leaf` is moved by ih."""
        moved: dict[Value, Rounded] = {leaf: Rounded(complex(leaf._data, h))}
        for node in reversed(self.order):
            if not any(v in moved for v in node.inputs):
                continue
            op = OPS.get(node.op)
            operands: list[Any] = [moved.get(v, Rounded(number_used(v, node))) for v in node.inputs]
            if op is not None and op.analytic:
                y = rounded_function(op)(**op.elements(operands, None))
                jumps = abs(y.z.real - node._data) > 4 * y.real_error + 1e-12 * abs(node._data) + abs(h)
                real = y.z.real if jumps else node._data  # exactly: the next op may have its kink there
                moved[node] = Rounded(complex(real, y.z.imag), 0.0, y.imag_error)
            else:  # along its slopes
                way = sum(_directed(e, operands[e.position].z.imag) for e in self.edges.get(node, ()))
                moved[node] = Rounded(complex(node._data, way))
        return moved.get(self.order[0], Rounded(self.order[0]._data))

    # -- faults -------------------------------------------------------------------------------------------------

    def called(self, node: Value) -> str:
        """A node for a message."""
        own = own_name(node.op)
        if own and node not in self.names and not node.label:
            return f"{own}({', '.join(self.called(v) for v in node.inputs)})"
        return self.names.get(node) or formula_of(node)

    def wrong_slopes(self, place: Callable[[Value], str]) -> list[Fault]:
        """The rules that are wrong, each with the node where that matters most and its line, by `place`."""
        rules: dict[tuple[str, int], list[Edge]] = {}
        for edge in self.wrong:
            part, _ = OPS[edge.node.op].place(edge.position, len(edge.node.inputs))
            rules.setdefault((edge.node.op, part), []).append(edge)
        return [self._wrong_slope(part, edges, place) for (_, part), edges in rules.items()]

    def _wrong_slope(self, part: int, edges: list[Edge], place: Callable[[Value], str]) -> Fault:
        gradient = self.proved.gradient
        edges.sort(key=lambda e: -abs(gradient.get(e.node, 0.0) * (e.stored - _expected(e))))
        edge, op = edges[0], OPS[edges[0].node.op]
        recorded, named = [], [self.called(v) for v in edge.node.inputs]
        for e in edges[:_EXAMPLES]:
            _, element = op.place(e.position, len(e.node.inputs))
            numbers = op.elements([number_used(v, e.node) for v in e.node.inputs], element or 0)
            recorded.append(Sample(numbers, e.node._data, _expected(e), e.stored))
        _, element = op.place(edge.position, len(edge.node.inputs))
        names = op.elements(named, element or 0) | {"y": self.called(edge.node)}
        guessed = mistakes(op, part, recorded, {n: bracketed(text or n) for n, text in names.items()})
        slope = edge.slope
        assert slope is not None  # of a rule of the table
        expected, found = apart(_expected(edge), edge.stored)
        should = f"lies between {short(slope.left)} and {short(slope.right)}" if slope.kink else f"is {expected}"
        twin = f", operand {edge.position + 1} of {op.name}," if named.count(named[edge.position]) > 1 else ""
        more = f" (and so at {len(edges) - 1} more of {op.name})" if len(edges) > 1 else ""
        sentence = (
            f"The rule of {op.name} is wrong: ∂{bracketed(self.called(edge.node))}/∂{bracketed(named[edge.position])}"
            f"{twin} {should}, but {found} is passed on{more}"
        )
        return Fault(sentence, tuple(guessed), place(edge.node), op.name, edge.position, _expected(edge), edge.stored)

    def wrong_chain(self, who: str, leaves: Sequence[Value], found: Mapping[Value, float]) -> Fault | None:
        """Whether the gradients that `who` gives do not follow from the stored slopes, and which mistake gives them."""
        gradient, rounding = self.chained
        for v in dict.fromkeys([*leaves, *found]):
            expected, doubt = gradient.get(v, 0.0), _SAFETY * rounding.get(v, 0.0)
            if abs(found[v] - expected) <= doubt or not math.isfinite(expected + doubt):
                continue
            mistake = mistake_of(self.order[0], self.stored, found)
            right, wrong = apart(expected, found[v])
            uses = Counter(operand for operands in self.stored.values() for operand, _ in operands)
            forks = [self.called(u) for u in self.order if uses[u] > 1][:3]
            used = f"; used more than once: {', '.join(forks)}" if forks else ""
            verb = "go" if " and " in who else "goes"
            sentence = (
                f"{who} {verb} wrong in the chain rule: the contributions to {self.called(v)} add up to {right}, "
                f"but {wrong} is given{used}"
            )
            return Fault(sentence, (mistake,) if mistake else (), expected=expected, found=found[v])
        return None

    def close(self, leaf: Value, found: float) -> bool:
        """Whether it is what the witness gives for `leaf`, to rounding."""
        return abs(found - self.proved.gradient.get(leaf, 0.0)) <= self.doubt(leaf)

    def doubt(self, leaf: Value) -> float:
        """How far rounding may move the gradient of `leaf`."""
        return _SAFETY * self.proved.rounding.get(leaf, 0.0)


def _witnessed(edge: Edge) -> tuple[Value, float, float]:
    if edge.slope is None:
        return edge.operand, edge.stored, 0.0
    if not edge.slope.known:
        return edge.operand, edge.stored, math.nan
    return edge.operand, _expected(edge), edge.slope.noise


def _expected(edge: Edge) -> float:
    return edge.stored if edge.slope is None else edge.slope.nearest(edge.stored)


def _directed(edge: Edge, way: float) -> float:
    """How far the result moves if the operand does."""
    if edge.slope is None:
        return edge.stored * way
    return (edge.slope.right if way > 0 else edge.slope.left) * way


def bracketed(text: str) -> str:
    """A formula for a place where it must hold together."""
    return text if text.replace("_", "").replace(".", "").isalnum() or text.endswith(")") else f"({text})"


def apart(a: float, b: float) -> tuple[str, str]:
    """Two different numbers with as many digits as it takes to tell them apart.

    >>> apart(0.5, 0.50025)
    ('0.5', '0.50025')
    """
    for digits in range(4, 18):
        texts = f"{a:.{digits}g}", f"{b:.{digits}g}"
        if texts[0] != texts[1] and abs(float(texts[0]) - a) <= 0.1 * abs(a - b) >= abs(float(texts[1]) - b):
            break
    return texts
