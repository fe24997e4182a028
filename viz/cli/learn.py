"""`glassgrad learn`: exercises that are written, checked as they are saved, and hinted at."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from threading import Timer
from typing import TypeVar

from rich.console import Console
from rich.text import Text

from ...engine.lab.check import Checked, Result
from ...engine.lab.exercise_file import Exercise, exercises, find
from ...engine.lab.practice import PROGRESS, Practice
from ...engine.shown import counted, visible
from ..walk.terminal import keys
from .errors import CommandError, in_one_line

T = TypeVar("T")
FOLDER = Path("exercises")
KEYS = "Save the file to check it again.   h hint   n next   q quit"
NEW = "open it in your editor. It is never overwritten; delete it to begin anew."
LOOKS_A_SECOND = 4
PATIENCE = 1.5
"""Seconds after which it is said that a file is still running."""
MOST_LINES = 12
"""So many lines of what a failing test printed are shown."""
GOOD, BAD = "green", "red"


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    parser.description = (
        "Learn backpropagation by writing it: exercises in groups. Each is a file of\n"
        "yours, which is run in a process of its own. In a terminal it is checked whenever\n"
        "you save it, and keys give hints; elsewhere once, with status 1 if a test fails."
    )
    parser.epilog = (
        "examples:\n"
        "  glassgrad learn                 # what there is, and how far you are\n"
        "  glassgrad learn 1               # write exercises/01_slope_of_a_product.py, and watch it\n"
        "  glassgrad learn fork --hint     # the first of three hints; --hint 3 is the strongest\n"
        "  glassgrad learn 7 --check       # check it once"
    )
    parser.add_argument("exercise", metavar="EXERCISE", nargs="?", help="its number or name; without, all are listed")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--list", action="store_true", help="list the exercises and your progress")
    what.add_argument("--check", action="store_true", help="check once, in a terminal, too")
    what.add_argument(
        "--hint", type=int, nargs="?", const=1, choices=(1, 2, 3), help="print a hint; 3 is the strongest"
    )
    what.add_argument("--solution", action="store_true", help="print the solution, after asking")
    parser.add_argument(
        "--folder", type=Path, help=f"where your files are (here, if {PROGRESS} is here; else {FOLDER}/)"
    )


def run(options: argparse.Namespace) -> int:
    """List, write and check, or print what was asked for."""
    folder = options.folder or (Path() if Path(PROGRESS).exists() else FOLDER)
    practice, console = Practice(folder), Console(markup=False, emoji=False, highlight=False)
    try:
        if options.exercise is None or options.list:
            if options.check or options.hint or options.solution:
                raise CommandError("which exercise? Add its number or name, as in glassgrad learn 1 --check")
            return _print_list(practice, console)
        exercise = find(options.exercise)
        if options.hint:
            _print_paragraph(console, f"Hint {options.hint} of 3: {exercise.hints[options.hint - 1]}")
            return 0
        if options.solution:
            return _print_solution(practice, exercise, console)
        if options.check or not (sys.stdin.isatty() and sys.stdout.isatty()):
            _print_written(practice, exercise, console)
            checked = _own_files(lambda one: _checked(practice, one), exercise)
            return _print_checked(practice, exercise, checked, console)
        return _Watch(practice, console).run(exercise)
    except ValueError as error:
        raise CommandError(str(error)) from None


# -- what is printed ------------------------------------------------------------------------------------------


def _print_list(practice: Practice, console: Console) -> int:
    every = exercises()
    states = [practice.state(exercise) for exercise in every]
    width = max(len(exercise.name) for exercise in every)
    group = 0
    for exercise, state in zip(every, states):
        if exercise.group != group:
            group = exercise.group
            console.print(Text(f"{group}. {exercise.topic}", "bold"))
        line = f"   {exercise.number:>2}  {exercise.name:<{width}}  {exercise.title:<{34 if state else 0}}"
        mark = (f"  {state}" if state else "", f"bold {GOOD}" if state == "done" else "")
        console.print(Text.assemble(line, mark), soft_wrap=True)
    following = practice.next_after(None)
    done = f"{states.count('done')} of {len(every)} done"
    begun = f", {states.count('begun')} begun" if "begun" in states else ""
    go_on = f"; go on with: glassgrad learn {following.number}" if following else ""
    console.print(f"\n{done}{begun} in {_shown(practice.folder)}{go_on}", soft_wrap=True)
    return 0


def _shown(path: Path) -> str:
    return visible(f"{path}/" if path.is_dir() or path == FOLDER else str(path))


def _print_paragraph(console: Console, text: str, indent: str = "", style: str = "") -> None:
    filled = textwrap.fill(visible(text), console.width - 1, initial_indent=indent, subsequent_indent=indent)
    console.print(Text(filled, style), soft_wrap=True)


def _print_written(practice: Practice, exercise: Exercise, console: Console) -> None:
    if _own_files(practice.begin, exercise):
        console.print(f"wrote {visible(str(practice.path(exercise)))}: {NEW}\n", soft_wrap=True)


def _checked(practice: Practice, exercise: Exercise) -> Checked:
    """The check, with a word where it takes long."""
    told = f"still running; it is stopped after {practice.seconds:g} s: is there a loop without end?"
    timer = Timer(PATIENCE, Console(stderr=True, highlight=False).print, [told], {"soft_wrap": True})
    timer.start()
    try:
        return practice.check(exercise)
    finally:
        timer.cancel()


def _own_files(do: Callable[[Exercise], T], exercise: Exercise) -> T:
    """Do something with the learner's files; what cannot be read or written is told."""
    try:
        return do(exercise)
    except OSError as error:
        raise CommandError(in_one_line(error)) from None


def _print_solution(practice: Practice, exercise: Exercise, console: Console) -> int:
    if practice.state(exercise) != "done":
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise CommandError("--solution asks before it shows one that you have not found, and here is no terminal")
        with keys() as read_key:  # from here on, or what is typed early would be lost
            console.print(f"Show the solution of {exercise.number}. {exercise.title}? (y/n) ", end="")
            wanted = read_key() in ("y", "Y")
        console.print()
        if not wanted:
            return 0
    console.print(Text(exercise.solution.rstrip("\n")), soft_wrap=True)
    console.print(Text("\nWrong turns that others have taken:", "bold"))
    for wrong in exercise.misconceptions:
        _print_paragraph(console, f"- {wrong.sentence}")
    return 0


def _print_checked(practice: Practice, exercise: Exercise, checked: Checked, console: Console) -> int:
    if checked.problem:
        _print_paragraph(console, f"stopped  {checked.problem}", style=f"bold {BAD}")
    _print_results(checked, console)
    passed, count = sum(result.passed for result in checked.results), len(checked.results)
    if checked.ok:
        following = practice.next_after(exercise)
        go_on = f" The next one: glassgrad learn {following.number}" if following else " That was the last one."
        every = f"all {count} tests pass" if count > 1 else "the test passes"
        console.print(Text(f"\nDone: {every}.{go_on}", f"bold {GOOD}"), soft_wrap=True)
    elif not checked.problem:
        console.print(Text(f"\n{passed} of {counted(count, 'test')} passed.", "bold"))
    return 0 if checked.ok else 1


def _print_results(checked: Checked, console: Console) -> None:
    said: list[str] = []
    for result in checked.results:
        style = GOOD if result.passed else BAD
        console.print(Text.assemble(("passed" if result.passed else "failed", f"bold {style}"), f"  {result.name}"))
        if not result.passed and result.message not in said:  # what several tests say is said once
            _print_paragraph(console, result.message, " " * 8)
            if not said:
                _print_walk(result, console)
            said.append(result.message)


def _print_walk(result: Result, console: Console) -> None:
    lines = result.printed.rstrip("\n").split("\n") if result.printed else []
    more = [f"… {len(lines) - MOST_LINES} more lines"] if len(lines) > MOST_LINES else []
    for line in [*lines[:MOST_LINES], *more]:
        if len(line) > console.width - 9 and not line.startswith(" "):
            _print_paragraph(console, line, " " * 8, "dim")
        else:
            console.print(Text(f"        {visible(line)}", "dim"), soft_wrap=True)


# -- watching -------------------------------------------------------------------------------------------------


class _Watch:
    """Checks a file whenever it is saved, until it is left; keys give hints and go on."""

    def __init__(self, practice: Practice, console: Console) -> None:
        self.practice, self.console = practice, console

    def run(self, exercise: Exercise) -> int:
        """Watch this exercise, then those that are gone on to; the status says whether the last one is done."""
        with keys() as read_key:
            current: Exercise | None = exercise
            while current:
                exercise = current
                current = self._watch(exercise, read_key)
        return 0 if self.practice.state(exercise) == "done" else 1

    def _watch(self, exercise: Exercise, read_key: Callable[..., str]) -> Exercise | None:
        """The exercise to go on with; None to leave."""
        new = _own_files(self.practice.begin, exercise)
        note, hints = f"The file is new: {NEW}" if new else "", 0
        stamp: tuple[int, int, int] | None = None
        checked: Checked | None = None
        key = ""
        while True:
            saved = _stamp(self.practice.path(exercise))
            if saved not in (None, stamp):
                stamp, checked, key = saved, None, ""
            if key != "none":
                checked = self._show(exercise, checked, note, hints)
                note = ""
            key = read_key(1 / LOOKS_A_SECOND)
            if key in ("q", "\x03", "\x04", ""):
                return None
            if key == "h":
                hints = min(hints + 1, 3)
            if key == "n":
                following = self.practice.next_after(exercise)
                if following:
                    return following
                note = "All exercises are done."

    def _show(self, exercise: Exercise, checked: Checked | None, note: str, hints: int) -> Checked:
        console = self.console
        console.clear()
        console.print(Text(f"{exercise.number}. {exercise.title}", "bold"), end="")
        console.print(Text(f"   {visible(str(self.practice.path(exercise)))}", "dim"), soft_wrap=True)
        console.print(Text(f"\n{exercise.statement}\n"), soft_wrap=True)
        if checked is None:
            try:
                checked = _checked(self.practice, exercise)
            except OSError as error:  # it may be there again in a moment
                checked = Checked((), in_one_line(error))
        _print_checked(self.practice, exercise, checked, console)
        for i, hint in enumerate(exercise.hints[:hints], 1):
            console.print()
            _print_paragraph(console, f"Hint {i} of 3: {hint}", style="italic")
        if note:
            console.print(f"\n{note}")
        console.print(Text(f"\n{KEYS}", "dim"))
        return checked


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """What changes when a file is saved; None while it is not there, as between the two halves of a save."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
