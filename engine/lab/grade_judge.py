"""`gg.lab.grade`: a class of Values through the battery, and what came of it."""

from __future__ import annotations

import inspect
import math
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from ..core.value import Value
from ..shown import clipped, described, few, visible
from .grade_checks import AN_ERROR, BASICS, CHAIN, EVERYDAY, ROOT, Check, Trial, checks, random_programs
from .grade_report import FILE, WHOSE, Grade, Row
from .sandbox import NOT_UNDERSTOOD, Ended, Student
from .sandbox_child import attempted, decode, in_one_line
from .sandbox_objects import RemoteError

CLOSE: Final = 1e-9
"""Relative difference up to which a number is right."""


def grade(kind: type) -> Grade:
    """Put a class with micrograd's interface through the battery, in this process, where it could call glassgrad's own
    engine: for the work of others, `grade_file`.

    Args:
        kind: a class whose instances are made from a number, have `data`, `grad` and `backward()`, and know `+` and
            `*`; whatever else it has is tried, and what it has not is listed, not counted as a fault.

    Returns:
        A report; it is true if the engine works: nothing of the basics or the functions is wrong.

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

    def attempt(trial: Trial) -> _Came:
        return _came(attempted(kind, trial.code, list(trial.asks), _told))

    return Grade(kind.__name__, tuple(_Examination(attempt, dir(kind)).rows_of_all()))


def grade_file(file: str | Path, name: str | None = None, *, seconds: float = 10.0, megabytes: int = 512) -> Grade:
    """Put a class of a file through the battery, in a process of its own: see `sandbox.py`.

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
            hall.enter()
        except (Ended, RemoteError, LookupError) as error:
            got = error.told() if isinstance(error, RemoteError) else str(error.args[0])
            row = Row(FILE, "wrong", BASICS, got=got, why="nothing could be asked of it")
            return Grade(name or hall.file.stem, (row,), hall.output, hall.open_doors)
        rows = [_not_own(hall.foreign)] if hall.foreign else _Examination(hall.attempt, hall.attributes).rows_of_all()
        hall.leave()  # only then all is there that it printed
        return Grade(hall.name or "", tuple(rows), hall.output, hall.open_doors)


def _not_own(how: str) -> Row:
    return Row(WHOSE, "wrong", BASICS, got="another's rules", expected="your own", why=how)


# -- one program ---------------------------------------------------------------------------------------------


class _Came(NamedTuple):
    """What came of a program.

    Attributes:
        answers: plain data, or an `_Other`.
        error: what stopped it; "" if nothing did.
        early: whether that was before `backward()`.
        asked: how much of the program ran until then.
        ended: whether that ended the process.
        unasked: whether it was not run at all, for want of time.
    """

    answers: tuple[Any, ...]
    error: str = ""
    early: bool = False
    asked: str = ""
    ended: bool = False
    unasked: bool = False


class _Other(str):
    """The text of an answer that is no plain data: its own idea of being equal decides nothing."""


def _came(found: Any) -> _Came:
    """What `attempted` found, wherever it ran; its texts are safe to print."""
    answers, error, early, asked = found
    plain = decode(answers, lambda other: _Other(visible(clipped(str(other["other"]), 60))))
    return _Came(tuple(plain), visible(str(error)), early is True, visible(str(asked)))


def _told(error: BaseException) -> str:
    kinds = [kind.__name__ for kind in type(error).__mro__]
    return in_one_line({"kinds": kinds, "text": _message(error), "lines": []})


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except (Exception, SystemExit):
        return ""


@cache
def _expected(trial: Trial) -> tuple[Any, ...]:
    return trial.expected or _came(attempted(Value, trial.code, list(trial.asks), _told)).answers


def _same(got: Any, expected: Any) -> bool:
    if isinstance(got, _Other):
        return False
    if isinstance(got, (int, float)) and isinstance(expected, (int, float)):
        if isinstance(got, int) and got.bit_length() > 1000:
            return False  # no float is as large
        return math.isclose(got, expected, rel_tol=CLOSE, abs_tol=1e-12) or (math.isnan(got) and math.isnan(expected))
    return type(got) is type(expected) and bool(got == expected)


# -- one check -----------------------------------------------------------------------------------------------


class _Examination:
    """A class that is asked one check after the other; a fault is a row of its own once.

    Attributes:
        rows: what came of each check, by its name.
        guilty: for each check that is not right, the one whose fault that is.
        stuck: checks that did not come to an end, and those that build on them: they are not asked.
        given_root: whether programs set the root's gradient, as the class does not.
    """

    def __init__(self, attempt: Callable[[Trial], _Came], attributes: Iterable[str]) -> None:
        self.attempt, self.attributes = attempt, set(attributes)
        self.rows: dict[str, Row] = {}
        self.guilty: dict[str, str] = {}
        self.stuck: set[str] = set()
        self.given_root = False

    def rows_of_all(self) -> list[Row]:
        """A row for each check that applies."""
        for check in checks():
            self.judge(check)
        self.judge(random_programs([name for name in EVERYDAY if self.is_right(name)] or EVERYDAY[:1]))
        return list(self.rows.values())

    def is_right(self, name: str) -> bool:
        """Whether that check was made, and found all right."""
        return name in self.rows and self.rows[name].verdict == "right"

    def judge(self, check: Check) -> None:
        """Make a check, unless it is stuck, and blame a fault of what it builds on rather than this."""
        if not self.attributes.issuperset(check.needs):
            if not check.quiet:
                self.rows[check.name] = Row(check.name, "not there", check.group)
            return
        before = [name for name in check.after if name in self.guilty]
        if stuck := [name for name in before if name in self.stuck]:
            row = Row(check.name, "not judged", check.group, why=f"not asked, as {self.guilty[stuck[0]]} did not end")
            self.stuck.add(check.name)
        else:
            row = self.tried(check)
            if row.verdict in ("wrong", "a choice") and before and check.name not in self.stuck:
                why = f"cannot be judged, as {self.guilty[before[0]]} is not right"
                row = Row(check.name, "not judged", check.group, why=why)
        if row.verdict in ("wrong", "not judged"):
            self.guilty[check.name] = self.guilty[before[0]] if before else check.name
        if check.name == ROOT and row.verdict == "wrong" and check.name not in self.stuck:
            self.given_root = True
            if self.tried(check).verdict == "right":
                del self.guilty[ROOT]
        self.rows[check.name] = row

    def tried(self, check: Check) -> Row:
        """What came of a check's programs."""
        refused = None
        for trial in check.trials:
            if trial.deep and CHAIN in self.guilty:
                continue
            code = re.sub(r"(\w+)(?=\.backward)", r"\1.grad = 1.0; \1", trial.code) if self.given_root else trial.code
            came, expected = self.attempt(replace(trial, code=code)), _expected(trial)
            if came.ended:
                self.stuck.add(check.name)
            if came.unasked:
                return Row(check.name, "not judged", check.group, why=came.error)
            if came.error and check.raises and not came.ended:
                continue
            if came.error:
                failed = Row(check.name, "wrong", check.group, came.asked, came.error, _text(expected[0]), check.why)
                if not check.refusing or came.ended or not (came.early or check.name == ROOT):
                    return failed
                refused = replace(failed, verdict="not there", expected="", why="") if came.early else failed
                continue
            if len(came.answers) != len(trial.asks):
                return Row(check.name, "wrong", check.group, code, "no answer", _text(expected[0]), check.why)
            for ask, got, right in zip(trial.asks, came.answers, expected):
                if not _same(got, right) and (not trial.shown_by or any(_same(got, one) for one in trial.shown_by)):
                    said = next((said for choice, said in check.choices.items() if _same(got, choice)), "")
                    verdict, why = ("a choice", said) if said else ("wrong", check.why)
                    return Row(check.name, verdict, check.group, f"{code}; {ask}", _text(got), _text(right), why)
            if check.refusing:
                break
        else:
            return refused or Row(check.name, "right", check.group)
        return Row(check.name, "right", check.group)


def _text(x: Any) -> str:
    if type(x) is float:
        return f"{x:.10g}"
    return str(x) if isinstance(x, _Other) or x == AN_ERROR else visible(clipped(repr(x), 60))


# -- a file --------------------------------------------------------------------------------------------------


class _Hall:
    """A file's process, begun anew where a program has ended it, until the time is up."""

    def __init__(self, file: Path, name: str | None, seconds: float, megabytes: int) -> None:
        self.file, self.name, self.seconds, self.megabytes = file, name, seconds, megabytes
        self.end = time.monotonic() + seconds
        self.student: Student | None = None
        self.attributes: list[str] = []
        self.foreign, self.output = "", ""
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
        begin, left = time.monotonic(), self.end - time.monotonic()
        student = self.student = Student(self.file, seconds=left, megabytes=self.megabytes, own=True)
        self.end += time.monotonic() - begin  # to start does not count
        self.open_doors = student.open_doors
        try:
            names = student.load()
            kinds = student.classes()
            self.name = _chosen({name: kinds[name] for name in kinds if name in names}, self.name, self.file.name)
            attributes = student.ask("dir", names[self.name])
            if not isinstance(attributes, list):
                raise LookupError(f"{self.file.name} does not say what its class {visible(self.name)} has")
            self.attributes = list(map(str, attributes))
        except BaseException:
            self.leave()
            raise
        if others := [module for module in kinds[self.name] if module not in ("student", "builtins", "numbers")]:
            self.foreign = f"the file imports {self.name}, or what it builds on, from {clipped(others[0])}"

    def attempt(self, trial: Trial) -> _Came:
        """Run a program; what ends the process ends this program alone."""
        over = _Came((), f"not asked, as the {self.seconds:g} seconds were over", unasked=True)
        if time.monotonic() >= self.end:
            return over
        try:
            if self.student is None:
                self.enter()
            assert self.student is not None
            self.student.allow(max(1.0, self.seconds / 5))
            came = _came(self.student.ask("attempt", self.name, trial.code, list(trial.asks)))
        except (Ended, RemoteError, TypeError, ValueError, LookupError, RecursionError) as end:
            self.leave()
            said = str(end) if isinstance(end, (Ended, RemoteError, LookupError)) else NOT_UNDERSTOOD
            late = isinstance(end, Ended) and end.how == "timed out" and time.monotonic() > self.end - 0.1
            return over if late else _Came((), visible(said), True, trial.code, ended=True)
        return came


def _chosen(kinds: dict[str, list[str]], name: str | None, file: str) -> str:
    if name is not None and name not in kinds:
        raise LookupError(f"{file} defines no class {visible(name)} (it has {few(list(kinds)) or 'none'})")
    if name is None and len(kinds) != 1 and "Value" not in kinds:
        if not kinds:
            raise LookupError(f"{file} defines no class that can be added or multiplied: a class of Values has __add__")
        raise LookupError(f"{file} has {len(kinds)} classes ({few(list(kinds))}): choose one with --class NAME")
    return name or ("Value" if "Value" in kinds else next(iter(kinds)))
