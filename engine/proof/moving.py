"""The function itself, moved: whether it does more than its graph says, and what rules of the learner's own come to."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from ..core.value import Value
from ..rules.notation import short
from ..shown import few
from .graph import Proof
from .guess import Mistake
from .local import DIFFERENCE
from .own import Rates, verdict, wrong_rules
from .report import CANNOT_TELL, KINK, RIGHT, WRONG, Fault, Row, relative_error
from .resum import exact_sum
from .truth import SHARE, Function, Graph, Side, beside

MOVED: Final = "f, moved"
"""The witness where the function does what its graph does not say."""
LOST: Final = "f changes otherwise than its graph says"
_LOST: Final = ".data or float() stands where the Value is needed: outside of the graph there is no gradient"
EACH: Final = 64
"""Up to so many inputs are moved one by one; more are moved together, in random directions."""
_SEARCHED: Final = 2000
"""Among so many inputs the one whose gradient is lost is looked for."""


class Moving:
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
        self.proof, self.call, self.leaves, self.rows, self.faults = proof, call, leaves, rows, faults
        self.y = proof.order[0]

    def run(self, seed: int) -> None:
        """Move the inputs."""
        function = Function(self.call, self.leaves)
        again = function.moved([0.0] * len(self.leaves), 0.0).value
        if not abs(again - self.y._data) <= 8 * self.proof.rounding and math.isfinite(again + self.y._data):
            note = f"f gave {again!r} when called again, {self.y._data!r} before: equal inputs must give equal results"
            self.rows[:] = [replace(r, verdict=CANNOT_TELL, note=note) if r.verdict != WRONG else r for r in self.rows]
            return
        if not all(math.isfinite(x) for x in [*function.start, self.y._data]):
            return
        graph = Graph(self.proof.order, self.leaves, self.proof.rounding)
        axes = [[float(k == i) for k in range(len(self.leaves))] for i in range(min(len(self.leaves), _SEARCHED))]
        every: list[Rates] = []
        if len(self.leaves) <= EACH:
            for i, axis in enumerate(axes):
                if not self.proof.refused:
                    self._beside(i, beside(function, graph, axis, self.rows[i].analytic, abs(function.start[i])))
                every += self._own_row(i, function, axis)
        else:
            every = self._directions(function, graph, axes, random.Random(seed))  # noqa: S311  # no secret
        self._lost()
        wrong = any(row.verdict == WRONG and row.method == DIFFERENCE for row in self.rows)
        if self.proof.own and wrong and not self.proof.refused:
            self.faults += wrong_rules(self.proof, every)

    def _directions(
        self, function: Function, graph: Graph, axes: list[list[float]], draw: random.Random
    ) -> list[Rates]:
        count, every = len(self.leaves), []
        gradients = [row.analytic for row in self.rows]
        lost = False
        for k in range(3):
            direction = [draw.gauss(0.0, 1.0) * 1e-2 for _ in range(count)]
            a = exact_sum(g * d for g, d in zip(gradients, direction))
            row = Row(f"direction {k + 1}", a * 1e2, a * 1e2, 0.0, RIGHT, MOVED, "inputs moved together")
            self.rows.append(row)
            if self.proof.own:
                every += self._own_row(count + k, function, direction, 1e2)
            else:
                self._beside(count + k, beside(function, graph, direction, a, 1.0), 1e2)
                lost = lost or self.rows[-1].verdict != RIGHT
        for i, axis in enumerate(axes if lost else ()):
            self._beside(i, beside(function, graph, axis, gradients[i], abs(function.start[i])))
        return every

    def _beside(self, i: int, sides: tuple[Side, Side], unit: float = 1.0) -> None:
        """What the function does beside its graph, in row `i`."""
        row = self.rows[i]
        a = row.analytic
        left, right = (side if side.lost == side.lost else None for side in sides)
        if left is None and right is None:
            if row.verdict in (RIGHT, KINK):
                note = "f is undefined, or runs otherwise, wherever this input is moved"
                self.rows[i] = replace(row, verdict=CANNOT_TELL, note=note)
            return
        left, right = left or right or sides[0], right or left or sides[1]
        limits = [max(SHARE * abs(a), side.doubt * unit) for side in (left, right)]
        gone = [abs(side.lost * unit) > limit for side, limit in zip((left, right), limits)]
        apart = left.lost * unit, right.lost * unit
        if gone == [True, True] and all(map(math.isfinite, apart)):
            n = row.numeric + sum(apart) / 2
            self.rows[i] = replace(row, numeric=n, error=relative_error(a, n), verdict=WRONG, method=MOVED, note=LOST)
        elif any(gone) and row.verdict in (RIGHT, KINK):
            both = row.sides or (a, a)
            note = "f branches here: left | right"
            self.rows[i] = replace(row, verdict=KINK, note=note, sides=(both[0] + apart[0], both[1] + apart[1]))
            if gone == [True, True]:
                self.rows[i] = replace(row, verdict=CANNOT_TELL, note="f jumps here")
        elif not any(gone) and row.verdict == RIGHT and max(limits) > 1e-4 * abs(a) > 0.0:
            note = "what f does beside its graph is lost in the rounding of its result"
            self.rows[i] = replace(row, verdict=CANNOT_TELL, note=note)

    def _own_row(self, i: int, function: Function, direction: Sequence[float], unit: float = 1.0) -> list[Rates]:
        """Let differences of the function prove row `i`, if a rule of the learner's own is behind it."""
        row = self.rows[i]
        if not self.proof.own or row.verdict not in (RIGHT, WRONG) or row.note == LOST:
            return []
        rates = Rates(function, direction, function.start[i] if i < len(self.leaves) else 0.0, len(self.proof.order))
        said, n, note, sides = verdict(row.analytic / unit, rates)
        n *= unit
        if not math.isfinite(row.analytic):
            said, note = WRONG, ""
        size = max(1.0, abs(self.y._data)) * 1e-9
        self.rows[i] = replace(
            row,
            numeric=n,
            error=relative_error(row.analytic, n, size if said == RIGHT else 0.0),
            verdict=said,
            method=DIFFERENCE,
            note=note or (row.note if said != WRONG else ""),
            sides=sides,
        )
        return [rates]

    def _lost(self) -> None:
        lost = [row for row in self.rows if row.note == LOST]
        if not lost:
            return
        row = lost[0]
        more = f", and so in {few([r.name for r in lost[1:]])}" if len(lost) > 1 else ""
        sentence = (
            f"The graph is not all that f does: its slope in {row.name} is {short(row.numeric)}, but its graph gives "
            f"{short(row.analytic)}{more}"
        )
        mistake = Mistake("lost", _LOST)
        self.faults.append(Fault(sentence, (mistake,), expected=row.numeric, found=row.analytic))
