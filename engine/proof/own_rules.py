"""Rules of the learner's own, which have no formula: how fast they change where the function's inputs are moved."""

from __future__ import annotations

import linecache
import math
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from types import FrameType
from typing import Any, Final, NamedTuple

from ..core.chain import own_slopes
from ..core.origin import number_used
from ..core.own import own_name
from ..core.undefined import formula_of
from ..core.value import Value
from ..errors import GraphError
from ..rules.ops import OPS
from ..shown import few, visible
from .graph_proof import Edge, Proof, apart, bracketed
from .mistakes import Mistake, Sample, mistakes, plain_mistake
from .outside_graph import Function, Moved
from .report import CANNOT_TELL, KINK, RIGHT, WRONG, Fault
from .slope_witness import UNDEFINED, one_sided, richardson, witness

CLOSE: Final = 1e-4
"""Relative error up to which a difference quotient agrees: above it the course notes of CS231n (Stanford) call a
gradient suspicious."""
_CLOSER: Final = 1e-6
"""The same where many operands move at once, and one that is wrong makes little of the whole."""
_MANY: Final = 8
_GLANCE: Final = 1e-3
_NOTHING: Final = 1e-290
_JUMPS: Final = "a rule of your own jumps here"

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

    def of(self, i: int | None, side: float = 0.0) -> Rate:
        """∂node/∂direction for the node at place `i`, results first, None for the result itself; from both sides, or
        from one: −1 is the left. Infinite where it jumps."""
        along = self._node(i) if i is not None else lambda t: self._run(t).value
        try:
            return Rate(*(one_sided(along, self.size, side) if side else richardson(along, self.size)))
        except ArithmeticError:  # another graph there
            return Rate(math.nan, math.inf)

    def coarse(self, i: int | None) -> float:
        """How much the node, or the result, changes along the longest step, per step: what is nothing beside this need
        not be known."""
        t = max((t for t, run in self.runs.items() if i is None or len(run.data) == self.count), default=0.0)
        far, here = (self._run(t), self._run(0.0)) if t else (None, None)
        if far is None or here is None:
            return 0.0
        change = far.value - here.value if i is None else far.data[i] - here.data[i]
        return abs(change) / t if math.isfinite(change) else 0.0

    @property
    def moves(self) -> bool:
        """Whether any step so far was long enough to move an input at all."""
        start = self.f.inputs(self.direction, 0.0)
        return any(self.f.inputs(self.direction, t) != start for t in self.runs)

    def varies(self, i: int) -> bool:
        """Whether the node has moved in any run so far."""
        held = {run.data[i] for run in self.runs.values() if len(run.data) == self.count}
        return len(held) > 1


class Misfit(NamedTuple):
    """How fast something changes, and how fast it should by its slopes.

    Attributes:
        rate: how fast it does.
        told: how fast its slopes say.
        spread: how far both together may be off.
        scale: the size of what is compared.
    """

    rate: float
    told: float
    spread: float
    scale: float

    @property
    def off(self) -> float:
        """What the slopes miss."""
        return self.rate - self.told

    def fits(self, close: float) -> bool:
        """Whether there is no difference, to the last but few digits."""
        return abs(self.off) <= close * self.scale + self.spread


def of_result(rates: Rates, found: float) -> Callable[[float], Misfit]:
    """The misfit of a derivative of the result."""

    def at(side: float) -> Misfit:
        rate = rates.of(None, side)
        return Misfit(rate.value, found, rate.spread, max(abs(found), abs(rate.value)))

    return cache(at)


def of_node(rates: Rates, place: int, edges: Sequence[tuple[int, float]]) -> Callable[[float], Misfit]:
    """The misfit of a node: its operands that move, by place, and its slopes towards them."""

    def at(side: float) -> Misfit:
        rate, moves = rates.of(place, side), [(slope, rates.of(i, side)) for i, slope in edges]
        parts = [slope * move.value for slope, move in moves]
        spread = 8 * (rate.spread + sum(abs(slope) * move.spread for slope, move in moves))
        return Misfit(rate.value, sum(parts), spread, max(abs(rate.value), *map(abs, parts), 0.0))

    return cache(at)


def judged(at: Callable[[float], Misfit], faint: float, close: float = CLOSE, nothing: float = 0.0) -> tuple[str, str]:
    """What differences say: verdict and reason.

    Args:
        at: what they are from both sides (0), from the left (−1) and from the right (1).
        faint: the size of what is compared where the slopes say that there is no change.
        close: up to which part of the whole they agree.
        nothing: a change that is nothing in any case.
    """
    both = at(0.0)
    faint = max(nothing, faint if both.told == 0.0 else 0.0)
    if both.spread <= CLOSE * max(both.scale, faint) and both.fits(close):
        return RIGHT, ""
    sides = [side for side in (at(-1.0), at(1.0)) if side.rate == side.rate]  # where it is defined
    if not all(math.isfinite(side.off) for side in sides):
        return CANNOT_TELL, _JUMPS
    scale = max([faint, *(side.scale for side in sides)])
    sure = [side for side in sides if side.spread <= 0.1 * CLOSE * scale]
    if any(side.fits(close) for side in sure):
        return KINK, "a rule of your own has a kink here: left | right"
    if len(sure) == 2 and (sure[0].off < 0.0) != (sure[1].off < 0.0):  # a convention between the two
        return KINK, "a rule of your own has a kink here: left | right"
    every = [both, *sides]
    clear = all(abs(one.off) > close * one.scale + 4 * one.spread for one in every)
    if (sure and len(sure) == len(sides)) or (clear and len({one.off < 0.0 for one in every}) == 1):
        return WRONG, ""
    return CANNOT_TELL, "differences of f are too coarse here to prove a rule of your own"


class OwnRules:
    """The check of all nodes with a rule of the learner's own, each by itself, wherever the inputs are moved.

    Args:
        proof: of the graph they are in.

    Attributes:
        faults: what is wrong with them so far; each once.
    """

    def __init__(self, proof: Proof) -> None:
        self.proof, self._wrong = proof, dict[tuple[Any, str, int], Fault]()
        self._place = {node: i for i, node in enumerate(proof.order)}
        self._suspects: dict[Value, None] = {}

    @property
    def faults(self) -> list[Fault]:
        """What is wrong, each rule once; a rule whose operand can be named, only with that."""
        named = {key[:2] for key in self._wrong if key[2] >= 0}
        return [fault for key, fault in self._wrong.items() if key[2] >= 0 or key[:2] not in named]

    def suspects(self, inputs: Sequence[Value]) -> list[int]:
        """The inputs that a rule found wrong depends on, by number."""
        below = self.proof.below(list(self._suspects))
        return [i for i, v in enumerate(inputs) if v in below]

    def suspected(self, f: Function, direction: Sequence[float]) -> bool:
        """Whether a node that is wrong somewhere is wrong here, by a quick look."""
        try:
            one, other = (f.moved(direction, t).data for t in (-_GLANCE, _GLANCE))
        except UNDEFINED:
            return True
        if not len(one) == len(other) == len(self.proof.order):
            return True
        moved = {node: b - a for node, a, b in zip(self.proof.order, one, other)}
        for node in self._suspects:
            parts = [e.stored * moved[e.operand] for e in self.proof.edges[node]]
            if abs(moved[node] - sum(parts)) > _CLOSER * max(map(abs, [*parts, moved[node]])):
                return True
        return False

    def _misfit(self, node: Value, rates: Rates) -> tuple[list[Edge], Callable[[float], Misfit]]:
        """The edges of the node that move, and how far it changes otherwise than these say."""
        edges = [e for e in self.proof.edges[node] if rates.varies(self._place[e.operand])]
        return edges, of_node(rates, self._place[node], [(self._place[e.operand], e.stored) for e in edges])

    def judge(self, rates: Rates, together: bool) -> tuple[str, str, float, tuple[float, float]]:
        """The worst verdict of a node here, its reason; what the result changes by beyond what its graph says: at all,
        and from either side. Where inputs move `together`, what is little beside a node need not be known."""
        rates.of(None)  # so that all is moved
        if not rates.moves:
            return CANNOT_TELL, "the input is so large that a step is lost in its rounding", 0.0, (0.0, 0.0)
        worst, why, missed, beside = RIGHT, "", 0.0, [0.0, 0.0]
        for node in self.proof.own:
            edges, at = self._misfit(node, rates)
            if not edges and not rates.varies(self._place[node]):
                continue
            close, nothing = CLOSE if len(edges) <= _MANY else _CLOSER, _NOTHING + together * 1e-5 * abs(node._data)
            said, reason = judged(at, rates.coarse(self._place[node]), close, nothing)
            if said == WRONG:
                self._suspects[node] = None
                self._note(node, edges, rates, at(0.0))
            upstream = self.proof.chained.gradient.get(node, 0.0)
            missed += upstream * at(0.0).off
            if said != RIGHT:
                beside = [sum_ + upstream * at(side).off for sum_, side in zip(beside, (-1.0, 1.0))]
            if _BADNESS.index(said) > _BADNESS.index(worst):
                worst, why = said, reason
        return worst, why, missed, (beside[0], beside[1])

    def _note(self, node: Value, edges: Sequence[Edge], rates: Rates, misfit: Misfit) -> None:
        moves = [(e, rates.of(self._place[e.operand])) for e in edges]
        moving = [(e, m) for e, m in moves if abs(m.value) > 1e3 * m.spread]
        one = moving[0][0].position if len(moving) == 1 else -1
        key = getattr(node.__dict__.get("_rule"), "__code__", None), node.op, one
        if key not in self._wrong:
            place = rule_place(node, moving[0][0].operand if one >= 0 else None)
            self._wrong[key] = _fault(self.proof, node, moving, misfit, place)


_BADNESS: Final = (RIGHT, KINK, CANNOT_TELL, WRONG)


def _fault(proof: Proof, node: Value, moving: Sequence[tuple[Edge, Rate]], misfit: Misfit, place: str) -> Fault:
    name = visible(own_name(node.op) or "")
    if len(moving) != 1:
        right, wrong = apart(misfit.rate, misfit.told)
        sentence = (
            f"Your own rule {name} is wrong: {name}({few([proof.called(v) for v in node.inputs])}) changes by {right} "
            f"for a step of the inputs, but its slopes come to {wrong}"
        )
        hidden = (Mistake("missing child", _HIDDEN),) if not moving else ()
        return Fault(sentence, hidden, place, node.op, -1, misfit.rate, misfit.told)
    ((edge, move),) = moving
    expected, guessed = _twin(node, edge, misfit.rate / move.value)
    right, wrong = apart(expected, edge.stored)
    sentence = (
        f"Your own rule {name} is wrong: ∂{bracketed(proof.called(node))}/"
        f"∂{bracketed(proof.called(edge.operand))} is {right}, but {wrong} is passed on"
    )
    return Fault(sentence, guessed, place, node.op, edge.position, expected, edge.stored)


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
    return measured, (one,) if one else _percent(measured, edge.stored)


def _percent(expected: float, found: float) -> tuple[Mistake, ...]:
    share = found / expected - 1.0 if expected else math.nan
    size = f"it is {abs(share) * 100:.3g} % too {'large' if share > 0 else 'small'}"
    return (Mistake("factor", size),) if abs(share) < 0.1 else ()


def rule_place(node: Value, operand: Value | None = None) -> str:
    """Where the rule of a node adds to the gradient of an operand, of any if None; its first line if that is not one
    line alone. The rule is run, watched."""
    code = getattr(node.__dict__.get("_rule"), "__code__", None)
    if code is None:
        return ""
    lines: set[int] = set()

    def watch(frame: FrameType, event: str, _: Any) -> None:
        rule = frame.f_back
        if event == "call" and frame.f_code is _SETS and rule and rule.f_code is code:
            lines.update([rule.f_lineno] * (operand in (None, frame.f_locals["self"])))

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        with suppress(GraphError):
            own_slopes(node)
    finally:
        sys.setprofile(before)
    return told_place(code.co_filename, lines.pop() if len(lines) == 1 else code.co_firstlineno)


_SETS: Final = Value.grad.fset.__code__  # type: ignore[attr-defined]  # mypy sees no property here


def told_place(file: str, line: int) -> str:
    """A line of the learner's code for a message: the file's name, the number and the text."""
    name = re.split(r"[/\\]", file)[-1]
    return f"{name}:{line}  {linecache.getline(file, line).strip()}".strip()
