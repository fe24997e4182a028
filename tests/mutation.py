"""Plants small bugs in a copy of glassgrad, one at a time, and counts how many the tests notice.

A bug is a swapped operator or comparison, a constant off by one, a lost `not` or sign, swapped arguments, a call left
out. Each is tried against the tests of its folder (see `TESTS`); the score is the share of bugs that some test notices.
Some bugs change nothing that anybody could notice, so 100 % is not the goal: read the survivors.

The known tools do not fit the way the folders are installed: mutmut names a module by its path (`engine.core.record`),
which nothing imports, and cosmic-ray edits the checkout, which is not what the tests import either.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
PACKAGES = {"engine/_root": "", "engine": "engine", "nn": "nn", "viz": "viz"}
"""Where each folder lies in the package, as in pyproject.toml."""
TESTS = {
    "engine/compiler": ["tests/compiler", "tests/nn/test_training.py"],
    "engine/lab": ["tests/lab", "tests/cli/test_break.py"],
    "engine": ["tests/engine", "tests/viz/test_step_function.py", "tests/nn/test_modules.py"],
    "nn/sklearn.py": ["tests/nn/test_sklearn_estimators.py"],
    "nn": ["tests/nn", "--ignore=tests/nn/test_sklearn_estimators.py"],
    "viz/cli": ["tests/cli", "tests/nn/test_train_command.py", "tests/compiler/test_compile_command.py", "tests/viz"],
    "viz": ["tests/viz", "tests/cli"],
}
"""The tests that a bug in a file or folder is tried against: those of the first entry that the path begins with."""

EXAMPLES = """\
examples:
  python tests/mutation.py engine/core                     every bug in one folder
  python tests/mutation.py nn viz --sample 40 --seed 7     40 of them, drawn by a seed
  python tests/mutation.py engine/core/backward.py --list  only show them
"""


class Bug(NamedTuple):
    """One change of a file: the bytes from `start` to `end` become `new`."""

    path: Path
    line: int
    start: int
    end: int
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}  {self.old}  →  {self.new}"


ARITHMETIC = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
COMPARISONS = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
OTHER_NAME = {"min": "max", "max": "min", "any": "all", "all": "any"}


def changed(node: ast.AST) -> Iterator[ast.AST]:
    """What may stand in place of `node`, each with one bug."""
    if isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
        yield ast.BinOp(node.left, ARITHMETIC[type(node.op)](), node.right)
    elif isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARISONS:
        yield ast.Compare(node.left, [COMPARISONS[type(node.ops[0])](), *node.ops[1:]], node.comparators)
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub)):
        yield node.operand
    elif isinstance(node, ast.IfExp):
        yield ast.IfExp(node.test, node.orelse, node.body)
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        yield ast.Constant(node.value + 1)
    elif isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id in OTHER_NAME:
            yield ast.Call(ast.Name(OTHER_NAME[node.func.id]), node.args, node.keywords)
        plain = not any(isinstance(argument, ast.Starred) for argument in node.args)
        plain &= ast.unparse(node.func) not in OTHER_NAME  # their order is no matter
        if len(node.args) >= 2 and plain and ast.dump(node.args[0]) != ast.dump(node.args[1]):
            yield ast.Call(node.func, [node.args[1], node.args[0], *node.args[2:]], node.keywords)
    elif isinstance(node, (ast.Expr, ast.AugAssign)) and not isinstance(node.value, (ast.Constant, ast.Yield)):
        yield ast.Pass()
    elif isinstance(node, ast.Continue):
        yield ast.Break()


UNRUN = (ast.JoinedStr, ast.arg, ast.Raise, ast.Assert)
"""Not looked into: annotations, texts, messages, and what states what is so anyway."""


def places(node: ast.AST) -> Iterator[ast.AST]:
    """`node` and everything below it that runs."""
    yield node
    for name, child in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        for inner in child if isinstance(child, list) else [child]:
            if not isinstance(inner, ast.AST) or isinstance(inner, UNRUN):
                continue
            if isinstance(inner, ast.If) and "TYPE_CHECKING" in ast.dump(inner.test):
                continue
            yield from places(inner)


def bugs_in(path: Path) -> list[Bug]:
    """Every bug that can be planted in a file, in order; `path` is relative to the checkout."""
    source = (ROOT / path).read_bytes()
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found = []
    for node in places(ast.parse(source)):
        for new in changed(node):
            start = starts[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined]  # each kind has a place
            end = starts[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined]  # as above
            text = ast.unparse(ast.fix_missing_locations(new))
            text = f"({text})" if isinstance(new, ast.expr) and not isinstance(new, (ast.Constant, ast.Call)) else text
            old = " ".join(source[start:end].decode().split())
            found.append(Bug(path, node.lineno, start, end, old, text))  # type: ignore[attr-defined]  # as above
    return found


def files(given: Sequence[str]) -> list[Path]:
    """The Python files below the given paths, relative to the checkout."""
    found = []
    for text in given:
        path = (Path.cwd() / text).resolve()
        if not path.exists() or not path.is_relative_to(ROOT) or path.relative_to(ROOT).parts[0] not in PACKAGES:
            raise SystemExit(f"mutation.py: error: {text!r} is no file or folder in engine/, nn/ or viz/")
        found += sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return [path.relative_to(ROOT) for path in dict.fromkeys(found)]


def tests_of(path: Path) -> list[str]:
    """What to run for a bug in `path`: its own doctests first, then the tests of its folder."""
    return [module(path), *next(tests for start, tests in TESTS.items() if path.as_posix().startswith(start))]


def inside(path: Path) -> Path:
    """Where a file of the checkout lies in the package."""
    start = next(start for start in PACKAGES if path.as_posix().startswith(f"{start}/"))
    return Path("glassgrad", PACKAGES[start], path.relative_to(start))


def module(path: Path) -> str:
    """The dotted name that a file is imported by."""
    return ".".join(inside(path).with_suffix("").parts).removesuffix(".__init__")


class Copy:
    """A copy of the package in a temporary folder, to plant bugs in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for path in files([str(ROOT / top) for top in PACKAGES]):
            target = folder / inside(path)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, target)
        shutil.copytree(ROOT / "viz/walk/assets", folder / "glassgrad/viz/walk/assets")

    def run(self, tests: Sequence[str], limit: float | None = None) -> tuple[str, float]:
        """`"noticed"`, `"survived"` or `"time limit"`, and the seconds it took."""
        started = time.monotonic()
        environment = {
            **os.environ,
            "PYTHONPATH": str(self.folder),
            "PYTHONDONTWRITEBYTECODE": "1",
            "MPLBACKEND": "Agg",
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-m", "not browser", *tests],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            process.wait(limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # with the processes that its tests have started
            process.wait()
            return "time limit", time.monotonic() - started
        return "survived" if process.returncode == 0 else "noticed", time.monotonic() - started

    def plant(self, bug: Bug, limit: float) -> tuple[str, float]:
        """`run` with the bug in place, and the file as it was afterwards."""
        target = self.folder / inside(bug.path)
        source = target.read_bytes()
        try:
            target.write_bytes(source[: bug.start] + bug.new.encode() + source[bug.end :])
            return self.run(tests_of(bug.path), limit)
        finally:
            target.write_bytes(source)


def main() -> int:
    """Exit status: 0, or 1 below `--minimum`, or 2 if the tests fail without any bug."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").split("\n\n")[0],
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "paths", nargs="*", default=[str(ROOT / top) for top in PACKAGES], help="files or folders (all unless given)"
    )
    parser.add_argument("--sample", type=int, metavar="N", help="so many bugs, drawn at random")
    parser.add_argument("--seed", type=int, default=0, help="for the sample (0 unless given)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="bugs tried at the same time")
    parser.add_argument("--minimum", type=float, default=0.0, metavar="PERCENT", help="fail below this score")
    parser.add_argument("--summary", type=Path, metavar="FILE", help="append score and survivors as Markdown")
    parser.add_argument("--list", action="store_true", help="show the bugs and end")
    given = parser.parse_args()
    bugs = [bug for path in files(given.paths) for bug in bugs_in(path)]
    if given.sample is not None and given.sample < len(bugs):
        bugs = sorted(random.Random(given.seed).sample(bugs, given.sample))
    if given.list or not bugs:
        print(*bugs, f"{len(bugs)} bugs", sep="\n")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        return try_all(bugs, Path(folder), given)


def try_all(bugs: Sequence[Bug], folder: Path, given: argparse.Namespace) -> int:
    """Plant every bug, tell what became of it, and the score."""
    copies: Queue[Copy] = Queue()
    for job in range(given.jobs):
        copies.put(Copy(folder / str(job)))
    limits: dict[str, float] = {}
    for path in dict.fromkeys(bug.path for bug in bugs):
        key = " ".join(tests_of(path)[1:])
        if key not in limits:
            print(f"without a bug: {key}", end=" ", flush=True)
            copy = copies.get()
            state, seconds = copy.run(tests_of(path))
            copies.put(copy)
            print(f"{seconds:.0f} s", flush=True)
            if state != "survived":
                print("mutation.py: error: these tests fail without a bug", file=sys.stderr)
                return 2
            limits[key] = 2 * given.jobs * seconds + 20
    done, lock = 0, threading.Lock()

    def one(bug: Bug) -> str:
        nonlocal done
        copy = copies.get()
        state, seconds = copy.plant(bug, limits[" ".join(tests_of(bug.path)[1:])])
        copies.put(copy)
        with lock:
            done += 1
            print(f"[{done}/{len(bugs)}] {state:<10} {seconds:5.1f} s  {bug}", flush=True)
        return state

    with ThreadPoolExecutor(given.jobs) as pool:
        states = list(pool.map(one, bugs))
    survivors = [bug for bug, state in zip(bugs, states) if state == "survived"]
    score = 100 * (1 - len(survivors) / len(bugs))
    head = f"{score:.1f} % of {len(bugs)} bugs noticed"
    print("", head, *(f"  survived: {bug}" for bug in survivors), sep="\n")
    if given.summary:
        with given.summary.open("a", encoding="utf-8") as file:
            again = f"seed {given.seed}" if given.sample else "all of them"
            print(f"## {head} ({again})\n", *(f"- `{bug}`" for bug in survivors), sep="\n", file=file)
    return int(score < given.minimum)


if __name__ == "__main__":
    sys.exit(main())
