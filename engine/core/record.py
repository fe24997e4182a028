"""Recording: for each op, the function that computes now and remembers its slopes in a new node.

Its source comes from the op's formulas (`rules/recording.py`). To read it: `print(inspect.getsource(Value.__mul__))`;
tracebacks and debuggers show it, too.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, Final

from ..errors import DomainError
from ..number import number
from ..rules.derive import define
from ..rules.floats import float_function, float_names
from ..rules.formula import GENERATED
from ..rules.op import Op
from ..rules.ops import OPS
from ..rules.recording import recording_source, reflected_source, sum_source
from .origin import LOCK, STATE

UNDEFINED: Final = (ValueError, ZeroDivisionError, OverflowError)
LEAF, CONST, DETACHED = "", "const", "detached"


class NotComputed(float):
    """The gradient of a node that no backward pass has reached: counts as 0.0 and says so when printed."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "0.0 (not computed)"


NOT_COMPUTED: Final = NotComputed(0.0)


class _Block:
    """A `no_grad()` block: a task that was begun inside keeps it, but not once it is closed."""

    open = True


_blocks: ContextVar[tuple[_Block, ...]] = ContextVar("the no_grad() blocks of this thread or task", default=())


def is_paused() -> bool:
    """Whether a `no_grad()` block is open here; asked only while one is open somewhere."""
    return any(block.open for block in _blocks.get())


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
    mine = _Block()
    with LOCK:
        STATE.paused += 1
    _blocks.set((*_blocks.get(), mine))
    try:
        yield
    finally:
        mine.open = False
        _blocks.set(tuple(block for block in _blocks.get() if block is not mine))
        with LOCK:
            STATE.paused -= 1


# -- nodes --------------------------------------------------------------------------------------------------


def is_value(thing: object) -> bool:
    """Whether it is a node of a graph."""
    return hasattr(thing, "_slope_a")


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


# -- recording functions ------------------------------------------------------------------------------------


@cache
def recorder(op: Op, name: str) -> Callable[..., Any]:
    """The function called `name` that applies `op` to a Value and, if there is a second operand, to a Value or number.

    An op of three operands and more is applied to Values alone, one of lists to lists of Values and numbers.

    Raises (the function does):
        DomainError: where the op, or a slope of it, is undefined.
    """
    if op.total is None:
        return _defined(op, name, recording_source(op, name))
    names = {}
    if op.total.start is not None:
        source = sum_source(op, op.total, started=False)
        names["without_start"] = define(source, f"{op.name} without {op.total.start}", NAMES)
    return _defined(op, name, sum_source(op, op.total, started=True), **names)


@cache
def reflected_recorder(op: Op, name: str) -> Callable[..., Any]:
    """The function called `name` that applies `op` to a number `other` and, as second operand, a Value: `2 - v`."""
    return _defined(op, name, reflected_source(op, name))


def _defined(op: Op, name: str, source: str, **names: Any) -> Callable[..., Any]:
    title = op.name if name == op.name else f"{op.name} as {name}"
    function = define(source, title, float_names(op) | NAMES | names)
    function.__module__ = __name__
    function.__qualname__ = name if op.many or len(op.inputs) > 2 else f"Value.{name}"
    return function


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
    if isinstance(group, (str, bytes)) or is_value(group) or not isinstance(group, Iterable):
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
    like = next((v for group in (*lists, start) for v in group if is_value(v)), None)
    if like is None:
        return float_function(op)(
            *([number(v, name) for v in group] for group in lists), *(number(v, name) for v in start)
        )

    def node(v: Any) -> Any:
        return v if is_value(v) else constant(like, number(v, name))

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
        what = f"the slope of {call} is not finite"
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
