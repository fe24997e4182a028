"""`gg.lab.grade`: a class of Values through the battery, and what came of it."""

from __future__ import annotations

import inspect
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from ..core.value import Value
from ..shown import clipped, counted, described, few, visible
from ..table import Table
from .battery import AN_ERROR, CHILDREN, Check, Trial, checks, random_programs
from .child import decode, encode, watching
from .process import Ended, RemoteError, Student

CLOSE: Final = 1e-9
"""Relative difference up to which a number is right."""
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
        output: what the file printed, if it was a file.
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
        return not self.of("wrong") and any(row.name in EVERYDAY for row in self.of("right"))

    @property
    def score(self) -> float:
        """The share of what is there that is right, from 0 to 1; 0 for work that is not the learner's own."""
        right, wrong = len(self.of("right")), self.of("wrong")
        if any(row.name == WHOSE for row in wrong):
            return 0.0
        return right / (right + len(wrong)) if right else 0.0

    def __bool__(self) -> bool:
        return self.ok

    @property
    def headline(self) -> str:
        """All in one line."""
        counts = ", ".join(f"{len(self.of(verdict))} {verdict}" for verdict in ("right", "wrong", "not there"))
        return f"{visible(self.name)}: {'ok' if self.ok else 'NOT OK'}: {counts}" + (
            f", {counted(len(self.of('cannot tell')), 'matter')} of choice" if self.of("cannot tell") else ""
        )

    @property
    def table(self) -> Table:
        """Every row."""
        head = ("verdict", "of", "smallest program", "got", "expected", "why it matters")
        rows = [(row.verdict, row.name, row.program, row.got, row.expected, row.why) for row in self.rows]
        return Table(head, rows, above=self.headline)

    def __str__(self) -> str:
        lines = [self.headline]
        for row in (*self.of("wrong"), *self.of("cannot tell")):
            lines += ["", f"{row.verdict.upper()}  {row.name}", *(f"    {line}" for line in _lines(row))]
        for verdict in ("right", "not there"):
            names = [row.name for row in self.of(verdict)]
            lines += ["", f"{verdict}: {few(names, 99)}"] if names else []
        lines += [f"could not be forbidden: {door}" for door in self.open_doors]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self.table.html()

    def as_json(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {"class": self.name, "ok": self.ok, "score": round(self.score, 4), "rows": list(map(asdict, self.rows))}


def _lines(row: Row) -> Iterator[str]:
    if row.program:
        yield row.program
    yield f"got {row.got}" + (f", expected {row.expected}" if row.expected else "")
    yield row.why


def grade(kind: type) -> Grade:
    """Put a class with micrograd's interface through the battery.

    Args:
        kind: a class whose instances are made from a number, have `data`, `grad` and `backward()`, and know `+` and
            `*`; whatever else it has is tried, and what it has not is listed, not counted as a fault.

    Returns:
        A report; it is true if nothing is wrong.

    Raises:
        TypeError: if `kind` is no class.

    >>> class Half:
    ...     def __init__(self, data, children=()):
    ...         self.data, self.grad, self._prev, self._backward = data, 0.0, children, lambda: None
    ...     def __add__(self, other):
    ...         out = Half(self.data + other.data, (self, other))
    ...         def rule():
    ...             self.grad = other.grad = out.grad
    ...         out._backward = rule
    ...         return out
    ...     def backward(self):
    ...         self.grad = 1.0
    ...         self._backward()
    >>> print(grade(Half).of("wrong")[0].program)
    a = V(3.0); b = a + a; b.backward(); a.grad
    """
    if not inspect.isclass(kind):
        raise TypeError(
            f"grade takes a class, such as grade(MyValue), got {described(kind)}; for a file: glassgrad grade FILE"
        )
    if issubclass(kind, Value):
        return Grade(kind.__name__, (_not_own("this is glassgrad's own engine: its Value, or a subclass"),))
    borrowed: dict[str, int] = {}

    def attempt(trial: Trial) -> _Came:
        with watching() as found:
            came = _attempted(kind, trial)
        borrowed.update(found)
        return came

    rows = _rows(attempt, lambda name: hasattr(kind, name))
    return Grade(kind.__name__, (*([_not_own(_calls(borrowed))] if borrowed else ()), *rows))


def grade_file(file: str | Path, name: str | None = None, *, seconds: float = 10.0, megabytes: int = 512) -> Grade:
    """Put a class of a file through the battery, in a process of its own: see `process.py`.

    Args:
        file: a Python file that needs no other beside it.
        name: the class; by default the only one that can be added or multiplied, or the one called Value.
        seconds: for all together; what does not end by itself is stopped after a fifth of it.
        megabytes: of memory.

    Raises:
        OSError: if the file cannot be read, or this system starts no processes.
    """
    with _Hall(Path(file), name, seconds, megabytes) as hall:
        try:
            if hall.student is None:
                hall.enter()
        except (Ended, RemoteError, LookupError) as error:
            how = error.how if isinstance(error, Ended) else "raised" if isinstance(error, RemoteError) else "no class"
            got = error.told() if isinstance(error, RemoteError) else str(error.args[0])
            row = Row("the file", "wrong", got=f"{how}: {got}", why="nothing could be asked of it")
            return Grade(name or hall.file.stem, (row,), hall.output, hall.open_doors)
        if hall.foreign:
            return Grade(hall.name or "", (_not_own(hall.foreign),), hall.output, hall.open_doors)
        rows = _rows(hall.attempt, hall.has)
        first = [_not_own(_calls(hall.borrowed))] if hall.borrowed else []
        return Grade(hall.name or "", (*first, *rows), hall.output, hall.open_doors)


def _calls(borrowed: dict[str, int]) -> str:
    return f"this is glassgrad's own engine: the class calls its {few(sorted(borrowed), 3)}"


def _not_own(how: str) -> Row:
    return Row(WHOSE, "wrong", got="another's rules", expected="your own", why=how)


# -- one program ---------------------------------------------------------------------------------------------


class _Came(NamedTuple):
    """What came of a program.

    Attributes:
        answers: plain data, or an `_Other`.
        error: what stopped it; "" if nothing did.
        early: whether that was before `backward()`.
        asked: how much of the program ran until then.
        unasked: whether it was not run at all, for want of time.
    """

    answers: tuple[Any, ...]
    error: str = ""
    early: bool = False
    asked: str = ""
    unasked: bool = False


class _Other(str):
    """The text of an answer that is no plain number, text or list."""


def _attempted(kind: Any, trial: Trial) -> _Came:
    """Run a program on a class, or on a Remote of one."""
    space: dict[str, Any] = {"V": kind}
    done: list[str] = []
    answers = []
    try:
        for statement in trial.code.split("; "):
            done.append(statement)
            exec(statement, space)  # noqa: S102  # the battery's own
        for ask in trial.asks:
            done[len(trial.code.split("; ")) :] = [ask]
            answers.append(_plain(eval(ask, space)))  # noqa: S307  # the battery's own
    except (Exception, SystemExit) as error:
        return _Came((), _told(error), not any("backward" in part for part in done), "; ".join(done))
    return _Came(tuple(answers))


def _plain(x: Any) -> Any:
    """`x`, if it is plain data, or a text about it, so that its own idea of being equal decides nothing."""
    return decode(encode(x, lambda other: {"other": _about(other)}), lambda found: _Other(found["other"]))


def _about(x: Any) -> str:
    try:
        return visible(clipped(repr(x), 60))
    except (Exception, SystemExit):
        return f"a {type(x).__name__} whose repr fails"


def _told(error: BaseException) -> str:
    if isinstance(error, RemoteError):
        return error.kinds[0] if "RecursionError" in error.kinds else error.told()
    try:
        text = clipped(str(error), 200)
    except (Exception, SystemExit):
        text = ""
    kind = type(error).__name__
    return visible(f"{kind}: {text}" if text and not isinstance(error, RecursionError) else kind)


@cache
def _expected(trial: Trial) -> tuple[Any, ...]:
    return trial.expected or _attempted(Value, trial).answers


def _same(got: Any, expected: Any) -> bool:
    if isinstance(got, _Other):
        return False
    if isinstance(got, (int, float)) and isinstance(expected, (int, float)):
        close = abs(got - expected) <= CLOSE * max(1.0, abs(expected))
        return close or (math.isnan(got) and math.isnan(expected))
    return type(got) is type(expected) and bool(got == expected)


# -- one check -----------------------------------------------------------------------------------------------


def _rows(attempt: Callable[[Trial], _Came], has: Callable[[str], bool]) -> list[Row]:
    """A row for each check that applies."""
    operands = next((name for name in CHILDREN if _has_operands(attempt, name)), "")
    found = [_row(check, attempt, has) for check in checks(operands)]
    right = {row.name for row in found if row and row.verdict == "right"}
    ops = [text for text in EVERYDAY if text in right]
    if {"a + b", "order", "reuse: a diamond"} <= right:  # else it would say once more what is known
        found.append(_row(random_programs(ops), attempt, has))
    return [row for row in found if row is not None]


def _has_operands(attempt: Callable[[Trial], _Came], name: str) -> bool:
    came = attempt(Trial("a = V(2.0); b = V(3.0); c = a * b", (f"len(c.{name})",)))
    return came.answers == (2,)


def _row(check: Check, attempt: Callable[[Trial], _Came], has: Callable[[str], bool]) -> Row | None:
    if not all(map(has, check.needs)):
        return None if check.quiet else Row(check.name, "not there")
    for trial in check.trials:
        came, expected = attempt(trial), _expected(trial)
        why = trial.why or check.why
        if came.unasked:
            return Row(check.name, "cannot tell", got="no answer", why=came.error)
        if came.error and check.raises:
            continue
        if came.error and check.refusing and came.early:
            return Row(check.name, "not there", came.asked, came.error)
        if came.error:
            return Row(check.name, "wrong", came.asked, came.error, _text(expected[0]), why)
        for ask, got, right in zip(trial.asks, came.answers, expected):
            if not _same(got, right):
                said = next((said for choice, said in check.choices.items() if _same(got, choice)), "")
                verdict = "cannot tell" if said else "wrong"
                return Row(check.name, verdict, f"{trial.code}; {ask}", _text(got), _text(right), said or why)
    return Row(check.name, "right")


def _text(x: Any) -> str:
    if type(x) is float:
        return f"{x:.10g}"
    return str(x) if isinstance(x, _Other) or x == AN_ERROR else _about(x)


# -- a file --------------------------------------------------------------------------------------------------


class _Hall:
    """A file's process, begun anew where a program has ended it, until the time is up."""

    def __init__(self, file: Path, name: str | None, seconds: float, megabytes: int) -> None:
        self.file, self.name, self.seconds, self.megabytes = file, name, seconds, megabytes
        self.end = time.monotonic() + seconds
        self.student: Student | None = None
        self.kind: Any = None
        self.foreign, self.output = "", ""
        self.borrowed: dict[str, int] = {}
        self.open_doors: tuple[str, ...] = ()

    def __enter__(self) -> _Hall:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def leave(self) -> None:
        """End the process."""
        if self.student is not None:
            self.student.close()
            self.output = self.output or self.student.output
            self.student = None

    def enter(self) -> None:
        """Load the file in a new process, and find its class."""
        left = self.end - time.monotonic()
        student = self.student = Student(self.file, seconds=left, megabytes=self.megabytes, watch=True)
        self.open_doors = student.open_doors
        try:
            names = student.load()
            kinds = student.ask("classes")
            self.name = _chosen(kinds, self.name, self.file.name)
            self.kind = names[self.name]
            student.borrowed()
        except BaseException:
            self.leave()
            raise
        module, above = kinds[self.name][0], kinds[self.name][1:]
        if any(one.partition(".")[0] == "glassgrad" for one in (module, *above)):
            self.foreign = f"this is glassgrad's own engine: {self.name} is its Value, or a subclass"
        elif module != "student":
            self.foreign = f"the file imports {self.name} from {clipped(module)}"

    def has(self, name: str) -> bool:
        """Whether the class has that attribute."""
        try:
            if self.student is None:
                self.enter()
            return self.student is not None and self.student.ask("hasattr", self.kind, name) is True
        except (Ended, RemoteError):
            self.leave()
            return False

    def attempt(self, trial: Trial) -> _Came:
        """Run a program; what ends the process ends this program alone."""
        if time.monotonic() >= self.end:
            return _Came((), f"not asked: {self.seconds:g} seconds were over", unasked=True)
        try:
            if self.student is None:
                self.enter()
            assert self.student is not None
            self.student.allow(max(1.0, self.seconds / 5))
            came = _attempted(self.kind, trial)
            for name, count in self.student.borrowed().items():
                self.borrowed[name] = self.borrowed.get(name, 0) + count
        except (Ended, RemoteError) as end:
            self.leave()
            return _Came((), str(end), asked=f"{trial.code}; {trial.asks[0]}")
        return came


def _chosen(kinds: dict[str, list[str]], name: str | None, file: str) -> str:
    if name is not None and name not in kinds:
        raise LookupError(f"{file} defines no class {visible(name)} (it has {few(list(kinds)) or 'none'})")
    if name is None and len(kinds) != 1 and "Value" not in kinds:
        if not kinds:
            raise LookupError(f"{file} defines no class that can be added or multiplied: a class of Values has __add__")
        raise LookupError(f"{file} has {len(kinds)} classes ({few(list(kinds))}): choose one with --class NAME")
    return name or ("Value" if "Value" in kinds else next(iter(kinds)))
