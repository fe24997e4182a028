"""What a gradient check found: a row for each derivative, the faults behind what is wrong, and a table of both."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from ..shown import counted, few, visible
from ..table import Table
from .mistakes import NO_KNOWN, Mistake
from .slope_witness import COMPLEX, NUMPY

RIGHT, KINK, WRONG, CANNOT_TELL = "right", "kink", "wrong", "cannot tell"
_DIGITS = 10
_ROUNDING = "rounding"


class Fault(NamedTuple):
    """One thing that is wrong, and makes rows wrong.

    Attributes:
        sentence: what is wrong, where, what it should be and what it is.
        mistakes: the mistakes that give these numbers, the likeliest first; none, if none is known to.
        place: the line of the learner's code, or `""`.
        op: the op whose rule is wrong; `""` if it is no op's.
        operand: which of its operands, counted from 0; -1 if it is none's.
        expected: what the slope or gradient should be, at the place that is named.
        found: what it is.
    """

    sentence: str
    mistakes: tuple[Mistake, ...] = ()
    place: str = ""
    op: str = ""
    operand: int = -1
    expected: float = math.nan
    found: float = math.nan

    @property
    def kind(self) -> str:
        """The kind of the likeliest mistake, such as `"sign"` or `"overwritten"`; `""` if none is known."""
        return self.mistakes[0].kind if self.mistakes else ""

    def __str__(self) -> str:
        guessed = [f"  {word} {one.sentence}" for word, one in zip(("mistake:", "or:"), self.mistakes)]
        where = [f"  line: {self.place}"] if self.place else []
        return "\n".join(map(visible, [self.sentence, *(guessed or [f"  mistake: {NO_KNOWN}"]), *where]))


def relative_error(a: float, n: float, scale: float = 0.0) -> float:
    """|a − n| / max(|a|, |n|, scale)."""
    difference = abs(a - n)
    if difference == 0.0:
        return 0.0
    return difference / max(abs(a), abs(n), scale) if math.isfinite(difference) else math.inf


@dataclass(frozen=True)
class Row:
    """One checked derivative.

    Attributes:
        name: the input (for second order: both).
        analytic: what backpropagation gives.
        numeric: what the witness gives; at a kink what it gives by the convention.
        error: |a − n| / max(|a|, |n|); 0 where that is mere rounding, as it is of 1 − tanh² where tanh is nearly 1.
        verdict: `"right"`, `"kink"` (not differentiable here; the value is a convention), `"wrong"`, or
            `"cannot tell"`, where no witness can decide.
        method: the witness.
        note: what else there is to say.
        sides: at a kink the derivatives to the left and to the right.
    """

    name: str
    analytic: float
    numeric: float
    error: float
    verdict: str
    method: str
    note: str = ""
    sides: tuple[float, float] | None = None


@dataclass(frozen=True, repr=False)
class Report:
    """The result of `gradcheck`: `ok`, `rows` and `faults`; printed, and in a notebook, it is a table.

    Attributes:
        rows: one for each derivative.
        value: the result of the function.
        faults: what is wrong, each by name.
        checked: whose derivatives these are.
    """

    rows: tuple[Row, ...]
    value: float
    faults: tuple[Fault, ...] = ()
    checked: str = "backprop"

    @property
    def ok(self) -> bool:
        """Whether all is proved: every row right or at a kink, and nothing wrong behind them."""
        return not self.faults and all(row.verdict in (RIGHT, KINK) for row in self.rows)

    @property
    def worst(self) -> float:
        """The largest relative error of a row that is right or wrong."""
        return max((row.error for row in self.rows if row.verdict in (RIGHT, WRONG)), default=0.0)

    def __bool__(self) -> bool:
        return self.ok

    @property
    def table(self) -> Table:
        """The rows, and what they come to."""
        rows = []
        for row in self.rows:
            decided = row.verdict in (RIGHT, WRONG)  # elsewhere an error would say nothing
            error = f"{row.error:.1e}" if decided and math.isfinite(row.error) else "–"
            name, (a, n) = visible(row.name), _told_apart(row)
            error = _ROUNDING if row.verdict == RIGHT and row.error == 0.0 else error
            rows.append((name, a, n, error, row.verdict, row.method, f"({visible(row.note)})" if row.note else ""))
        head = ("input", self.checked, "witness", "rel. error", "verdict", "witness is", "")
        return Table(head, rows, {1, 2, 3}, below="\n".join([self._outcome(), *map(str, self.faults)]))

    def _outcome(self) -> str:
        named = {kind: [row.name for row in self.rows if row.verdict == kind] for kind in (WRONG, CANNOT_TELL)}
        kinks, right = (sum(row.verdict == kind for row in self.rows) for kind in (KINK, RIGHT))
        all_of_them = counted(len(self.rows), "derivative")
        if named[WRONG]:
            verb = "disagrees" if len(named[WRONG]) == 1 else "disagree"
            return f"WRONG: {len(named[WRONG])} of {all_of_them} {verb}: {few(named[WRONG], 12)}"
        if self.faults:
            return "WRONG, though no derivative here shows it"
        if named[CANNOT_TELL]:
            return f"cannot tell: {len(named[CANNOT_TELL])} of {all_of_them}: {few(named[CANNOT_TELL], 12)}"
        verb = "agrees" if right == 1 else "agree"
        how = f", largest relative error {self.worst:.1e}" if self.worst else " to rounding"
        said = [f"{counted(right, 'derivative')} {verb}{how}"] if right else []
        said += [f"{kinks} at a kink, where backprop goes by a convention"] if kinks else []
        return f"ok: {', '.join(said)}"

    def __str__(self) -> str:
        return self.table.text()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self.table.html()


def _told_apart(row: Row) -> tuple[str, str]:
    """Both numbers, with so many digits that what differs is seen to."""
    if row.sides is not None:
        left, right = (f"{side + 0.0:.{_DIGITS}g}" if side == side else "none" for side in row.sides)
        return f"{row.analytic + 0.0:.{_DIGITS}g}", f"{left} | {right}"
    for digits in range(_DIGITS if row.method in (COMPLEX, NUMPY) else 6, 18):
        a, n = (f"{x + 0.0:.{digits}g}" for x in (row.analytic, row.numeric))
        if row.verdict != WRONG or a != n:
            break
    return a, "none" if row.numeric != row.numeric else n
