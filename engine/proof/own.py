"""Rules of the learner's own, which have no formula: how fast they change where the function's inputs are moved."""

from __future__ import annotations

import linecache
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from ..core.origin import number_used
from ..core.own import own_name
from ..core.undefined import formula_of
from ..core.value import Value
from ..rules.ops import OPS
from ..shown import visible
from .graph import Edge, Proof, apart, bracketed
from .guess import Mistake, Sample, mistakes, plain_mistake
from .local import one_sided, richardson, witness
from .report import CANNOT_TELL, KINK, RIGHT, WRONG, Fault
from .truth import Function, Moved

CLOSE: Final = 1e-4
"""Relative error up to which a difference quotient agrees: above it the course notes of CS231n (Stanford) call a
gradient suspicious."""

_HIDDEN: Final = "its value depends on more than its children: pass all of them in Value(data, children, op)"


class Rate(NamedTuple):
    """How fast something changes, and how far that may be off."""

    value: float
    spread: float


class Rates:
    """How fast the result, and every node behind it, changes where the inputs are moved along a direction.

    The function is called once for each step, however many nodes are asked for.
    """

    def __init__(self, f: Function, direction: Sequence[float], size: float, count: int) -> None:
        self.f, self.direction, self.size, self.count = f, direction, size, count
        self.runs: dict[float, Moved] = {}

    def _run(self, t: float) -> Moved:
        if t not in self.runs:
            self.runs[t] = self.f.moved(self.direction, t)
        return self.runs[t]

    def _node(self, i: int) -> Callable[[float], float]:
        def along(t: float) -> float:
            data = self._run(t).data
            if len(data) != self.count:
                raise ArithmeticError("another graph")
            return data[i]

        return along

    def of_result(self) -> Rate:
        """∂result/∂direction."""
        return Rate(*richardson(lambda t: self._run(t).value, self.size))

    def of_node(self, i: int) -> Rate:
        """The same for the node that comes at place `i`, results first."""
        return self._tried(lambda: richardson(self._node(i), self.size))

    def beside(self, side: float) -> Callable[[int], Rate]:
        """That of nodes from one side."""
        return lambda i: self._tried(lambda: one_sided(self._node(i), self.size, side))

    def _tried(self, measure: Callable[[], tuple[float, float]]) -> Rate:
        try:
            return Rate(*measure())
        except ArithmeticError:  # another graph there
            return Rate(math.nan, math.inf)

    def on_side(self, side: float) -> Rate:
        """That of the result from one side."""
        return Rate(*one_sided(lambda t: self._run(t).value, self.size, side))


def verdict(found: float, rates: Rates) -> tuple[str, float, str, tuple[float, float] | None]:
    """What differences say of a derivative: verdict, their number, a reason, and both sides at a kink."""
    rate = rates.of_result()
    close = abs(found - rate.value) <= CLOSE * max(abs(found), abs(rate.value)) + rate.spread
    if close and rate.spread <= CLOSE * max(abs(found), abs(rate.value), 1e-5):
        return RIGHT, rate.value, "", None
    left, right = rates.on_side(-1.0), rates.on_side(1.0)
    low, high = sorted((left, right))
    scale = max(abs(low.value), abs(high.value), abs(found))
    sure = [side.spread <= 0.1 * CLOSE * max(abs(side.value), 1e-5) for side in (low, high)]
    fits = [ok and abs(found - side.value) <= CLOSE * scale for ok, side in zip(sure, (low, high))]
    if any(fits) or (all(sure) and low.value <= found <= high.value):
        sides = tuple(side.value if math.isfinite(side.spread) else math.nan for side in (left, right))
        return KINK, rate.value, "a rule of your own has a kink here: left | right", (sides[0], sides[1])
    if not close and (all(sure) or rate.spread <= 0.01 * abs(found - rate.value)):
        return WRONG, rate.value, "", None
    return CANNOT_TELL, rate.value, "differences of f are too coarse here to prove a rule of your own", None


def wrong_rules(proof: Proof, every: Sequence[Rates]) -> list[Fault]:
    """The rules of the learner's own that do not fit how their nodes change, as far as single nodes show it."""
    place = {node: i for i, node in enumerate(proof.order)}
    found: dict[str, Fault] = {}
    for node in reversed(proof.own):
        for rates in every:
            if code_place(node) + node.op in found:
                continue
            edges = proof.edges[node]
            every_side = [
                _misfit(edges, place, rates.of_node),
                *(_misfit(edges, place, rates.beside(s)) for s in (-1.0, 1.0)),
            ]
            if all(every_side):  # else the rule fits one side of a kink
                moves = [rates.of_node(place[e.operand]) for e in edges]
                moving = [(e, m) for e, m in zip(edges, moves) if abs(m.value) > 1e3 * m.spread]
                rate = rates.of_node(place[node])
                told = sum(e.stored * m.value for e, m in zip(edges, moves))
                found[code_place(node) + node.op] = _fault(proof, node, moving, rate, told)
    return list(found.values())


def _misfit(edges: Sequence[Edge], place: Mapping[Value, int], rate_of: Callable[[int], Rate]) -> bool:
    """Whether a node changes otherwise than its operands and slopes say."""
    rate, moves = rate_of(place[edges[0].node]), [rate_of(place[e.operand]) for e in edges]
    parts = [e.stored * m.value for e, m in zip(edges, moves)]
    doubt = 8 * (rate.spread + sum(abs(e.stored) * m.spread for e, m in zip(edges, moves)))
    return abs(sum(parts) - rate.value) > CLOSE * max(abs(rate.value), *map(abs, parts)) + doubt


def _fault(proof: Proof, node: Value, moving: Sequence[tuple[Edge, Rate]], rate: Rate, told: float) -> Fault:
    if len(moving) != 1:
        right, wrong = apart(rate.value, told)
        sentence = (
            f"Your own rule {visible(own_name(node.op) or '')} is wrong: {proof.called(node)} changes by {right} for a "
            f"step of the inputs, but its slopes come to {wrong}"
        )
        hidden = (Mistake("missing child", _HIDDEN),) if not moving else ()
        return Fault(sentence, hidden, code_place(node), node.op, -1, rate.value, told)
    ((edge, move),) = moving
    expected, guessed = _twin(node, edge, rate.value / move.value)
    right, wrong = apart(expected, edge.stored)
    sentence = (
        f"Your own rule {visible(own_name(node.op) or '')} is wrong: ∂{bracketed(proof.called(node))}/"
        f"∂{bracketed(proof.called(edge.operand))} is {right}, but {wrong} is passed on"
    )
    return Fault(sentence, guessed, code_place(node), node.op, edge.position, expected, edge.stored)


def _twin(node: Value, edge: Edge, measured: float) -> tuple[float, tuple[Mistake, ...]]:
    """The slope that should be, and the mistake: exact if the table has an op of this name with such values."""
    numbers = [number_used(v, node) for v in node.inputs]
    name = own_name(node.op)
    for op in OPS.values():
        if name in (op.name, op.symbol) and len(op.names) == len(numbers) and not op.many:
            slope, names = witness(op, numbers, edge.position), {n: n for n in (*op.names, "y")}
            if slope.known and abs(slope.left - measured) <= CLOSE * abs(measured):
                names |= {n: bracketed(formula_of(v)) for n, v in zip(op.names, node.inputs)}
                sample = Sample(dict(zip(op.names, numbers)), node._data, slope.left, edge.stored)
                return slope.left, tuple(mistakes(op, edge.position, [sample], names)) or _percent(
                    slope.left, edge.stored
                )
    ratio = edge.stored / measured if measured else math.nan
    near = next((x for x in (-1.0, 2.0, 0.5, -2.0) if abs(ratio - x) < CLOSE), ratio)  # differences have few digits
    one = plain_mistake(1.0, near) if edge.stored else plain_mistake(measured, 0.0)
    return measured, (one,) if one else ()


def _percent(expected: float, found: float) -> tuple[Mistake, ...]:
    share = found / expected - 1.0 if expected else math.nan
    size = f"it is {abs(share) * 100:.3g} % too {'large' if share > 0 else 'small'}"
    return (Mistake("factor", size),) if abs(share) < 0.1 else ()


def code_place(node: Value) -> str:
    """Where the closure of a node with a rule of the learner's own is written."""
    code = getattr(node.__dict__.get("_rule"), "__code__", None)
    return told_place(code.co_filename, code.co_firstlineno) if code else ""


def told_place(file: str, line: int) -> str:
    """A line of the learner's code for a message: the file's name, the number and the text."""
    return f"{file.rpartition('/')[2]}:{line}  {linecache.getline(file, line).strip()}".strip()
