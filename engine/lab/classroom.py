"""Exercises in a class: answers graded, with hidden tests and numbers of each student's own; exercises exported."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from ..shown import clipped, few, visible
from .check import Result, listed_tests, title
from .exercise_file import Exercise
from .helpers import HELPERS, numbers_for
from .testing import NOT_RUN, Outcome, run

FORMATS: Final = ("pytest", "otter")
_IMPORT = f"from glassgrad.engine.lab.helpers import {', '.join(sorted(HELPERS))}"


@dataclass(frozen=True, repr=False)
class Answer:
    """What came of a student's answer; printed, it is a text.

    Attributes:
        file: the name of the student's.
        name: of the exercise, or of the tests.
        results: one for each test, which has its name in words.
        ended: how the file ended: see `Outcome`.
        reason: more about it.
        output: what the file printed, cut.
        open_doors: what the system could not forbid the file.
    """

    file: str
    name: str
    results: tuple[Result, ...]
    ended: str
    reason: str
    output: str
    open_doors: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether there were tests, and all passed."""
        return bool(self.results) and not self.wrong

    @property
    def right(self) -> int:
        """How many tests passed."""
        return sum(result.passed for result in self.results)

    @property
    def wrong(self) -> list[str]:
        """The tests that failed."""
        return [result.name for result in self.results if not result.passed]

    @property
    def score(self) -> float:
        """The share of tests that passed, from 0 to 1."""
        return self.right / len(self.results) if self.results else 0.0

    @property
    def summary(self) -> dict[str, str]:
        """A row of the table of a class."""
        stopped = next((one.message.removeprefix(NOT_RUN) for one in self._not_run()), "")
        return {
            "of": self.name,
            "ok": "yes" if self.ok else "no",
            "score": f"{self.score:.2f}",
            "right": str(self.right),
            "wrong": str(len(self.wrong)),
            "first fault": clipped(stopped or "".join(self.wrong[:1])),
        }

    def _not_run(self) -> list[Result]:
        return [result for result in self.results if result.message.startswith(NOT_RUN)]

    def __str__(self) -> str:
        """What is wrong with several tests is said once."""
        count = f"{self.right} of {len(self.results)} tests of {visible(self.name)} right"
        lines, missing = [f"{visible(self.file)}: {'ok' if self.ok else 'NOT OK'}: {count}"], self._not_run()
        for message in dict.fromkeys(result.message for result in missing):
            names = [result.name for result in missing if result.message == message]
            lines += [f"WRONG  {message.removeprefix(NOT_RUN)}", f"       not run: {few(names, 99)}"]
        for result in self.results:
            if result not in missing:
                lines += [f"{'right' if result.passed else 'WRONG'}  {visible(result.name)}"]
                lines += [f"       {result.message}"] if f"       {result.message}" not in [*lines, " " * 7] else []
        return "\n".join([*lines, *(f"could not be forbidden: {door}" for door in self.open_doors)])

    __repr__ = __str__

    def as_json(self) -> dict[str, Any]:
        """All of it as plain data."""
        told = {"of": self.name, "ok": self.ok, "score": round(self.score, 4), "ended": self.ended}
        tests = [{"name": one.name, "passed": one.passed, "message": one.message} for one in self.results]
        return {**told, "tests": tests, "output": self.output, "could not be forbidden": list(self.open_doors)}


def grade_answer(
    file: str | Path,
    name: str,
    tests: Sequence[str],
    *,
    student: str = "",
    seconds: float = 10.0,
    megabytes: int = 512,
    own: bool = False,
) -> Answer:
    """Run tests on a student's file, in a process of its own.

    Args:
        file: a Python file that needs no other beside it.
        name: what the tests are about.
        tests: texts with functions `test_…()`; besides what `run` says they find the helpers of exercises and `draw`.
        student: whose numbers `draw` gives: see `numbers_for`.
        seconds: for each of the texts.
        megabytes: of memory.
        own: whether the file is to do without glassgrad, which it cannot import then; see `works_with_glassgrad`.

    Raises:
        OSError: if the file cannot be read, or this system starts no processes.
        SyntaxError: if a text is no Python, or a test of it would not be run.
        ValueError: if there are no texts.
    """
    if not tests:
        raise ValueError(f"no tests were given for {name}: a list of texts with functions test_…() is needed")
    outcomes = [
        run(file, text, seconds=seconds, megabytes=megabytes, names={**HELPERS, "draw": numbers_for(student)}, own=own)
        for text in tests
    ]
    worst: Outcome = next((one for one in outcomes if one.ended != "finished"), outcomes[0])
    results = tuple(replace(result, name=title(result.name)) for one in outcomes for result in one.results)
    return Answer(Path(file).name, name, results, worst.ended, worst.reason, worst.output, worst.open_doors)


def works_with_glassgrad(texts: Iterable[str]) -> bool:
    """Whether a start or tests import glassgrad: then a student's file may do so, too.

    >>> works_with_glassgrad(["x = 1", "import glassgrad as gg"]), works_with_glassgrad(["# like glassgrad"])
    (True, False)
    """
    return any(re.search(r"(?m)^\s*(import|from) glassgrad\b", text) for text in texts)


def hidden_tests(folder: Path, exercise: Exercise | None) -> list[str]:
    """The tests of a teacher's folder.

    Args:
        folder: it has `fork.py` or `10_fork.py` for the exercise fork; without an exercise all `test_….py` count.

    Raises:
        LookupError: if there are none.
        OSError, UnicodeDecodeError, SyntaxError: if they cannot be read.
    """
    names = (f"{exercise.name}.py", exercise.file) if exercise else ("test_*.py",)
    found = sorted(path for name in names for path in folder.glob(name))
    if not found:
        raise LookupError(f"{folder} has no tests: a file {' or '.join(names)} with functions test_…() is needed")
    texts = [path.read_text(encoding="utf-8") for path in found]
    for path, text in zip(found, texts):
        if not listed_tests(ast.parse(text, str(path)), str(path)):
            raise LookupError(f"{path} has no tests: functions test_…() are needed")
    return texts


# -- exports -------------------------------------------------------------------------------------------------


def exported(exercise: Exercise, form: str) -> str:
    """An exercise for other programs: the text of a file.

    Args:
        form: "pytest", tests that lie beside the answer, or "otter", a notebook for `otter assign`.
    """
    return _pytest(exercise) if form == "pytest" else _otter(exercise)


def _pytest(exercise: Exercise) -> str:
    return f'''\
"""{exercise.number}. {exercise.title}

The tests of {exercise.file}, which lies beside this file: pytest test_{exercise.file}
"""

import builtins
import runpy
from pathlib import Path

ANSWER = Path(__file__).with_name("{exercise.file}")
globals().update(
    (name, one)
    for name, one in runpy.run_path(str(ANSWER)).items()
    if not name.startswith(("__", "test")) and not hasattr(builtins, name)
)

{_IMPORT}

{exercise.tests.strip()}
'''


def _otter(exercise: Exercise) -> str:
    """A notebook with one question; each test is a cell of its own, and silent where the answer is right."""
    tests = ast.parse(exercise.tests)
    named = listed_tests(tests)
    before = "\n".join(ast.unparse(one) for one in tests.body if one not in named)
    head = f"import contextlib, io\n{_IMPORT}\n{before}"
    start = exercise.start.strip().replace('"""', "'''")
    solution = (
        f'""" # BEGIN PROMPT\n{start}\n""" # END PROMPT\n'
        f"# BEGIN SOLUTION NO PROMPT\n{exercise.solution.strip()}\n# END SOLUTION"
    )
    question = f"# BEGIN QUESTION\nname: {exercise.name}\npoints: {len(named)}"
    cells = [
        _cell("raw", f"# ASSIGNMENT CONFIG\nname: {exercise.name}\nenvironment: false"),
        _cell("raw", question),
        _cell("markdown", f"## {exercise.title}\n\n{exercise.statement}"),
        _cell("raw", "# BEGIN SOLUTION"),
        _cell("code", solution),
        _cell("raw", "# END SOLUTION"),
        _cell("raw", "# BEGIN TESTS"),
        *(
            _cell(
                "code",
                f"{head}\n{ast.unparse(one)}\nwith contextlib.redirect_stdout(io.StringIO()):\n    {one.name}()",
            )
            for one in named
        ),
        _cell("raw", "# END TESTS"),
        _cell("raw", "# END QUESTION"),
    ]
    python = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = {"cells": cells, "metadata": {"kernelspec": python}, "nbformat": 4, "nbformat_minor": 4}
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def _cell(kind: str, source: str) -> dict[str, Any]:
    more: dict[str, Any] = {"execution_count": None, "outputs": []} if kind == "code" else {}
    return {"cell_type": kind, "metadata": {}, **more, "source": source.splitlines(keepends=True)}
