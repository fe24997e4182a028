"""An exercise in a notebook: what is asked, hints, and a check of the cell in which it was solved."""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence
from contextlib import suppress

from ..shown import counted, described
from .check import Checked, check
from .exercise_file import Exercise, find

HOW = "Copy the start into a cell, fill it in, run it; then, in the next cell: gg.lab.exercise({n}).check()"


class Report:
    """How the code did; printed, it says of each test whether it passes, and why not.

    Attributes:
        checked: the results.
        ok: whether all tests pass.
    """

    def __init__(self, checked: Checked) -> None:
        self.checked, self.ok = checked, checked.ok

    def __bool__(self) -> bool:
        return self.ok

    def __repr__(self) -> str:
        lines, said = [self.checked.problem] * bool(self.checked.problem), set[str]()
        for one in self.checked.results:
            lines.append(f"{'✓' if one.passed else '✗'} {one.name}")
            if not one.passed and one.message not in said:  # what several tests say is said once
                printed = [f"printed: {line}" for line in one.printed.splitlines()]
                lines += [f"    {line}" for line in [*one.message.splitlines(), *printed]]
                said.add(one.message)
        passed = sum(one.passed for one in self.checked.results)
        if self.checked.results:
            every = counted(len(self.checked.results), "test")
            lines.append(f"solved: {every} passed" if self.ok else f"{passed} of {every} passed")
        return "\n".join(lines)


class Hint(str):
    """A text that is shown as it is, without quotes."""

    __slots__ = ()
    __repr__ = str.__str__


class Worksheet:
    """One exercise, as a notebook shows it. Made by `exercise`.

    Attributes:
        start: the code to begin with.
    """

    def __init__(self, exercise: Exercise) -> None:
        self._exercise, self._given = exercise, 0
        self.start = exercise.start

    def hint(self, strength: int | None = None) -> Hint:
        """A hint: the next one, or that of a strength from 1 to 3.

        Raises:
            ValueError: for another strength.
        """
        hints = self._exercise.hints
        if strength is None:
            self._given = strength = min(self._given + 1, len(hints))
        elif strength not in range(1, len(hints) + 1):
            raise ValueError(f"the hints go from 1 to {len(hints)}, the strongest; got {described(strength)}")
        return Hint(f"Hint {strength} of {len(hints)}: {hints[strength - 1]}")

    def check(self, source: str | None = None) -> Report:
        """Check what was written, here: code that does not end is stopped as any other, by interrupting it.

        Args:
            source: the code; by default the last cell of the notebook that defines what the start defines.

        Raises:
            ValueError: if no cell does.

        >>> exercise(1).check("slope_a, slope_b = -4, 5")
        ✓ slope of a
        ✗ slope of b
            slope_b is 5, which is not right.
        1 of 2 tests passed
        """
        if source is None:
            source = _cell(sys._getframe(1).f_globals.get("In", ()), self._exercise)
        elif not isinstance(source, str):
            raise TypeError(f"check takes the code as text, or nothing in a notebook, got {described(source)}")
        try:
            return Report(check(self._exercise, source))
        except KeyboardInterrupt:
            return Report(Checked((), "It was stopped while it was still running: is there a loop without end?"))

    def __repr__(self) -> str:
        one = self._exercise
        return f"{one.number}. {one.title}\n\n{one.statement}\n\n{one.start.rstrip()}\n\n{HOW.format(n=one.number)}"

    def _repr_markdown_(self) -> str:
        one = self._exercise
        code = f"```python\n{one.start.rstrip()}\n```"
        return f"**{one.number}. {one.title}**\n\n{one.statement}\n\n{code}\n\n{HOW.format(n=one.number)}"


_open: dict[int, Worksheet] = {}


def exercise(which: int | str) -> Worksheet:
    """The exercise with that number or name, to be solved in a notebook.

    Args:
        which: such as `7`, or `"fork"`.

    Raises:
        ValueError: if there is none.

    >>> exercise("fork").check(exercise("fork").start).ok
    False
    """
    if isinstance(which, bool) or not isinstance(which, (int, str)):
        raise TypeError(f"exercise takes a number or a name, such as exercise(7), got {described(which)}")
    found = find(str(which))
    return _open.setdefault(found.number, Worksheet(found))  # the same one: it knows how many hints it gave


def _cell(cells: Sequence[str], one: Exercise) -> str:
    """The last cell that defines all that the start of an exercise defines."""
    wanted = _defined(one.start)
    for cell in reversed(cells):
        with suppress(SyntaxError, ValueError):
            if wanted <= _defined(cell):
                return cell
    names = ", ".join(sorted(wanted))
    where = "no cell of this notebook that was run" if cells else "there is no notebook here that"
    raise ValueError(
        f"{where} defines {names}: run a cell that does (it begins as exercise({one.number}).start), "
        "or give the code as text"
    )


def _defined(source: str) -> set[str]:
    """The names that code gives to functions, classes and variables at its top level."""
    found = set()
    for node in ast.parse(source).body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            found |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return found
