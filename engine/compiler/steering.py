"""Stage 0: tracing a function, and finding what steers it by data: no fixed program does that, so it is refused.

What hands a number to Python code (`.data`, a dict lookup, an index) is refused where it happens. A comparison is
turned round, and an op that a `try` surrounds is made to fail: if another graph comes of it, data choose the path.
Last, the function is traced again on other numbers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from itertools import combinations
from typing import Any

import numpy as np

from ..core.value import Value, watched
from .calls import Calls
from .errors import CompileError
from .places import end_of, home, raised_on_purpose
from .run import CHOOSE, ENDLESS, Decision, Endless, Function, Key, Problem, Run
from .trace import Trace

MOVED, LARGE = 3, 50_000
"""How often the function is traced on other numbers, and from how many nodes on only once."""
AT_ONCE, NODES = 512, 200_000
"""How many comparisons are turned round one by one, and how many nodes may be traced for it beyond the first eight."""
LEAST = 8
COUNTED = 48
"""So many counts of comparisons that hold are tried out, and so many pairs turned round; of many comparisons more, half
as many as there are."""


_PATH = "the function takes another path for other data"


def traced(function: Function, arrays: Sequence[Any], params: Sequence[Value]) -> tuple[Trace, bool]:
    """The graph of a function that does the same for all data, and whether it returns a list.

    Raises:
        CompileError: if data steer it; the message begins with one line that says where.
    """
    with watched():
        return _traced(Problem(function, arrays, params))


def _traced(problem: Problem) -> tuple[Trace, bool]:
    seen = Calls()
    try:
        with seen.listening():
            first = Run(problem).trace()
    except TypeError as error:
        if not re.search(r"\bValue\b", str(error)):  # an error of the user's own
            raise CompileError(
                f"the function raises TypeError: {error}, at {end_of(error)}\n"
                "It must run before it can be compiled: call it on Values as in the example."
            ) from error
        raise CompileError(
            f"the function does not take Values: {error}, at {end_of(error)}\n"
            f"While it is traced, all arguments are Values. {CHOOSE}"
        ) from error
    except Endless:
        raise CompileError(f"the function compares Values more than {ENDLESS:,} times: does a loop not end?") from None
    limit = 4 * len(first.decisions) + 1000
    _refuse_calls(seen)
    _trace_again(problem, first, limit)
    _let_fail(problem, first, seen, limit)
    _turn_comparisons(problem, first, limit)
    _move(problem, first, limit)
    return first.columns, first.many


def _refuse_calls(seen: Calls) -> None:
    """Refuse random numbers, the clock, other threads, and an error that was caught."""
    drawn = seen.outside()
    if drawn:
        raise CompileError(f"{drawn[0]}, at {drawn[1]}\nIts numbers would be the same in each call. {CHOOSE}")
    if seen.failed is not None:
        raise CompileError(
            f"an error is caught and the function goes on, at {seen.failed}\n{_PATH.capitalize()}. {CHOOSE}"
        )


def _trace_again(problem: Problem, first: Run, limit: int) -> None:
    """On the same numbers the same graph must come."""
    second = Run(problem, limit=limit)
    try:
        second.trace()
    except CompileError:
        raise
    except Endless:
        raise _unsteady_error(problem) from None
    except Exception as error:
        raise _unsteady_error(problem, f" (now there is {type(error).__name__}: {error})") from error
    _unsteady(first, second)


def _let_fail(problem: Problem, first: Run, seen: Calls, limit: int) -> None:
    """Let each op fail that a `try` surrounds."""
    budget = LEAST * 8 + min(AT_ONCE, NODES // (1 + len(first.columns.code)))
    if len(seen.guarded) > budget:
        raise CompileError(
            f"the function has too much arithmetic in `try` and `with` blocks to follow, first at {_first(seen)}\n"
            "Put these blocks around the call of the function, not inside."
        )
    for at, there in seen.guarded.values():
        other = Run(problem, strict=False, limit=limit)
        with suppress(Exception, Endless), Calls(fail_at=at).listening():
            other.trace()
        if other.finished and not first.same_as(other):
            raise CompileError(
                f"an error would be caught and another path taken, at {there}\n"
                f"A program cannot do that: it raises DomainError where a number is not finite. {CHOOSE}"
            )


def _first(seen: Calls) -> str:
    return next(iter(seen.guarded.values()))[1]


def _unsteady(first: Run, second: Run) -> None:
    if not first.same_as(second) or [d[::2] for d in first.decisions] != [d[::2] for d in second.decisions]:
        raise _unsteady_error(first.problem)


def _unsteady_error(problem: Problem, more: str = "") -> CompileError:
    return CompileError(
        "the function gives another graph when it is traced again on the same numbers"
        f"{home(problem.function)}\n"
        "Something outside steers it: a counter, a list or iterator that it uses up, random numbers, the time. "
        f"Hand it in as an argument.{more}"
    )


def _turn_comparisons(problem: Problem, first: Run, limit: int) -> None:
    """Turn comparisons round: one by one, two by two, all at one place, all, as many as any count of them takes; and
    those that only then come to light."""
    count, keys = len(first.decisions), list(dict.fromkeys(d.key for d in first.decisions))
    if not count:
        return
    budget = LEAST + min(AT_ONCE, NODES // (1 + len(first.columns.code)))
    if len(keys) > budget:
        raise CompileError(
            f"the function compares Values at {len(keys)} places, too many to try out, first at "
            f"{first.decisions[0].where}\n{CHOOSE}"
        )
    none: frozenset[Any] = frozenset()
    todo: list[tuple[frozenset[int], frozenset[Key]]] = [(none, frozenset({key})) for key in keys if count > len(keys)]
    todo += [(frozenset({i}), none) for i in _spread(range(count), budget)]
    several = min(budget, max(COUNTED, count // 2))
    todo += [(some, none) for some in _counted(first.decisions, several)]
    todo += [(frozenset(two), none) for two in _spread(list(combinations(range(min(count, budget)), 2)), several)]
    if len(keys) > 1:
        todo.append((none, frozenset(keys)))
    known, tried, beyond = set(keys), set(todo), list[tuple[frozenset[int], frozenset[Key]]]()
    for turned, places in todo:  # grows
        run = Run(problem, strict=False, limit=limit, turned=turned, places=places)
        there = next(d.where for i, d in enumerate(first.decisions) if i in turned or d.key in places)
        try:
            run.trace()
        except Endless:
            raise CompileError(f"{_PATH}, at {there}\nA loop ends by data. {CHOOSE}") from None
        except (Exception, SystemExit) as error:
            if not raised_on_purpose(error):
                raise CompileError(
                    f"{_PATH}, at {there}\nOn the other one there is {type(error).__name__}: {error}. {CHOOSE}"
                ) from None
            free = [i for i, d in enumerate(run.decisions) if i not in turned and d.key not in places]
            if free and free[-1] > min(turned, default=-1):  # there may be a way past what has raised
                beyond.append((turned | {free[-1]}, places))
        else:
            if not first.same_as(run):
                raise CompileError(f"{_PATH}, at {there}\n{CHOOSE}")
        for i, d in enumerate(run.decisions):
            if d.key not in known:
                known.add(d.key)
                beyond.append((turned | {i}, places))
        for one in beyond:
            if one not in tried:
                tried.add(one)
                todo.append(one)
        beyond.clear()
        if len(todo) > 4 * budget + several:
            raise CompileError(f"the function has too many paths to try out, first at {there}\n{CHOOSE}")


def _counted(decisions: Sequence[Decision], most: int) -> list[frozenset[int]]:
    """What to turn round so that the first k comparisons, at one place or of all, hold and the others do not: whoever
    counts how many hold comes by every number."""
    at: dict[Key | None, list[int]] = {None: list(range(len(decisions)))}
    for i, d in enumerate(decisions):
        at.setdefault(d.key, []).append(i)
    every = [(places, k) for places in at.values() for k in range(len(places) + 1)]
    found = {
        frozenset(i for j, i in enumerate(places) if decisions[i].outcome != (j < k))
        for places, k in _spread(every, most)
    }
    return sorted((some for some in found if len(some) > 1), key=sorted)


def _spread(items: Sequence[Any], most: int) -> list[Any]:
    """At most so many of them, evenly, with the first and the last."""
    n = len(items)
    return [
        items[i] for i in (range(n) if n <= most else sorted({round(i * (n - 1) / (most - 1)) for i in range(most)}))
    ]


def _move(problem: Problem, first: Run, limit: int) -> None:
    """Trace again with other arguments: a fixed program comes out the same every time."""
    rng = np.random.default_rng(20)
    wanted = MOVED if len(first.columns.code) < LARGE else 1
    for scale in (1.0, -1.0, 2.0, 0.1, 0.01):  # the small ones for functions that are undefined elsewhere
        if not wanted:
            return
        try:
            moved = [
                np.sign(scale) * a + scale * (np.abs(a) + 0.1) * rng.uniform(-1, 1, size=a.shape)
                for a in problem.arrays
            ]
            second = Run(problem._replace(arrays=moved), limit=limit)
            second.trace()
        except ArithmeticError:
            continue
        except Endless:
            there = f", at {second.decisions[-1].where}" if second.decisions else home(problem.function)
            raise CompileError(f"{_PATH}{there}\nA loop ends by data. {CHOOSE}") from None
        except (Exception, SystemExit) as error:
            if isinstance(error, CompileError) or not raised_on_purpose(error):
                raise
            continue
        wanted -= 1
        kept = {id(v) for v in first.others} & {id(v) for v in second.others}
        outside = [v for v in first.others if id(v) in kept]
        if outside:
            raise CompileError(
                f"the function reads {len(outside)} Values that are neither arguments nor in params, such as "
                f"{outside[0]!r}: add them to params, or use .detach() to fix their numbers"
            )
        if not first.same_as(second):
            raise CompileError(_difference(first, second))


def _difference(first: Run, second: Run) -> str:
    there = home(first.problem.function)
    for a, b in zip(first.decisions, second.decisions):
        if (a.key, a.outcome) != (b.key, b.outcome):
            return f"{_PATH}, at {a.where}\n{CHOOSE}"
    if not first.columns.same_structure(second.columns):
        return f"{_PATH}: another graph comes of other numbers{there}\n{CHOOSE}"
    return (
        f"a number in the function changes with the data: it is computed outside the graph{there}\n"
        f"Compute it with Values, or hand it in as an argument. {CHOOSE}"
    )
