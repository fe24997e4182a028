"""The function itself, moved: whether it does more than its graph says, and whether rules of the learner's own hold."""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import FrameType
from typing import Any, Final

from ..core.habits import watched
from ..core.value import Value
from ..core.watch import told
from ..shown import few
from ..story.source import is_ours
from .chain_check import exact_sum, results_first
from .graph_proof import Proof, apart
from .mistakes import Mistake
from .outside_graph import SHARE, Function, RecordedGraph, Side, beside, differs
from .own_rules import OwnRules, Rates, judged, of_result, told_place
from .report import CANNOT_TELL, KINK, RIGHT, WRONG, Fault, Row, relative_error
from .slope_witness import DIFFERENCE

MOVED: Final = "f, moved"
"""The witness where the function does what its graph does not say."""
LOST: Final = "f changes otherwise than its graph says"
_LOST: Final = ".data or float() stands where the Value is needed: outside of the graph there is no gradient"
EACH: Final = 64
"""Up to so many inputs are moved one by one; more are moved together, in random directions."""
_UNIT: Final = 1e-2
"""How far a direction moves each of its inputs, about."""
_SEARCHED: Final = 20_000
"""So many numbers may be moved one by one where a direction is wrong."""


class FunctionCheck:
    """The check of a function whose graph is proved: its rows and faults so far.

    Args:
        proof: of its graph.
        call: runs it.
        leaves: its inputs.
        rows: what the graph's proof says of them.
        faults: what is known to be wrong; what is found is added.
    """

    def __init__(
        self, proof: Proof, call: Callable[[], Any], leaves: list[Value], rows: list[Row], faults: list[Fault]
    ) -> None:
        self.proof, self.rows, self.faults = proof, rows, faults
        self.call, self.function = call, Function(call, leaves)
        self.graph = RecordedGraph(proof.order, leaves, proof.rounding)
        self.own = OwnRules(proof)

    def run(self, seed: int) -> None:
        """Move the inputs."""
        y, count = self.proof.order[0]._data, len(self.rows)
        again = self.function.moved([0.0] * count, 0.0).value
        if not abs(again - y) <= 8 * self.proof.rounding and math.isfinite(again + y):
            note = f"f gave {again!r} when called again, {y!r} before: equal inputs must give equal results"
            self.rows[:] = [_unproved(row, note) for row in self.rows]
            return
        if not all(map(math.isfinite, [y, *self.function.start])):
            note = f"{'an input is not finite' if math.isfinite(y) else f'f gives {y}'} here, so it cannot be moved"
            self.rows[:] = [_unproved(row, note) for row in self.rows]
            return
        if count <= EACH:
            for i in range(count):
                self._judge_input(i)
        else:
            self._directions(count, random.Random(seed))  # noqa: S311  # no secret
        self._lost()
        self.faults += self.own.faults

    def _judge_input(self, i: int) -> None:
        start = self.function.start
        self.rows[i] = self._judged(self.rows[i], [float(k == i) for k in range(len(start))], abs(start[i]))

    def _directions(self, count: int, draw: random.Random) -> None:
        """Move many inputs together; where that is wrong, halve until single ones are found."""
        bad = []
        for k in range(3):
            direction = [draw.gauss(0.0, 1.0) * _UNIT for _ in range(count)]
            self.rows.append(self._direction(f"direction {k + 1}", direction))
            bad += [direction] * (self.rows[-1].verdict == WRONG)
        suspects = self.own.suspects(self.graph.leaves)
        groups = [suspects or list(range(count))] * bool(bad)
        if suspects and any(row.note == LOST for row in self.rows):
            groups = [list(range(count))]
        most = max(3, _SEARCHED // count)
        while groups and most:
            group = groups.pop()
            held = set(group)
            if len(group) == 1:
                self._judge_input(group[0])
                most -= 1
            elif self._differs([d if k in held else 0.0 for k, d in enumerate(bad[0])]):
                half = len(group) // 2
                groups += [group[half:], group[:half]]
        if groups:
            note = "others are wrong, and this one was not moved by itself"
            self.rows[:] = [_unproved(row, note) for row in self.rows]

    def _direction(self, name: str, direction: Sequence[float]) -> Row:
        a = exact_sum(row.analytic * d for row, d in zip(self.rows, direction)) / _UNIT
        return self._judged(Row(name, a, a, 0.0, RIGHT, MOVED, "inputs moved together"), direction, 0.0, _UNIT)

    def _differs(self, direction: Sequence[float]) -> bool:
        """Whether something is wrong in this direction, as far as is known from others."""
        return differs(self.function, self.graph, direction) or self.own.suspected(self.function, direction)

    def _judged(self, row: Row, direction: Sequence[float], size: float, unit: float = 1.0) -> Row:
        """A row after its inputs have been moved; numbers of the row are those of a direction so many times as long."""
        if not self.proof.refused:
            share = SHARE if unit == 1.0 else 1e-2 * SHARE
            row = self._beside(
                row, beside(self.function, self.graph, direction, row.analytic * unit, size), unit, share
            )
        return self._own_row(row, direction, size, unit) if self.proof.own else row

    def _beside(self, row: Row, sides: tuple[Side, Side], unit: float, share: float) -> Row:
        """What the function does beside its graph."""
        a = row.analytic
        left, right = (side if side.lost == side.lost else None for side in sides)
        if left is None and right is None:
            return _unproved(row, "f is undefined, or runs otherwise, wherever this input is moved")
        left, right = left or right or sides[0], right or left or sides[1]
        limits = [max(share * abs(a), side.doubt / unit) for side in (left, right)]
        apart = left.lost / unit, right.lost / unit
        gone = [abs(lost) > limit for lost, limit in zip(apart, limits)]
        if any(map(math.isinf, apart)):
            return _unproved(row, "f jumps here")
        if all(gone):
            n = row.numeric + sum(apart) / 2
            return replace(row, numeric=n, error=relative_error(a, n), verdict=WRONG, method=MOVED, note=LOST)
        if any(gone) and row.verdict in (RIGHT, KINK):
            both = row.sides or (a, a)
            note = "f branches here: left | right"
            return replace(row, verdict=KINK, note=note, sides=(both[0] + apart[0], both[1] + apart[1]))
        if not any(gone) and row.verdict == RIGHT and max(limits) > 1e-4 * abs(a) > 0.0:
            return _unproved(row, "what f does beside its graph is lost in the rounding of its result")
        return row

    def _own_row(self, row: Row, direction: Sequence[float], size: float, unit: float) -> Row:
        """The row after rules of the learner's own behind it were proved by differences, each by itself."""
        rates = Rates(self.function, direction, size, len(self.proof.order))
        a, at = row.analytic, of_result(rates, row.analytic * unit)
        if self.proof.refused:
            at(0.0)  # so that it is moved
            said, note = judged(at, rates.coarse(None))
            row = replace(row, numeric=a, verdict=RIGHT)
            missed, beside = at(0.0).off, (at(-1.0).off, at(1.0).off)
        else:
            said, note, missed, beside = self.own.judge(rates, unit != 1.0)
        if row.verdict == CANNOT_TELL or row.note == LOST:
            return row
        n = row.numeric + missed / unit if math.isfinite(missed) else at(0.0).rate / unit
        n = n if said != CANNOT_TELL else math.nan
        if not math.isfinite(a):
            said, note = WRONG, ""
        if said == RIGHT and row.verdict != RIGHT:
            return row
        sides = row.sides
        if said == KINK:
            low, high = row.sides or (a, a)
            sides = low + beside[0] / unit, high + beside[1] / unit
        size = max(1.0, abs(self.proof.order[0]._data)) * 1e-9 if said == RIGHT else 0.0
        error, note = relative_error(a, n, size), note or row.note
        return replace(row, numeric=n, error=error, verdict=said, method=DIFFERENCE, note=note, sides=sides)

    def _lost(self) -> None:
        lost = [row for row in self.rows if row.note == LOST]
        if not lost:
            return
        row = lost[0]
        more = f", and so in {few([r.name for r in lost[1:]])}" if len(lost) > 1 else ""
        right, wrong = apart(row.numeric, row.analytic)
        sentence = (
            f"The graph is not all that f does: its slope in {row.name} is {right}, but its graph gives {wrong}{more}"
        )
        place, i = "", self.rows.index(row)
        if i < len(self.function.leaves):
            reads = _Reads()
            with watched(), told(reads):
                self.call()
            leaf = self.function.leaves[i]
            places = {place for value, place in reads.found if value is None or leaf in results_first(value)}
            place = told_place(*places.pop()) if len(places) == 1 and ("", 0) not in places else ""
        self.faults.append(Fault(sentence, (Mistake("lost", _LOST),), place, expected=row.numeric, found=row.analytic))


def _unproved(row: Row, note: str) -> Row:
    return replace(row, verdict=CANNOT_TELL, note=note) if row.verdict in (RIGHT, KINK) else row


class _Reads:
    """The numbers that leave the graph, each with the line of the learner's code that reads it."""

    def __init__(self) -> None:
        self.found: list[tuple[Value | None, tuple[str, int]]] = []

    def compared(self, outcome: bool, *_: Any, nodes: bool) -> bool:
        """Nothing is lost by that."""
        return outcome

    def read(self, value: Any, how: str) -> None:
        """A number is handed out."""
        frame: FrameType | None = sys._getframe(1)
        while frame and is_ours(frame):
            frame = frame.f_back
        if frame and how not in ("hash()", "text"):  # a None is of no_grad(): what lies in it is lost, too
            self.found.append((value, (frame.f_code.co_filename, frame.f_lineno) if value is not None else ("", 0)))

    def owns(self, value: Any) -> bool:
        """Other threads are not asked."""
        return False
