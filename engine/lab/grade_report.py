"""What is reported of a class of Values: whether the engine works, finer points, and why it matters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from ..shown import clipped, few, visible
from ..table import Table
from .grade_checks import BASICS, FINER, FUNCTIONS, RANDOM, basics

FILE: Final = "the file"
WHOSE: Final = "whose work it is"


@dataclass(frozen=True)
class Row:
    """What came of one check.

    Attributes:
        name: what it is about.
        verdict: "right", "wrong", "a choice" (no fault), "not there" or "not judged" (as something else is wrong).
        group: "basics", "functions" or "finer points".
        program: the smallest program that shows it, of `V`, the class; "" where all is right.
        got, expected: its answer and the right one, as text.
        why: why it matters, what speaks for the choice, or why it could not be judged.
    """

    name: str
    verdict: str
    group: str
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

    def of(self, verdict: str, *groups: str) -> list[Row]:
        """The rows with that verdict, of these groups or of all."""
        return [row for row in self.rows if row.verdict == verdict and (not groups or row.group in groups)]

    @property
    def ok(self) -> bool:
        """Whether it works: +, * and random graphs are right; nothing of basics and functions is wrong or unknown."""
        unknown = {"wrong", "not judged"}.intersection(self._basics())
        return not unknown and {"a + b", "a * b", RANDOM}.issubset(row.name for row in self.of("right"))

    def _basics(self) -> list[str]:
        """The verdicts on the basics; functions are one of them, right if there is one and none is wrong."""
        functions = [row.verdict for row in self.rows if row.group == FUNCTIONS]
        together = next((one for one in ("wrong", "not judged", "right") if one in functions), "not there")
        return [*(row.verdict for row in self.rows if row.group == BASICS), *([together] if functions else [])]

    @property
    def right(self) -> int:
        """How many of the basics are right."""
        return _counts(self._basics())["right"]

    @property
    def wrong(self) -> list[str]:
        """The checks that found something wrong, finer points with them."""
        return [row.name for row in self.of("wrong")]

    @property
    def score(self) -> float:
        """The share of the basics that are right, from 0 to 1, of as many for everybody; 0 for another's work."""
        return 0.0 if WHOSE in self.wrong else self.right / basics()

    def __bool__(self) -> bool:
        return self.ok

    @property
    def headline(self) -> str:
        """All in one line."""
        finer = [row.verdict for row in self.rows if row.group == FINER]
        told = [f"{visible(self.name)}: {'ok' if self.ok else 'NOT OK'}", _told(BASICS, self._basics(), basics())]
        return ": ".join(told) + f"; {_told(FINER, finer, len(finer))}" * bool(finer)

    @property
    def summary(self) -> dict[str, str]:
        """A row of the table of a class."""
        faults = [
            row.got if row.name == FILE else row.name
            for verdict in ("wrong", "not judged")
            for row in self.of(verdict, BASICS, FUNCTIONS)
        ]
        finer = _counts([row.verdict for row in self.rows if row.group == FINER])
        return {
            "of": self.name,
            "ok": "yes" if self.ok else "no",
            "score": f"{self.score:.2f}",
            "right": str(self.right),
            "wrong": str(_counts(self._basics())["wrong"]),
            "finer right": str(finer["right"]),
            "finer wrong": str(finer["wrong"]),
            "first fault": clipped("".join(faults[:1])),
        }

    @property
    def table(self) -> Table:
        """What is wrong and what is a choice, and below it the rest."""
        rows = [(row.verdict, row.name, row.program, row.got, row.expected, why) for row, why in self._faults()]
        head = ("verdict", "of", "smallest program", "got", "expected", "why it matters") if rows else ()
        return Table(head, rows, above=self.headline, below="\n".join(self._others()))

    def _faults(self) -> Iterator[tuple[Row, str]]:
        """What is wrong, basics first, and what is a choice; why it matters once for each reason."""
        said = set[str]()
        for row in (*self.of("wrong", BASICS, FUNCTIONS), *self.of("wrong", FINER), *self.of("a choice")):
            yield row, row.why * (row.why not in said)
            said.add(row.why)

    def _others(self) -> Iterator[str]:
        missing = self.of("not judged")
        for why in dict.fromkeys(row.why for row in missing):
            yield f"{why}: {few([row.name for row in missing if row.why == why], 99)}"
        for verdict in ("right", "not there"):
            if names := [row.name for row in self.of(verdict)]:
                yield f"{verdict}: {few(names, 99)}"

    def __str__(self) -> str:
        lines = [self.headline]
        for row, why in self._faults():
            kind = row.verdict if row.verdict != "wrong" else "finer point" if row.group == FINER else "WRONG"
            got = row.got if row.name == FILE or row.got.startswith("it ") else f"got {row.got}"
            got += f", expected {row.expected}" if row.expected else ""
            lines += ["", f"{kind}  {row.name}", *(f"    {line}" for line in (row.program, got, why) if line)]
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


def _counts(verdicts: Iterable[str]) -> Counter[str]:
    return Counter("right" if verdict == "a choice" else verdict for verdict in verdicts)


def _told(what: str, verdicts: Sequence[str], number: int) -> str:
    counts = _counts(verdicts)
    others = [f"{counts[verdict]} {verdict}" for verdict in ("wrong", "not judged", "not there") if counts[verdict]]
    return f"{what} {counts['right']} of {number} right" + f" ({', '.join(others)})" * bool(others)
