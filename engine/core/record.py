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

from ..number import number
from ..rules.derive import define
from ..rules.floats import float_function, float_names
from ..rules.formula import GENERATED
from ..rules.op import Op
from ..rules.ops import OPS
from ..rules.recording import nodes_source, recording_source, reflected_source, sum_source
from ..shown import described
from .origin import CONST, DETACHED, LOCK, STATE, is_value
from .undefined import UNDEFINED, domain_error
from .watch import read


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
    if STATE.watched:
        read(None, "no_grad()")
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


@contextmanager
def recording() -> Iterator[None]:
    """Inside, arithmetic records a graph, also in the midst of `no_grad()` blocks."""
    before = _blocks.set(())
    try:
        yield
    finally:
        _blocks.reset(before)


# -- nodes --------------------------------------------------------------------------------------------------


def constant(like: Any, x: float) -> Any:
    """A plain number as a node of the graph, of the class of `like`."""
    return _bare(like.__class__, x, CONST)


def detached(kind: type, x: float) -> Any:
    """A number of a class of Values whose history was not recorded."""
    return _bare(kind, x, DETACHED)


def _bare(kind: type, x: float, what: str) -> Any:
    """A node without operands; a subclass's `__init__`, which may want other arguments, is not asked."""
    node: Any = object.__new__(kind)
    node._data, node._grad, node._kind, node._mark, node._origin = x, NOT_COMPUTED, what, 0, STATE.clock
    node._a = node._b = node._slope_a = node._slope_b = None
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
    package = __name__.partition(".")[0]  # where pickle finds it
    alone = op.many or len(op.inputs) > 2
    function.__module__, function.__qualname__ = (
        (package, name) if alone else (f"{package}.engine.core.value", f"Value.{name}")
    )
    return function


# -- operands -----------------------------------------------------------------------------------------------


def plain_number(given: object, name: str) -> Any:
    """The other side of a binary op as a float; NotImplemented for a Value of another class, and for what may know
    Values itself (arrays)."""
    if given.__class__ is float:
        return given
    if is_value(given) or getattr(given, "shape", None):  # a NumPy array: it goes on element by element
        return NotImplemented
    return number(given, f"{name} of a Value")


def only_number(given: object, name: str) -> float:
    """The plain number that an op takes beside a Value."""
    return number(given, f"{name} of a Value")


def of_two_classes(name: str, first: Any, other: Any) -> Any:
    """A binary op of a Value and one of another class, such as a subclass; NotImplemented if `other` is none."""
    return _of_nodes(OPS[name])(first, other) if is_value(other) else NotImplemented


@cache
def _of_nodes(op: Op) -> Callable[..., Any]:
    return _defined(op, op.name, nodes_source(op, op.name))


def class_of(first: Any, *others: Any) -> type:
    """The class of a result: that of the first operand, or a subclass of it that another operand has."""
    kind: type = first.__class__
    for v in others:
        if v.__class__ is not kind and issubclass(v.__class__, kind):
            kind = v.__class__
    return kind


def listed(group: Any, name: str, parameter: str) -> tuple[Any, ...]:
    """The operands of one input of lists as a tuple."""
    if isinstance(group, (str, bytes)) or is_value(group) or not isinstance(group, Iterable):
        raise TypeError(f"{name} takes a list of Values and numbers for {parameter}, got {described(group)}")
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


NAMES: Final[dict[str, Any]] = {
    "NOT_COMPUTED": NOT_COMPUTED,
    "STATE": STATE,
    "UNDEFINED": UNDEFINED,
    "add_up": sum,
    "class_of": class_of,
    "detached": detached,
    "domain_error": domain_error,
    "is_paused": is_paused,
    "listed": listed,
    "multiply": operator.mul,
    "new": object.__new__,
    "of_two_classes": of_two_classes,
    "only_number": only_number,
    "plain_number": plain_number,
    "with_constants": with_constants,
}
"""What recording functions read, beside the functions of their formulas; no op and no input may be called so."""
assert NAMES.keys() <= GENERATED
