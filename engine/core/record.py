"""Recording: for each op, the function that computes now and remembers its slopes in a new node.

Its source is put together from the op's formulas. To read it: `print(inspect.getsource(Value.__mul__))`; tracebacks and
debuggers show it, too.
"""

from __future__ import annotations

import operator
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, Final, NamedTuple

from ..errors import DomainError, GraphError
from ..number import number
from ..rules.derive import define
from ..rules.floats import FLOATS, float_function, float_names
from ..rules.formula import GENERATED
from ..rules.op import Op, Reduction
from ..rules.ops import OPS

UNDEFINED: Final = (ValueError, ZeroDivisionError, OverflowError)
LEAF, CONST, DETACHED = "", "const", "detached"


class NotComputed(float):
    """The gradient of a node that no backward pass has reached: counts as 0.0 and says so when printed."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "0.0 (not computed)"


NOT_COMPUTED: Final = NotComputed(0.0)


class State:
    """What every recording function looks at: `paused`, how many `no_grad()` blocks are open, in whatever thread or
    task, and `clock`, how often the number of some node has been changed."""

    __slots__ = ("clock", "paused")

    def __init__(self) -> None:
        self.clock = self.paused = 0


STATE: Final = State()
_lock = threading.Lock()
_blocks: ContextVar[tuple[object, ...]] = ContextVar("the open no_grad() blocks of this thread or task", default=())


def is_paused() -> bool:
    """Whether a `no_grad()` block is open here; asked only while one is open somewhere."""
    return bool(_blocks.get())


def is_recording() -> bool:
    """Whether arithmetic on Values records a graph here."""
    return not (STATE.paused and is_paused())


@contextmanager
def no_grad() -> Iterator[None]:
    """Inside, arithmetic on Values records no graph: faster, for predictions and updates.

    It holds for this thread or asyncio task alone. Blocks may end in any order, as those of interleaved generators do.

    >>> from glassgrad import Value
    >>> x = Value(2.0)
    >>> with no_grad():
    ...     y = x * x
    >>> y.inputs
    ()
    """
    mine = object()
    with _lock:
        STATE.paused += 1
    _blocks.set((*_blocks.get(), mine))
    try:
        yield
    finally:
        _blocks.set(tuple(block for block in _blocks.get() if block is not mine))
        with _lock:
            STATE.paused -= 1


# -- nodes --------------------------------------------------------------------------------------------------


def constant(like: Any, x: float) -> Any:
    """A plain number as a node of the graph, of the class of `like`."""
    node = like.__class__(x)
    node._kind = CONST
    return node


def detached(like: Any, x: float) -> Any:
    """A number whose history was not recorded."""
    node = like.__class__(x)
    node._kind = DETACHED
    return node


class Origin(NamedTuple):
    """What `_origin` holds where a tick of the clock, the time when the node was made, is not all there is to say.

    Attributes:
        made: when the node was made.
        calls: the module calls that made it, inner ones first.
        before: the number that it had before its last change, from the tick `since` of the clock until `until`.
    """

    made: int
    calls: tuple[Any, ...] = ()
    before: float = 0.0
    since: int = -1
    until: int = -1


def origin(node: Any) -> Origin:
    """Where a node comes from."""
    return Origin(node._origin) if node._origin.__class__ is int else node._origin


def change(node: Any, x: float) -> None:
    """Give a node another number; what was computed with the old one can still be told."""
    if x == node._data:
        return
    with _lock:
        STATE.clock += 1
        old, now = origin(node), STATE.clock
    node._origin = Origin(old.made, old.calls, node._data, max(old.made, old.until), now)
    node._data = x


def number_used(node: Any, user: Any) -> float:
    """The number that `node` had when `user` was computed from it.

    Raises:
        GraphError: if it has been changed more than once since, so that nobody knows any more.
    """
    past, time = origin(node), origin(user).made
    if time >= past.until:
        return float(node._data)
    if time >= past.since:
        return past.before
    raise GraphError(
        f"{node!r} has been changed more than once since {user!r} was computed from it: compute the result again"
    )


# -- the source of a recording function ---------------------------------------------------------------------


def _document(op: Op) -> str:
    slopes = [f"{f} for {one.name}" for one, f in zip(op.inputs, op.slopes) if f is not None]
    return f'    """Record y = {op.forward}. Slopes: {", ".join(slopes)}."""'


def _apply(op: Op, first: str, operands: str, slopes: list[str]) -> list[str]:
    """The lines that compute the result and its slopes."""
    lets = [f"        {short} = {FLOATS.source(formula)}" for short, formula in op.let]
    return [
        "    try:",
        *lets,
        f"        y = {FLOATS.source(op.forward)}",
        "        if STATE.paused and is_paused():",
        f"            return detached({first}, y)",
        *(f"        {slope}" for slope in slopes),
        "    except UNDEFINED as error:",
        f"        raise domain_error({op.name!r}, ({operands},), error) from None",
    ]


def _node(op: Op, first: str, a: str, b: str, slope_a: str, slope_b: str) -> list[str]:
    """The lines that make the node: slots are filled in place, as a call of __init__ would cost half as much again.

    One or two operands lie flat in `_a` and `_b`, a plain number without a slope; more lie in tuples in `_a` and
    `_slope_a`, numbers wrapped as constants.
    """
    return [
        f"    node = new({first}.__class__)",
        "    node._data = y",
        "    node._grad = NOT_COMPUTED",
        f"    node._kind = {op.name!r}",
        "    node._label = ''",
        "    node._mark = 0",
        "    node._origin = STATE.clock",
        f"    node._a = {a}",
        f"    node._b = {b}",
        f"    node._slope_a = {slope_a}",
        f"    node._slope_b = {slope_b}",
        "    return node",
    ]


def _made(op: Op, name: str, lines: list[str], method: bool, **more: Any) -> Callable[..., Any]:
    """Run the source of a recording function."""
    title = op.name if name == op.name else f"{op.name} as {name}"
    title += " without start" * (op.total is not None and op.total.start is not None and not more)
    function = define("\n".join(lines) + "\n", title, float_names(op) | NAMES | more)
    function.__qualname__ = f"Value.{name}" if method else name
    return function


@cache
def recorder(op: Op, name: str) -> Callable[..., Any]:
    """The function called `name` that applies `op` to a Value `self` and, if there is a second operand, to a Value or
    number. An op of three operands is applied to Values alone, one of lists to lists.

    It raises DomainError where the op, or a slope of it, is undefined.
    """
    if op.total is not None:
        return _list_recorder(op, op.total)
    slopes = ["None" if f is None else FLOATS.source(f) for f in op.slopes]
    own = [f"slope_{one.name}" for one in op.inputs]
    if len(op.inputs) > 2:
        nodes = [f"node_{one.name}" for one in op.inputs]
        lines = [
            f"def {name}({', '.join(nodes)}):",
            _document(op),
            *(f"    {one.name} = {node}._data" for one, node in zip(op.inputs, nodes)),
            *_apply(op, nodes[0], ", ".join(nodes), [f"{s} = {f}" for s, f in zip(own, slopes) if f != "None"]),
            *_node(
                op,
                nodes[0],
                f"({', '.join(nodes)})",
                "None",
                f"({', '.join('0.0' if f == 'None' else s for s, f in zip(own, slopes))})",
                "None",
            ),
        ]
        return _made(op, name, lines, method=False)
    a = op.names[0]
    steps, read = [f"{own[0]} = {slopes[0]}"], [f"    {a} = self._data"]
    if len(op.inputs) == 1:
        head, operands, links = "self", "self", ("self", "None", own[0], "None")
    elif op.inputs[1].constant:
        k = op.inputs[1]
        head = f"self, {k.name}" + ("" if k.default is None else f"={k.default!r}")
        operands, links = f"self, {k.name}", ("self", k.name, own[0], "None")
        read += _plain(k.name, k.name, op)
    else:
        b = op.names[1]
        head, operands, links = "self, other", "self, other", ("self", "other", own[0], own[1])
        read += [
            "    if is_value := other.__class__ is self.__class__:",
            f"        {b} = other._data",
            "    else:",
            *(f"    {line}" for line in _plain(f"{b} = other", "other", op)),
        ]
        steps += [f"{own[1]} = {FLOATS.part(slopes[1])} if is_value else None"]
    lines = [
        f"def {name}({head}):",
        _document(op),
        *read,
        *_apply(op, "self", operands, steps),
        *_node(op, "self", *links),
    ]
    return _made(op, name, lines, method=True)


@cache
def reflected_recorder(op: Op, name: str) -> Callable[..., Any]:
    """The function called `name` that applies `op` to a number `other` and, as second operand, a Value: `2 - v`."""
    a, b = op.names
    assert op.slopes[1] is not None  # the second operand takes a gradient
    lines = [
        f"def {name}(self, other):",
        _document(op),
        f"    {b} = self._data",
        *_plain(f"{a} = other", "other", op),
        *_apply(op, "self", "other, self", [f"slope_{b} = {FLOATS.source(op.slopes[1])}"]),
        *_node(op, "self", "other", "self", "None", f"slope_{b}"),
    ]
    return _made(op, name, lines, method=True)


def _plain(target: str, given: str, op: Op) -> list[str]:
    """The lines that take a plain number, and leave what may know Values itself (an array) to its own operators."""
    return [
        f"    {target} = plain_number({given}, {op.name!r})",
        f"    if {given} is NotImplemented:",
        f"        return {given}",
    ]


def _list_recorder(op: Op, total: Reduction, started: bool = True) -> Callable[..., Any]:
    """The recorder of a sum over lists of Values: their numbers first, then the additions from left to right.

    `started` says whether the sum begins with an operand of its own; the recorder for that falls back on the other one.
    """
    start = total.start if started else None
    term, renamed = (FLOATS.source(total.term, names) for names in ({}, {name: f"{name}_i" for name in op.many}))
    data = [f"{name}_data" for name in op.many]
    given = ", ".join([*op.many, start] if start else op.many)
    together = f"{{}}({', '.join(data)})" if len(data) > 1 else data[0]
    if sys.version_info < (3, 12) and term == " * ".join(op.many):  # from 3.12 on `sum` rounds otherwise
        adding = [f"    y = add_up({together.format('map')}, y)".replace("map(", "map(multiply, ")]
    else:
        each = ", ".join(f"{name}_i" for name in op.many)
        adding = [f"    for {each} in {together.format('zip')}:", f"        y = y + {renamed}"]
    slopes = []
    for one, formula in zip(op.inputs, op.slopes):
        if one.many:  # the other factor, or a constant
            text = "0.0" if formula is None else FLOATS.source(formula)
            slopes.append(f"*{text}_data" if text in op.many else f"*[{text}] * len({one.name})")
    lists = "".join(f"*{name}, " for name in op.many)
    first = start or f"{op.many[0]}[0]"
    fallback = [f"        return with_constants({op.name!r}, {given})"]
    lines = [
        f"def {op.name}({given}{'=None' if start else ''}):",
        _document(op),
        *(
            f"    if {name}.__class__ is not tuple:\n        {name} = listed({name}, {op.name!r}, {name!r})"
            for name in op.many
        ),
        *(
            [f"    if {start} is None:", f"        return without_start({', '.join(op.many)})"]
            if start
            else [f"    if not {op.many[0]}:", *fallback]
        ),
        "    try:",
        *(f"        {name}_data = [v._data for v in {name}]" for name in op.many),
        f"        y = {start}._data" if start else "        y = 0.0",
        "    except AttributeError:",
        *fallback,
        *([f"    if len({op.many[0]}) != len({op.many[1]}):", *fallback] if len(op.many) > 1 else []),
        *adding,
        "    if STATE.paused and is_paused():",
        f"        return detached({first}, y)",
        *_node(
            op, first, f"({lists}{start or ''})", "None", f"({', '.join(slopes)}, {'1.0' if start else ''})", "None"
        ),
    ]
    if not start:
        return _made(op, op.name, lines, method=False)
    return _made(op, op.name, lines, method=False, without_start=_list_recorder(op, total, started=False))


# -- operands -----------------------------------------------------------------------------------------------


def plain_number(given: object, name: str) -> Any:
    """The other side of a binary op as a float; NotImplemented for what may know Values itself (arrays)."""
    if given.__class__ is float:
        return given
    if getattr(given, "shape", ()):  # a NumPy array: it goes on element by element
        return NotImplemented
    return number(given, f"{name} of a Value")


def listed(group: Any, name: str, parameter: str) -> tuple[Any, ...]:
    """The operands of one input of lists as a tuple."""
    if isinstance(group, (str, bytes)) or hasattr(group, "_slope_a") or not isinstance(group, Iterable):
        raise TypeError(
            f"{name} takes a list of Values and numbers for {parameter}, got {type(group).__name__} {group!r}"
        )
    return tuple(group)


def with_constants(name: str, *groups: Any) -> Any:
    """Apply an op of lists where some operands are numbers: they become constants of the graph."""
    op = OPS[name]
    lists, start = groups[: len(op.many)], [g for g in groups[len(op.many) :] if g is not None]
    if len({len(group) for group in lists}) > 1:
        lengths = " and ".join(f"{len(group)} for {n}" for n, group in zip(op.names, lists))
        raise ValueError(f"{name} pairs its lists element by element, so they must be equally long; got {lengths}")
    like = next((v for group in (*lists, start) for v in group if hasattr(v, "_slope_a")), None)
    if like is None:
        return float_function(op)(
            *([number(v, name) for v in group] for group in lists), *(number(v, name) for v in start)
        )

    def node(v: Any) -> Any:
        return v if hasattr(v, "_slope_a") else constant(like, number(v, name))

    return recorder(op, name)(*(tuple(map(node, group)) for group in lists), *map(node, start))


def domain_error(name: str, operands: tuple[Any, ...], error: Exception) -> DomainError:
    """The error for an op that failed on `operands` with `error`, in terms of the user's own labels."""
    op = OPS[name]
    numbers = [getattr(v, "_data", v) for v in operands]
    labels = [getattr(v, "_label", "") or n for v, n in zip(operands, op.names)]
    where = ", ".join(f"{label}={x!r}" for label, x in zip(labels, numbers))
    call = f"{name}({', '.join(map(str, labels))})"
    try:
        float_function(op)(*numbers)
        what = f"the slope of {call} is infinite"
    except OverflowError:
        return DomainError(f"{call} overflows at {where}: the result is larger than 1.8e308, the largest float")
    except UNDEFINED:
        what = f"{call} is undefined"
    return DomainError(f"{what} at {where}" + (f" (it needs {op.needs})" if op.needs else f" ({error})"))


NAMES: Final[dict[str, Any]] = {
    "NOT_COMPUTED": NOT_COMPUTED,
    "STATE": STATE,
    "UNDEFINED": UNDEFINED,
    "add_up": sum,
    "detached": detached,
    "domain_error": domain_error,
    "is_paused": is_paused,
    "listed": listed,
    "multiply": operator.mul,
    "new": object.__new__,
    "plain_number": plain_number,
    "with_constants": with_constants,
}
"""What recording functions read, beside the functions of their formulas; no op and no input may be called so."""
assert NAMES.keys() <= GENERATED
