"""Running the tests of an exercise beside a learner's code, in this process."""

from __future__ import annotations

import builtins
import io
import linecache
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from types import CodeType
from typing import Any, Final, NamedTuple

from . import helpers

HELPERS: Final = {name: getattr(helpers, name) for name in ("close", "answer", "show", "watch")}
MOST: Final = 4000
"""So many characters of what was printed are kept."""


class Result(NamedTuple):
    """How one test ended.

    Attributes:
        test: what it tests, in words.
        passed: whether it passed.
        message: why not.
        printed: what was printed meanwhile, with the first test what was printed before.
    """

    test: str
    passed: bool
    message: str = ""
    printed: str = ""


def check(tests: str, source: str, file: str = "your file") -> list[Result]:
    """Run every test beside the code; a test passes if it does not raise.

    Args:
        tests: functions `test_…`; they see what the code has defined, and the helpers.
        source: the learner's code.
        file: what it is called in messages.

    >>> check("def test_a(): close(a, 2, 'a')", "a = 1 + 2")
    [Result(test='a', passed=False, message='a is 3, and should be 2.', printed='')]
    """
    names: dict[str, Any] = {"__name__": "learner", "__file__": file}
    with _printed() as first:
        problem = _run(source, file, names)
    if problem:
        return [Result("your file runs", False, problem, _cut(first))]
    seen = {name: thing for name, thing in names.items() if not hasattr(builtins, name)}
    found = seen | HELPERS
    exec(compile(tests, "tests", "exec"), found)  # noqa: S102  # the tests of an exercise, beside the learner's code
    results: list[Result] = []
    for name, function in found.items():
        if name.startswith("test_") and getattr(function, "__code__", _NONE).co_filename == "tests":
            with _printed() as printed:
                problem = _told(function, file)
            text = _cut(first) * (not results) + _cut(printed)
            results.append(Result(name[5:].replace("_", " "), not problem, problem, text))
    return results


def rows(tests: str, source: str, file: str) -> list[tuple[Any, ...]]:
    """`check` as plain data, for another process."""
    return [tuple(result) for result in check(tests, source, file)]


_NONE: Final[CodeType] = compile("", "", "exec")


def _run(source: str, file: str, names: dict[str, Any]) -> str:
    """Run the learner's code in `names`; what went wrong, or ""."""
    try:
        compiled = compile(source, file, "exec")
    except SyntaxError as error:
        return f"Python cannot read it: {error.msg}" + f" (line {error.lineno})" * bool(error.lineno)
    except ValueError as error:  # NUL
        return f"Python cannot read it: {error}"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    return _told(lambda: exec(compiled, names), file)  # noqa: S102  # that is what it was written for


def _told(function: Any, file: str) -> str:
    """Call it; what it raised, in one sentence, with the learner's line; or ""."""
    try:
        function()
    except AssertionError as error:
        if str(error) and not _line(error, file):
            return str(error)
        return f"AssertionError: {error or 'a check failed'}{_line(error, file)}"
    except NameError as error:
        line = _line(error, file)
        return f"NameError: {error}{line}" if line else f"your file does not define {error.name}"
    except RecursionError as error:
        return f"RecursionError: a function calls itself without end, or too deeply{_line(error, file)}"
    except (Exception, SystemExit) as error:
        return f"{type(error).__name__}{f': {error}' if str(error) else ''}{_line(error, file)}"
    return ""


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
