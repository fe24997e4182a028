"""`glassgrad grade`: files of students, each in a process of its own, through the battery of the lab."""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from ...engine.lab.classroom import FORMATS, Answer, exported, grade_answer, hidden_tests, works_with_glassgrad
from ...engine.lab.exercise_file import Exercise, find
from ...engine.lab.grade_judge import grade_file
from ...engine.lab.grade_report import Grade
from ...engine.lab.sandbox import end_all
from ...engine.shown import clipped, counted, few, visible
from ...engine.table import Table
from ...engine.writing import check_writable, write_file
from .errors import CommandError, in_one_line

EXAMPLES = """\
examples:
  glassgrad grade my_engine.py                      # what is right, what is wrong, and why it matters
  glassgrad grade class/*.py --csv points.csv       # a row for each file
  glassgrad grade anna.py --class Scalar --json     # for another program
  glassgrad grade fork/*.py --exercise fork         # answers to an exercise (glassgrad learn lists them)
  glassgrad grade fork/*.py --exercise fork --tests hidden/ --seed-from name
  glassgrad grade --exercise fork --export pytest -o test_10_fork.py

hidden/fork.py has functions test_...() with asserts on the names of the student's file. In them draw(1, 9) is a whole
number, for each student another; gg.lab.numbers_for("anna") gives the same ones for the task that Anna gets.
Each file runs in a process of its own, with limits on time and memory, in a temporary folder; on Linux without
network. glassgrad itself is out of its reach, unless the start of the exercise or a test imports it.
What a system cannot forbid is reported. Run it as a user who owns little: it is a fence, not a jail.
Exit status 0 if every file is ok, 1 if one is not, 2 for a mistake in the command. A file is ok if the engine works:
the basics that it has are right, + and * are there, and no function is wrong. Finer points (a second backward(), a ** 0
at 0, a chain of 1000, ...) are reported, and change neither. The score is the share of the basics, the same ones for
everybody: what is not there, or could not be judged, counts as not right."""
PATIENCE = 1.2
"""Seconds after which it is said what is still running."""
TEXTS = {"file", "of", "ok", "first fault"}
"""Columns of the table that are no numbers."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    parser.description = (
        "Put the class of Values in each file through a battery of small programs, and report what it gets right,\n"
        "where it fails, with the smallest program that shows it, and why that matters. What it lacks is no fault."
    )
    parser.epilog = EXAMPLES
    add = parser.add_argument
    add("files", nargs="*", type=Path, metavar="FILE", help="a Python file that needs no other beside it")
    add("--class", dest="name", metavar="NAME", help="the class (by default the only one with + or *, or Value)")
    add("--exercise", metavar="NAME", help="grade answers to this exercise, by its name or number")
    add(
        "--tests", type=Path, metavar="FOLDER", help="tests of your own, hidden from students: EXERCISE.py or test_*.py"
    )
    add(
        "--seed-from", choices=("name", "folder"), help="draw the numbers of hidden tests by each file's name or folder"
    )
    add("--export", choices=FORMATS, help="write the exercise as a test file for pytest, a notebook for otter assign")
    add("-o", "--output", type=Path, metavar="FILE", help="where to (by default it is printed)")
    add("--json", action="store_true", help="print all of it as JSON: a list with an object for each file")
    add("--csv", type=Path, metavar="FILE", help="write a row for each file")
    add("--seconds", type=_positive, default=10.0, metavar="N", help="for each file (10)")
    add("--memory", type=_positive, default=512.0, metavar="MB", help="for each file (512)")


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < 1e6:
        raise argparse.ArgumentTypeError(f"must be a number above 0 and below a million, got {text.strip()!r}")
    return number


def run(options: argparse.Namespace) -> int:
    """Grade, and print the reports; or export an exercise."""
    exercise = _exercise(options)
    if options.export:
        return _export(options, exercise)
    if options.output:
        raise CommandError("-o goes with --export; --csv FILE writes a row for each file")
    if not options.files:
        raise CommandError("name at least one FILE to grade")
    for path in options.files:
        if not path.is_file():
            raise CommandError(f"{path}: there is no such file" if not path.exists() else f"{path} is no file")
    try:
        if options.csv:
            check_writable(options.csv)
        grades = _graded(options, exercise)
        if options.csv:
            write_file(options.csv, _csv(options.files, grades))
    except (OSError, LookupError, SyntaxError, UnicodeDecodeError) as error:
        raise CommandError(in_one_line(error)) from None
    if options.json:
        listed = [{"file": str(path), **grade.as_json()} for path, grade in zip(options.files, grades)]
        print(json.dumps(listed, indent=1))
    else:
        _print(options.files, grades)
    return 0 if all(grade.ok for grade in grades) else 1


def _exercise(options: argparse.Namespace) -> Exercise | None:
    try:
        return find(options.exercise) if options.exercise else None
    except ValueError as error:
        raise CommandError(str(error)) from None


def _export(options: argparse.Namespace, exercise: Exercise | None) -> int:
    if exercise is None or options.files:
        raise CommandError("--export takes an exercise and no files: glassgrad grade --exercise fork --export pytest")
    text = exported(exercise, options.export)
    try:
        if options.output:
            write_file(options.output, text)
        else:
            print(text, end="")
    except OSError as error:
        raise CommandError(in_one_line(error)) from None
    return 0


def _graded(options: argparse.Namespace, exercise: Exercise | None) -> list[Grade | Answer]:
    """A grade for each file, in order; as many at once as there are processors."""
    tests = [exercise.tests] if exercise else []
    tests += hidden_tests(options.tests, exercise) if options.tests else []
    about = exercise.name if exercise else str(options.tests)
    own = not works_with_glassgrad([*tests, *([exercise.start] if exercise else [])])
    limits = {"seconds": options.seconds, "megabytes": int(options.memory)}
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

    def one(path: Path) -> Grade | Answer:
        if not tests:
            return grade_file(path, options.name, **limits)
        whole = path.resolve()
        student = {"name": whole.stem, "folder": whole.parent.name}.get(options.seed_from, "")
        return grade_answer(path, about, tests, student=student, own=own, **limits)

    with ThreadPoolExecutor(min(cores, 8)) as pool:
        running = {pool.submit(one, path): path for path in options.files}
        try:
            _wait(running)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            end_all()
            raise
        return [each.result() for each in running]


def _wait(running: Mapping[Future[Any], Path]) -> None:
    """Wait for all; where it takes long, a line on the terminal says how far it is."""
    begin, left, told = time.monotonic(), set(running), ""
    while left:
        left = wait(left, timeout=0.4).not_done
        seconds = time.monotonic() - begin
        if left and seconds > PATIENCE and sys.stderr.isatty():
            names = few([path.name for future, path in running.items() if future.running()], 3)
            done = f"{len(running) - len(left)} of {counted(len(running), 'file')}"
            told = f"graded {done}, {seconds:.0f} s, still running: {names}"
            line = clipped(told, shutil.get_terminal_size().columns - 1)
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
    if told:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _print(files: Sequence[Path], grades: Sequence[Grade | Answer]) -> None:
    for path, grade in zip(files, grades):
        print(f"== {visible(str(path))}\n{grade}\n")
    if len(grades) > 1:
        rows = [_summary(path, grade) for path, grade in zip(files, grades)]
        passed = sum(grade.ok for grade in grades)
        below = f"{passed} of {counted(len(grades), 'file')} ok"
        numbers = {k for k, name in enumerate(rows[0]) if name not in TEXTS}
        print(Table(list(rows[0]), [list(row.values()) for row in rows], numbers, below=below).text())


def _summary(path: Path, grade: Grade | Answer) -> dict[str, str]:
    return {"file": visible(str(path)), **{name: visible(cell) for name, cell in grade.summary.items()}}


def _csv(files: Sequence[Path], grades: Sequence[Grade | Answer]) -> str:
    """The rows for a class; a cell that a spreadsheet would take for a formula begins with an apostrophe."""
    target = io.StringIO()
    writer = csv.writer(target)
    rows = [_summary(path, grade) for path, grade in zip(files, grades)]
    writer.writerow(rows[0])
    for row in rows:
        writer.writerow(f"'{cell}" if cell[:1] in ("=", "+", "-", "@") else cell for cell in row.values())
    return target.getvalue()
