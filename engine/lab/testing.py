"""Tests of a learner's file: plain functions `test_…()` with asserts, run outside of the file's process."""

from __future__ import annotations

import ast
import builtins
import operator
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from ..shown import clipped, visible
from .check import STILL_OPEN, Result, listed_tests, still_open
from .sandbox import Ended, Student
from .sandbox_child import BESIDE
from .sandbox_objects import RemoteError

_COMPARED: Final[dict[str, tuple[str, Callable[[Any, Any], Any]]]] = {
    "Eq": ("", operator.eq),
    "NotEq": ("other than ", operator.ne),
    "Lt": ("less than ", operator.lt),
    "LtE": ("at most ", operator.le),
    "Gt": ("more than ", operator.gt),
    "GtE": ("at least ", operator.ge),
    "Is": ("", operator.is_),
    "IsNot": ("other than ", operator.is_not),
    "In": ("one of ", lambda one, many: one in many),
    "NotIn": ("none of ", lambda one, many: one not in many),
}
NOT_RUN: Final = "not run: "
"""So begins the message of a test before which the file was stopped."""


@dataclass(frozen=True)
class Outcome:
    """What came of a file.

    Attributes:
        ended: "finished", "timed out", "out of memory", "crashed", "raised" (when it was loaded) or "exited".
        reason: more about it, in a line; "" if it finished.
        results: one for each test.
        output: what the file printed, cut.
        open_doors: what this system could not forbid the file, each in words.
        seconds: how long it took.
    """

    ended: str
    reason: str
    results: tuple[Result, ...]
    output: str
    open_doors: tuple[str, ...]
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether there were tests, and all passed."""
        return bool(self.results) and all(result.passed for result in self.results)


def run(
    file: str | Path,
    tests: str,
    *,
    seconds: float = 10.0,
    megabytes: int = 512,
    names: Mapping[str, Any] | None = None,
    own: bool = False,
) -> Outcome:
    """Run a learner's file in a process of its own, and the tests on it from outside.

    Args:
        file: a Python file that needs no other beside it.
        tests: Python text with functions `test_…()`. They find the names of the file, but for those that Python itself
            has, and compare plain data: numbers, text, lists of them; `import glassgrad` gives that of the file's
            process. Objects of the file can be used, but not compared: `assert y.data == 4`, not `assert y == 4`.
        seconds: for all together; a test that does not end is stopped after half of what is left. One that ends the
            process, or is stopped, does not end the others.
        megabytes: of memory.
        names: plain data and functions that the tests find, too.
        own: whether the file is to do without glassgrad, which it cannot import then: see `Student`.

    Raises:
        SyntaxError: if the tests are no Python, or one of them would not be run: see `listed_tests`.
        OSError: if the file cannot be read, or this system starts no processes.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "answer.py")
    ...     _ = file.write_text("def slope(x): return 3 * x")
    ...     outcome = run(file, "def test_slope_of_x_squared():\\n    assert slope(3.0) == 6.0")
    >>> outcome.ended, outcome.results[0].message
    ('finished', 'slope(3.0) gives 9.0, expected 6.0')
    """
    tree = ast.fix_missing_locations(_Telling().visit(ast.parse(tests)))
    code = compile(tree, "tests", "exec")
    found = [test.name for test in listed_tests(tree)]
    name, begin = Path(file).name, time.monotonic()
    done: list[Result] = []
    ended, reason, output, spent = "", "", "", 0.0
    doors: tuple[str, ...] = ()
    while len(done) < len(found) or not ended:
        loaded = False
        with Student(file, seconds=seconds - spent, megabytes=megabytes, own=own) as student:
            doors, ready = student.open_doors, time.monotonic()
            try:
                space = _space(student, names or {})
                loaded = True
                wrong = _problem(lambda: exec(code, space), name)  # noqa: S102,B023  # the teacher's, and at once
                if wrong is not None:
                    done = [Result(test, False, wrong) for test in found or ["the tests"]]
                while len(done) < len(found):
                    student.allow(max(1.0, (seconds - spent - time.monotonic() + ready) / 2))
                    wrong = _problem(space[found[len(done)]], name)
                    done.append(Result(found[len(done)], wrong is None, wrong or ""))
                how, why = "finished", ""
            except RemoteError as error:
                how, why = "raised", error.told()
            except Ended as end:
                how, why = end.how, str(end)
            spent += time.monotonic() - ready
        ended, reason, output = (ended, reason, output) if reason else (how, why, student.output)
        if not loaded or how == "raised" or spent >= seconds:
            break
        if how != "finished":  # the next test gets a process of its own
            done.append(Result(found[len(done)], False, why))
    done += [Result(test, False, f"{NOT_RUN}{reason}") for test in found[len(done) :]]
    return Outcome(ended, reason, tuple(done), output, doors, time.monotonic() - begin)


def _space(student: Student, names: Mapping[str, Any]) -> dict[str, Any]:
    """What the tests find: the file's names, and Python's own, whatever the file calls by the same name."""

    def imported(name: str, *given: Any) -> Any:
        if name.partition(".")[0] != "glassgrad":
            return __import__(name, *given)
        fromlist = given[2] if len(given) > 2 else ()
        return student.ask("import", name if fromlist else "glassgrad")

    names = {name: partial(student.ask, name) if name in BESIDE else one for name, one in names.items()}
    mine = {name: one for name, one in student.load().items() if not hasattr(builtins, name)}
    own = {**vars(builtins), "__import__": imported}
    return {**mine, **names, "__builtins__": own, "__name__": "tests", "_compared": _compared, "_called": _called}


def _problem(function: Callable[[], Any], file: str) -> str | None:
    """What went wrong in a function of the tests, in one line; None if nothing did."""
    try:
        function()
    except RemoteError as error:
        if still_open(error.text):
            return f"{STILL_OPEN}{f' (line {error.lines[-1][0]})' if error.lines else ''}"
        return error.told() if error.lines or "AssertionError" not in error.kinds else visible(error.text)
    except AssertionError as error:
        return visible(str(error))
    except Exception as error:
        if type(error) is NameError:  # an UnboundLocalError is a mistake of the tests
            return visible(f"neither {file} nor the tests define {error.name}")
        return visible(clipped(f"{type(error).__name__}: {error}", 300))
    return None


class _Telling(ast.NodeTransformer):
    """Asserts that say what was got, and what was expected."""

    def visit_Assert(self, node: ast.Assert) -> ast.stmt:
        test, text = node.test, ast.unparse(node.test)
        if node.msg is not None:
            return node
        if isinstance(test, ast.Compare) and len(test.ops) == 1:
            left = ast.Constant(ast.unparse(test.left))
            kind = ast.Constant(type(test.ops[0]).__name__)
            told = _call("_compared", left, kind, test.left, test.comparators[0])
        elif isinstance(test, ast.Call):
            told = ast.Call(ast.Name("_called", ast.Load()), [ast.Constant(text), test.func, *test.args], test.keywords)
        else:
            node.msg = ast.Constant(f"this does not hold: {text}")
            return node
        return ast.copy_location(ast.Expr(told), node)


def _call(name: str, *given: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(given), [])


def _compared(text: str, kind: str, got: Any, expected: Any) -> None:
    words, holds = _COMPARED[kind]
    if not holds(got, expected):
        raise AssertionError(f"{text} gives {clipped(repr(got), 200)}, expected {words}{clipped(repr(expected), 200)}")


def _called(text: str, function: Callable[..., Any], *given: Any, **named: Any) -> None:
    if not function(*given, **named):
        shown = ", ".join(clipped(repr(one), 100) for one in given)
        raise AssertionError(f"this does not hold: {text}" + f", with {shown}" * bool(shown))
