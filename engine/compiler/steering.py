"""Stage 0: tracing a function, and finding what steers it by data: no fixed program does that, so it is refused.

What hands a number to Python code (`.data`, a dict lookup, an index) is refused where it happens. A comparison is
turned round, and an op that a `try` surrounds is made to fail: if another graph comes of it, data choose the path.
Last, the function is traced again on other numbers.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import CodeType, FrameType
from typing import Any, Final, NamedTuple

import numpy as np

from ..core.record import recording
from ..core.value import Value, watched
from ..core.watch import told
from ..story.source import is_ours
from .calls import Calls
from .errors import CompileError
from .places import end_of, home, place, place_of, raised_on_purpose, user_frame
from .trace import Trace, trace

MOVED, LARGE = 3, 50_000
"""How often the function is traced on other numbers, and from how many nodes on only once."""
AT_ONCE, NODES = 512, 200_000
"""How many comparisons are turned round one by one, and how many nodes may be traced for it beyond the first eight."""
LEAST = 8
COUNTED = 48
"""So many ways of turning several round are tried out, and half as many as there are comparisons."""
ENDLESS = 1_000_000
"""From so many comparisons on a loop is taken for one that does not end."""

_PATH = "the function takes another path for other data"
_CHOOSE = (
    "Choose between results with gg.where(test, a, b), gg.max, gg.min, relu or abs; hand in a class as a one-hot list "
    "(gg.dot(one_hot, row) instead of row[y]), a mask or noise as an argument."
)
_CURES: Final = {
    ".data": "Compute with the Value itself (v * v, v.exp(), gg.tanh(v)), by an op of your own with gg.define_op; "
    "outside the function .data is fine.",
    ".grad": "Use gg.grad(y, x, create_graph=True): it gives derivatives as Values.",
    ".slopes": "Use gg.grad(y, x, create_graph=True): it gives derivatives as Values.",
    "gg.grad(…)": "Write gg.grad(y, x, create_graph=True): it gives derivatives as Values.",
    ".detach()": "What is to stay fixed is computed outside the function, or handed in as an argument.",
    ".data = …": "Compute a new Value instead: v = v * 0.5.",
    "copy": "Use the Value itself: arithmetic never changes it.",
    "no_grad()": "What is to stay fixed is computed outside the function, or handed in as an argument.",
    "hash()": f"Its number is no key. {_CHOOSE}",
    "a view": "Look at the graph, check it, train and run programs outside the function.",
    "text": "A program does not print, and must not go on from text; show numbers outside the function.",
}
_DOES: Final = {
    "hash()": "a Value is looked up in a dict, set or cache",
    ".data": ".data is read of a Value that depends on the data",
    ".grad": ".grad is read of a Value that depends on the data",
    ".slopes": ".slopes is read of a Value that depends on the data",
    "an index out": "a Value is used as an index",
    "text": "a Value is written out as text",
    "no_grad()": "no_grad() cuts off what depends on the data",
    ".detach()": ".detach() cuts off what depends on the data",
    ".data = …": ".data is set of a Value that depends on the data",
    "copy": "a copy of a Value is cut off from what it depends on",
    "a view": "a view, check or program of glassgrad's hands out numbers",
    "gg.grad(…)": "gg.grad hands out a derivative as a number",
}
_KEEPING: Final = ("glassgrad.engine.core.", "glassgrad.engine.rules.", "glassgrad.engine.number")
Function = Callable[..., Any]
Key = tuple[CodeType, int]
"""An instruction of the user's."""


class Decision(NamedTuple):
    """A comparison of Values that depend on arguments or parameters: where, on which line, and how it came out."""

    key: Key
    line: int
    outcome: bool

    @property
    def where(self) -> str:
        """File, line and text."""
        return place(*self.key, self.line)


class _Endless(BaseException):
    """A trace compares on and on; no `except Exception` of the user's stops this."""


class Problem(NamedTuple):
    """What is traced: a function, arrays for its arguments, and the parameters."""

    function: Function
    arrays: Sequence[Any]
    params: Sequence[Value]


class Run:
    """One trace of the function; it is told of all numbers that leave the graph.

    Args:
        problem: the function and what it is called with.
        strict: refuse a number that is read; else let it pass, as the graphs are compared.
        limit: how many comparisons there may be.
        turned: the numbers of comparisons that come out the other way.
        places: the same for all comparisons at these places.
    """

    def __init__(
        self,
        problem: Problem,
        strict: bool = True,
        limit: int = ENDLESS,
        turned: frozenset[int] = frozenset(),
        places: frozenset[Key] = frozenset(),
    ) -> None:
        self.problem = problem
        self.strict, self.limit, self.turned, self.places = strict, limit, turned, places
        self.decisions: list[Decision] = []
        self.refused: CompileError | None = None
        self.asked = 0
        self.inputs: list[Value] = []
        self.leaves: dict[bool, set[int]] = {}
        self.fixed: dict[bool, dict[int, Value]] = {False: {}, True: {}}
        self.others: list[Value] = []
        self.many = False
        self.finished = False
        self.columns: Trace

    def trace(self) -> Run:
        """Run the function and read the graph.

        Raises:
            CompileError: if it hands out a number.
            _Endless: if it compares without end.
        """
        arguments = [self._values(array) for array in self.problem.arrays]
        given = {id(v) for v in self.inputs}
        self.leaves = {False: given | {id(v) for v in self.problem.params}, True: given}
        try:
            with recording(), told(self):
                result = self.problem.function(*arguments)
        except Exception:
            if self.refused is not None:
                raise self.refused from None
            raise
        if self.refused is not None:  # the function has caught it
            raise self.refused
        self.many = isinstance(result, (list, tuple))
        outputs = list(result) if self.many else [result]
        if not outputs or not all(isinstance(v, (Value, float, int)) for v in outputs):
            raise CompileError(f"the function must return a Value or a list of Values, got {result!r}")
        self.columns, self.others = trace(outputs, self.problem.params, self.inputs)
        self.finished = True
        return self

    def _values(self, array: Any) -> Any:
        if array.ndim:
            return [self._values(row) for row in array]
        self.inputs.append(Value(float(array)))
        return self.inputs[-1]

    # -- what the engine tells ----------------------------------------------------------------------------

    def compared(self, outcome: bool, *values: Any, nodes: bool) -> bool:
        """Note a comparison; turn it round if that is wanted."""
        if not any(self.moves(v, nodes) for v in values):
            return outcome
        if len(self.decisions) >= self.limit:
            raise _Endless
        frame = user_frame(sys._getframe(2))
        key = (frame.f_code, frame.f_lasti)
        turned = (len(self.decisions) in self.turned) != (key in self.places)
        self.decisions.append(Decision(key, frame.f_lineno, outcome))
        return outcome != turned

    def read(self, value: Any, how: str) -> None:
        """Refuse that a number is handed to code that is not glassgrad's own."""
        if not self.strict or not (value is None or self.moves(value, how == "hash()")):
            return
        caller = sys._getframe(3)  # before it are `watch.read` and what has called that
        if is_ours(caller) and value is not None:
            if how == "text" or _keeps(caller):
                return
            how = "a view"
        self.asked += 1
        if self.asked > self.limit:
            raise _Endless
        if self.refused is None:
            frame = user_frame(caller)
            does = _DOES.get(how, f"a plain number is asked for ({how})")
            cure = _CURES.get(how, f"Compute with Values (v.exp(), gg.log(v) instead of math.*). {_CHOOSE}")
            self.refused = CompileError(
                f"{does}, at {place_of(frame)}\nWhile it is traced, a function must not hand numbers to Python. {cure}"
            )
        raise self.refused

    def moves(self, v: Any, as_node: bool) -> bool:
        """Whether a Value depends on an argument or a parameter; `as_node` on an argument, that might be a plain number
        as well: of others it is sure that they are nodes, which are equal to themselves alone."""
        leaves, fixed = self.leaves[as_node], self.fixed[as_node]
        if not isinstance(v, Value) or id(v) in fixed:
            return False
        stack: list[Any] = [v]
        seen: dict[int, Value] = {}
        while stack:
            node = stack.pop()
            if id(node) in leaves:
                return True
            if id(node) in seen or id(node) in fixed:
                continue
            seen[id(node)] = node
            operands = node._a if node._a.__class__ is tuple else (node._a, node._b)
            stack += [u for u in operands if isinstance(u, Value)]
        fixed |= seen
        return False

    def owns(self, value: Any) -> bool:
        """Whether a Value depends on an argument: those nobody but the function has."""
        return self.moves(value, as_node=True)

    def same_as(self, other: Run) -> bool:
        """Whether both found the same program."""
        return self.many == other.many and self.columns.same_as(other.columns)


def _keeps(frame: FrameType) -> bool:
    """Whether glassgrad's own code that runs there keeps to itself what it reads, as arithmetic does; views and checks
    hand it out."""
    module = str(frame.f_globals.get("__name__", ""))
    return not module.startswith("glassgrad.") or module.startswith(_KEEPING)


# -- all that is looked into ----------------------------------------------------------------------------------


def traced(function: Function, arrays: Sequence[Any], params: Sequence[Value]) -> tuple[Trace, bool]:
    """The graph of a function that does the same for all data, and whether it returns a list.

    Raises:
        CompileError: if data steer it; the message begins with one line that says where.
    """
    with watched():
        return _traced(Problem(function, arrays, params))


def _traced(problem: Problem) -> tuple[Trace, bool]:
    try:
        first = Run(problem).trace()
    except TypeError as error:
        if not re.search(r"\bValue\b", str(error)):  # an error of the user's own
            raise CompileError(
                f"the function raises TypeError: {error}, at {end_of(error)}\n"
                "It must run before it can be compiled: call it on Values as in the example."
            ) from error
        raise CompileError(
            f"the function does not take Values: {error}, at {end_of(error)}\n"
            f"While it is traced, all arguments are Values. {_CHOOSE}"
        ) from error
    except _Endless:
        raise CompileError(f"the function compares Values more than {ENDLESS:,} times: does a loop not end?") from None
    limit = 4 * len(first.decisions) + 1000
    _trace_again(problem, first, limit)
    _turn_comparisons(problem, first, limit)
    _move(problem, first, limit)
    return first.columns, first.many


def _trace_again(problem: Problem, first: Run, limit: int) -> None:
    """On the same numbers the same graph must come; watch what else is called, and let ops fail within a `try`."""
    if sys.getprofile() is not None:  # somebody measures: do not disturb
        _unsteady(first, Run(problem, limit=limit).trace())
        return
    seen = Calls()
    second = Run(problem, limit=limit)
    try:
        with seen.listening():
            second.trace()
    except CompileError:
        raise
    except Exception as error:
        raise _unsteady_error(problem, f" (now there is {type(error).__name__}: {error})") from error
    drawn = seen.outside()
    if drawn:
        raise CompileError(f"{drawn[0]}, at {drawn[1]}\nIts numbers would be the same in each call. {_CHOOSE}")
    if seen.failed is not None:
        raise CompileError(
            f"an error is caught and the function goes on, at {seen.failed}\n{_PATH.capitalize()}. {_CHOOSE}"
        )
    _unsteady(first, second)
    if len(seen.guarded) > LEAST * 8:
        raise CompileError(
            f"the function has too many `try` blocks around arithmetic to follow, first at {_first(seen)}"
        )
    for at, there in seen.guarded.values():
        other = Run(problem, strict=False, limit=limit)
        with suppress(Exception, _Endless), Calls(fail_at=at).listening():
            other.trace()
        if other.finished and not first.same_as(other):
            raise CompileError(
                f"an error would be caught and another path taken, at {there}\n"
                f"A program cannot do that: it raises DomainError where a number is not finite. {_CHOOSE}"
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
    """Turn comparisons round: one by one, all at one place, all, as many as any count of them takes; and those that
    only then come to light."""
    count, keys = len(first.decisions), list(dict.fromkeys(d.key for d in first.decisions))
    if not count:
        return
    budget = LEAST + min(AT_ONCE, NODES // (1 + len(first.columns.code)))
    if len(keys) > budget:
        raise CompileError(
            f"the function compares Values at {len(keys)} places, too many to try out, first at "
            f"{first.decisions[0].where}\n{_CHOOSE}"
        )
    none: frozenset[Any] = frozenset()
    todo: list[tuple[frozenset[int], frozenset[Key]]] = [(none, frozenset({key})) for key in keys if count > len(keys)]
    todo += [(frozenset({i}), none) for i in _spread(range(count), budget)]
    todo += [(some, none) for some in _counted(first.decisions, min(budget, max(COUNTED, count // 2)))]
    if len(keys) > 1:
        todo.append((none, frozenset(keys)))
    known = set(keys)
    for turned, places in todo:  # grows
        run = Run(problem, strict=False, limit=limit, turned=turned, places=places)
        there = next(d.where for i, d in enumerate(first.decisions) if i in turned or d.key in places)
        try:
            run.trace()
        except _Endless:
            raise CompileError(f"{_PATH}, at {there}\nA loop ends by data. {_CHOOSE}") from None
        except Exception as error:
            if not raised_on_purpose(error):
                raise CompileError(
                    f"{_PATH}, at {there}\nOn the other one there is {type(error).__name__}: {error}. {_CHOOSE}"
                ) from None
        else:
            if not first.same_as(run):
                raise CompileError(f"{_PATH}, at {there}\n{_CHOOSE}")
        for i, d in enumerate(run.decisions):
            if d.key not in known and len(todo) < 4 * budget:
                known.add(d.key)
                todo.append((turned | {i}, places))


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
    """Trace again on other numbers: a fixed program comes out the same every time."""
    rng = np.random.default_rng(20)
    params = problem.params
    before = [v._data for v in params]
    wanted = MOVED if len(first.columns.code) < LARGE else 1
    for scale in (1.0, -1.0, 2.0, 0.1, 0.01):  # the small ones for functions that are undefined elsewhere
        if not wanted:
            return
        try:
            for v, x in zip(params, before):
                v._data = x + scale * (abs(x) + 0.1) * float(rng.uniform(-1, 1))
            moved = [
                np.sign(scale) * a + scale * (np.abs(a) + 0.1) * rng.uniform(-1, 1, size=a.shape)
                for a in problem.arrays
            ]
            second = Run(problem._replace(arrays=moved), limit=limit)
            second.trace()
        except ArithmeticError:
            continue
        except _Endless:
            raise CompileError(f"{_PATH}, at {second.decisions[-1].where}\nA loop ends by data. {_CHOOSE}") from None
        except Exception as error:
            if isinstance(error, CompileError) or not raised_on_purpose(error):
                raise
            continue
        finally:
            for v, x in zip(params, before):
                v._data = x
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
            return f"{_PATH}, at {a.where}\n{_CHOOSE}"
    if not first.columns.same_structure(second.columns):
        return f"{_PATH}: another graph comes of other numbers{there}\n{_CHOOSE}"
    return (
        f"a number in the function changes with the data: it is computed outside the graph{there}\n"
        f"Compute it with Values, or hand it in as an argument. {_CHOOSE}"
    )
