"""Running the tests of an exercise beside a learner's code, in this process."""

from __future__ import annotations

import ast
import builtins
import io
import linecache
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import astuple, dataclass
from types import ModuleType
from typing import Any, Final, NamedTuple

from ..shown import clipped, visible
from .exercise_file import Exercise
from .helpers import HELPERS, numbers_for

MOST: Final = 4000
"""So many characters of what was printed are kept."""


@dataclass(frozen=True)
class Result:
    """How one test ended.

    Attributes:
        name: what it tests, in words.
        passed: whether it came to its end.
        message: if not, why.
        printed: what was printed meanwhile, with the first test what was printed before.
    """

    name: str
    passed: bool
    message: str = ""
    printed: str = ""


class Checked(NamedTuple):
    """How a learner's code did.

    Attributes:
        results: one for each test; none if the code did not come to its end.
        problem: what stopped it, or "".
    """

    results: tuple[Result, ...]
    problem: str = ""

    @property
    def ok(self) -> bool:
        """Whether all tests pass."""
        return bool(self.results) and all(result.passed for result in self.results)


def check(exercise: Exercise, source: str) -> Checked:
    """Run every test of an exercise beside the code; a test passes if it does not raise.

    Args:
        exercise: its tests, functions `test_…`, see what the code has defined, and `HELPERS`.
        source: the learner's code.

    >>> from glassgrad.engine.lab.exercise_file import exercises
    >>> check(exercises()[0], "slope_a, slope_b = -4, 5").results[1].message
    'slope_b is 5, which is not right.'
    """
    return checked(run(exercise.tests, source, exercise.file))


def checked(plain: tuple[str, list[tuple[Any, ...]]]) -> Checked:
    """What `run` found, here or in another process."""
    problem, rows = plain
    return Checked(tuple(Result(*row) for row in rows), problem)


def run(tests: str, source: str, file: str) -> tuple[str, list[tuple[Any, ...]]]:
    """`check` with plain data: what stopped the code, or ""; for each test the fields of its Result.

    The numbers that the tests draw are others for each code.
    """
    module = ModuleType("learner")
    sys.modules["learner"], names = module, vars(module)  # a dataclass looks for its module there
    names["__file__"] = file
    with _printed() as first:
        problem = _run(source, file, names)
    if problem:
        return problem, []
    seen = {name: thing for name, thing in names.items() if not hasattr(builtins, name)}
    found = {**seen, **HELPERS, "draw": numbers_for(source)}
    tree = ast.parse(tests)
    exec(compile(tree, "tests", "exec"), found)  # noqa: S102  # the tests of an exercise, beside the learner's code
    rows: list[tuple[Any, ...]] = []
    for test in listed_tests(tree):
        with _printed() as printed:
            problem = _told(found[test.name], file)
        text = _cut(first) * (not rows) + _cut(printed)
        rows.append(astuple(Result(title(test.name), not problem, problem, text)))
    return "", rows


def title(test: str) -> str:
    """What a test is called, from the name of its function.

    >>> title("test_a_plus_a")
    'a plus a'
    """
    return test.removeprefix("test").strip("_").replace("_", " ") or test


def listed_tests(tree: ast.Module, file: str = "tests") -> list[ast.FunctionDef]:
    """The tests of a text: its functions `test_…`, in order.

    Raises:
        SyntaxError: if something looks like a test, and would not be run.
    """
    found: dict[str, ast.FunctionDef] = {}
    for one in tree.body:
        inner = one.body if isinstance(one, ast.ClassDef) else [one]
        for test in inner:
            if isinstance(test, (ast.FunctionDef, ast.AsyncFunctionDef)) and test.name.startswith("test_"):
                if test is not one or isinstance(test, ast.AsyncFunctionDef) or test.name in found:
                    rule = "a test is a plain function test_…(), outside of classes, with a name of its own"
                    raise SyntaxError(f"{rule}; {test.name} is not", (file, test.lineno, None, None))
                found[test.name] = test
    return list(found.values())


def _run(source: str, file: str, names: dict[str, Any]) -> str:
    """Run the learner's code in `names`; what went wrong, or ""."""
    try:
        compiled = compile(source, file, "exec")
    except SyntaxError as error:
        line = (source.splitlines()[(error.lineno or 1) - 1 :] or [""])[0].strip()
        return f"Python cannot read {file}: {error.msg} (line {error.lineno or 1}: {clipped(visible(line))})"
    except ValueError as error:  # NUL
        return f"Python cannot read {file}: {error}"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    return _told(lambda: exec(compiled, names), file)  # noqa: S102  # that is what it was written for


def _told(function: Callable[[], Any], file: str) -> str:
    """Call it; what it raised, in one sentence, with the learner's line; or ""."""
    try:
        function()
    except AssertionError as error:
        if str(error) and not _line(error, file):
            return str(error)
        return f"AssertionError: {error or 'a check failed'}{_line(error, file)}"
    except NameError as error:
        line = _line(error, file)
        return f"NameError: {error}{line}" if line else f"your code does not define {error.name}"
    except RecursionError as error:
        return f"RecursionError: a function calls itself without end, or too deeply{_line(error, file)}"
    except (Exception, SystemExit) as error:
        if still_open(str(error)):
            return f"{STILL_OPEN}{_line(error, file)}"
        return f"{type(error).__name__}{f': {error}' if str(error) else ''}{_line(error, file)}"
    return ""


STILL_OPEN: Final = "The ... of the start is still there: write in its place what belongs there"


def still_open(text: str) -> bool:
    """Whether an error is that of a place in which nothing was written yet."""
    return "ellipsis" in text


def _line(error: BaseException, file: str) -> str:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f" (line {lines[-1]})" if lines else ""


@contextmanager
def _printed() -> Iterator[io.StringIO]:
    text = io.StringIO()
    with redirect_stdout(text):
        yield text


def _cut(printed: io.StringIO) -> str:
    text = printed.getvalue()
    return text if len(text) <= MOST else f"{text[:MOST]}…\n"
