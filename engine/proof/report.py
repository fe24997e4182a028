"""What a gradient check found: a row for each derivative, and a table of them."""

from __future__ import annotations

from dataclasses import dataclass

from ..shown import counted, visible
from ..table import Table


@dataclass(frozen=True)
class Row:
    """One checked derivative.

    Attributes:
        name: the input (for second order: both).
        analytic: what backpropagation gives.
        numeric: what the witness gives.
        error: |a − n| / max(|a|, |n|); 0 where |a − n| is rounding, at most 1e-14 of the terms that add up to it.
        verdict: `"right"`, `"kink"` (not differentiable here; the value is a convention) or `"wrong"`.
        method: the witness.
        note: what else there is to say.
    """

    name: str
    analytic: float
    numeric: float
    error: float
    verdict: str
    method: str
    note: str = ""


@dataclass(frozen=True, repr=False)
class Report:
    """The result of `gradcheck`: `ok` and `rows`; printed, and in a notebook, it is a table."""

    rows: tuple[Row, ...]
    value: float

    @property
    def ok(self) -> bool:
        """Whether no row is wrong."""
        return all(row.verdict != "wrong" for row in self.rows)

    @property
    def worst(self) -> float:
        """The largest relative error of a row that is not at a kink."""
        return max((row.error for row in self.rows if row.verdict != "kink"), default=0.0)

    def __bool__(self) -> bool:
        return self.ok

    @property
    def table(self) -> Table:
        """The rows, and what they come to."""
        rows = []
        for row in self.rows:
            error = "–" if row.verdict == "kink" else f"{row.error:.1e}"  # nothing is right or wrong there
            name, a, n = visible(row.name), f"{row.analytic + 0.0:.10g}", f"{row.numeric + 0.0:.10g}"
            rows.append((name, a, n, error, row.verdict, row.method, f"({row.note})" if row.note else ""))
        head = ("input", "backprop", "witness", "rel. error", "verdict", "witness is", "")
        return Table(head, rows, {1, 2, 3}, below=self._outcome())

    def _outcome(self) -> str:
        wrong = [visible(row.name) for row in self.rows if row.verdict == "wrong"]
        kinks = sum(row.verdict == "kink" for row in self.rows)
        if wrong:
            verb = "disagrees" if len(wrong) == 1 else "disagree"
            return f"WRONG: {len(wrong)} of {counted(len(self.rows), 'derivative')} {verb}: {', '.join(wrong)}"
        agree = len(self.rows) - kinks
        verb = "agrees" if agree == 1 else "agree"
        said = [f"{counted(agree, 'derivative')} {verb}, largest relative error {self.worst:.1e}"] if agree else []
        said += [f"{kinks} at a kink, where no derivative can be checked"] if kinks else []
        return f"ok: {', '.join(said)}"

    def __str__(self) -> str:
        return self.table.text()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self.table.html()
