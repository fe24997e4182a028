"""What a class of Values gets right, where it fails, and why that matters: data, a text and a table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

from ..shown import few, visible
from ..table import Table

EVERYDAY: Final = ("a + b", "a * b", "a - b", "a.tanh()", "a.relu()")
"""What random graphs are made of, as far as it is there."""
WHOSE: Final = "whose work it is"


@dataclass(frozen=True)
class Row:
    """What came of one check.

    Attributes:
        name: what it is about.
        verdict: "right", "wrong", "not there" or "cannot tell".
        program: the smallest program that shows it, of `V`, the class; "" where all is right.
        got, expected: its answer and the right one, as text.
        why: why it matters, or, where nothing can be told, what speaks for either.
    """

    name: str
    verdict: str
    program: str = ""
    got: str = ""
    expected: str = ""
    why: str = ""


@dataclass(frozen=True, repr=False)
class Grade:
    """What a class gets right, where it fails, and why that matters; printed, and in a notebook, it is a table.

    Attributes:
        name: of the class.
        rows: one for each check.
        output: what the file printed, if it was a file, cut.
        open_doors: what the system could not forbid the file.
    """

    name: str
    rows: tuple[Row, ...]
    output: str = ""
    open_doors: tuple[str, ...] = ()

    def of(self, verdict: str) -> list[Row]:
        """The rows with that verdict."""
        return [row for row in self.rows if row.verdict == verdict]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong, and a gradient is right somewhere."""
        return not self.wrong and any(row.name in EVERYDAY for row in self.of("right"))

    @property
    def right(self) -> int:
        """How many checks found all right."""
        return len(self.of("right"))

    @property
    def wrong(self) -> list[str]:
        """The checks that found something wrong."""
        return [row.name for row in self.of("wrong")]

    @property
    def score(self) -> float:
        """The share of what is there that is right, from 0 to 1; 0 for work that is not the learner's own."""
        if WHOSE in self.wrong or not self.right:
            return 0.0
        return self.right / (self.right + len(self.wrong))

    def __bool__(self) -> bool:
        return self.ok

    @property
    def headline(self) -> str:
        """All in one line."""
        found = ((verdict, len(self.of(verdict))) for verdict in ("right", "wrong", "cannot tell", "not there"))
        counts = ", ".join(f"{count} {verdict}" for verdict, count in found if count)
        return f"{visible(self.name)}: {'ok' if self.ok else 'NOT OK'}: {counts}"

    @property
    def table(self) -> Table:
        """What is wrong and what cannot be told, and below it the rest."""
        told = (*self.of("wrong"), *self.of("cannot tell"))
        rows = [(row.verdict, row.name, row.program, row.got, row.expected, row.why) for row in told]
        head = ("verdict", "of", "smallest program", "got", "expected", "why it matters") if rows else ()
        return Table(head, rows, above=self.headline, below="; ".join(self._others()))

    def _others(self) -> Iterator[str]:
        for verdict in ("right", "not there"):
            if names := [row.name for row in self.of(verdict)]:
                yield f"{verdict}: {few(names, 99)}"

    def __str__(self) -> str:
        lines = [self.headline]
        for row in (*self.of("wrong"), *(row for row in self.of("cannot tell") if row.program)):
            lines += ["", f"{row.verdict.upper()}  {row.name}", *(f"    {line}" for line in _lines(row))]
        for why in dict.fromkeys(row.why for row in self.of("cannot tell") if not row.program):
            names = [row.name for row in self.of("cannot tell") if not row.program and row.why == why]
            lines += ["", f"{why}: {few(names, 99)}"]
        for others in self._others():
            lines += ["", others]
        lines += [f"could not be forbidden: {door}" for door in self.open_doors]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self.table.html()

    def as_json(self) -> dict[str, Any]:
        """All of it as plain data."""
        told = {"of": self.name, "ok": self.ok, "score": round(self.score, 4), "rows": list(map(asdict, self.rows))}
        return {**told, "output": self.output, "could not be forbidden": list(self.open_doors)}


def _lines(row: Row) -> Iterator[str]:
    if row.program:
        yield row.program
    yield f"got {row.got}" + (f", expected {row.expected}" if row.expected else "")
    yield row.why
