"""`Value`: one number that remembers how it was computed.

Arithmetic on Values records a graph. Every node stores its local slopes when it is made, so the chain rule
in `backward.py` is one loop over data. Operators and methods follow from the op table (`operators.py`).
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from opcode import opmap
from types import FrameType
from typing import Any, cast

from ..errors import GraphError
from ..number import number
from ..rules.ops import OPS
from . import record
from .backward import WALKING, backward
from .chain import own_slopes
from .copying import reduced, restore
from .operators import Operators
from .origin import LOCK, STATE, Origin, change
from .own import OWN, WRITTEN, assign_rule, become_own
from .record import CONST, DETACHED, LEAF, NOT_COMPUTED, no_grad
from .watch import WATCHER, Watcher, compared, read

__all__ = ["CONST", "DETACHED", "LEAF", "Value", "constant", "no_grad", "watched"]


def _refused(what: str, way_out: str) -> Callable[..., Any]:
    def refuse(self: Value, *_: object) -> Any:
        if STATE.watched:
            read(self, what)
        raise TypeError(f"{what} of {self!r} would lose the gradient silently: {way_out}")

    return refuse


class Value(Operators):
    """A node of the computation graph.

    Args:
        data: a real number (int, float, NumPy scalar, ...), kept as a Python float.
        _children: the Values that this one was computed from, if its rule is a closure of your own (as in micrograd);
            a string here is the label.
        _op: what that rule is called.
        label: a name for messages and drawings.

    A rule of your own is a function without arguments, assigned to `_backward`, that adds to the gradient of each
    child what the gradient of the result brings it. Any other attribute may be set, too; a subclass's arithmetic gives
    nodes of the subclass (made without its `__init__`).

    `v == 2.0` compares the number, as `<` does; `a == b` of two Values is true for one and the same node alone, as sets
    of visited nodes need it, and warns if it is asked of two with equal numbers.

    Raises:
        TypeError: if `data` is not a real number, or a child not a Value.

    >>> x = Value(3.0, label="x")
    >>> y = x * x
    >>> y.backward()
    >>> y.data, x.grad
    (9.0, 6.0)
    >>> def cube(v):
    ...     out = Value(v.data**3, (v,), "cube")
    ...     def rule():
    ...         v.grad += 3 * v.data**2 * out.grad
    ...     out._backward = rule
    ...     return out
    >>> from glassgrad import grad
    >>> grad(2 * cube(x), x)
    54.0
    """

    __slots__ = ("__dict__", "_a", "_b", "_data", "_grad", "_kind", "_mark", "_origin", "_slope_a", "_slope_b")

    _a: Any
    _b: Any
    _data: float
    _grad: float
    _mark: int
    _kind: str
    _slope_a: Any
    _origin: int | Origin
    _slope_b: Any
    _label: str = ""  # few nodes have one of their own, and keep it in their __dict__

    def __init__(self, data: float, _children: Iterable[Value] | str = (), _op: str = "", label: str = "") -> None:
        self._data = data if data.__class__ is float else number(data)
        self._grad = NOT_COMPUTED
        self._kind = LEAF
        self._mark = 0
        self._origin = STATE.clock
        self._a = self._b = self._slope_a = self._slope_b = None
        if _children.__class__ is str and not label:
            _children, label = (), cast("str", _children)
        if label != "":
            self.label = label
        if _children != () or _op != "":
            become_own(self, cast("Iterable[Value]", _children), _op)

    def __init_subclass__(cls, **given: Any) -> None:
        """A subclass with an `__add__` or `__mul__` of its own has it for `1 + x` and `2 * x`, too."""
        super().__init_subclass__(**given)
        for operator, reflected in (("__add__", "__radd__"), ("__mul__", "__rmul__")):
            if operator in vars(cls) and reflected not in vars(cls):
                setattr(cls, reflected, vars(cls)[operator])

    # -- what a node knows --------------------------------------------------------------------------------

    @property
    def data(self) -> float:
        """The number. Setting it does not touch results computed before; they remember the one they used."""
        if STATE.watched:
            read(self, ".data")
        return self._data

    @data.setter
    def data(self, new: float) -> None:
        if STATE.watched:
            read(self, ".data = …")
        change(self, new if new.__class__ is float else number(new, "Value.data"))

    @property
    def grad(self) -> float:
        """∂(result)/∂(this) as of the last `backward()`; `has_grad` tells 0 from not computed. None unsets it."""
        if STATE.watched:
            read(self, ".grad")
        return NOT_COMPUTED if self._kind == CONST else self._grad

    @grad.setter
    def grad(self, new: float | None) -> None:
        written = WRITTEN.get()
        if written is not None:
            written.append((self, self._grad))
        self._grad = NOT_COMPUTED if new is None else number(new, "Value.grad")

    @property
    def has_grad(self) -> bool:
        """Whether a backward pass (or an assignment) has set `grad`."""
        return self.grad is not NOT_COMPUTED

    @property
    def label(self) -> str:
        """A name for messages and drawings."""
        return self._label

    @label.setter
    def label(self, new: str) -> None:
        if not isinstance(new, str):
            raise TypeError(f"Value.label takes a str, got {type(new).__name__} {new!r}")
        self._label = new

    @property
    def op(self) -> str:
        """Name of the op in the table; `""` for a leaf, `"const"` for a number, `"detached"` without history, `"own …"`
        for a rule of your own."""
        return self._kind if self._kind != OWN else f"{OWN} {self._op}".rstrip()

    @property
    def inputs(self) -> tuple[Value, ...]:
        """The operands in order, duplicates kept: `x * x` has two."""
        if self._a.__class__ is tuple:
            return cast("tuple[Value, ...]", self._a)
        if self._a.__class__ is float or self._b.__class__ is float:
            with WALKING:  # every thread gets the same nodes for the numbers
                self._a = record.constant(self, self._a) if self._a.__class__ is float else self._a
                self._b = record.constant(self, self._b) if self._b.__class__ is float else self._b
        return tuple(v for v in (self._a, self._b) if v is not None)

    @property
    def slopes(self) -> tuple[float | None, ...]:
        """∂(this)/∂(input) for each input, as stored when this was computed; None for a constant, and where a rule of
        your own has none."""
        if STATE.watched:
            read(self, ".slopes")
        if self._kind == OWN:
            try:
                return own_slopes(self)
            except GraphError:  # no rule yet, or none that has slopes: whoever needs them says so
                return (None,) * len(self.inputs)
        if self._a.__class__ is tuple:
            return tuple(None if v._kind == CONST else s for v, s in zip(self._a, self._slope_a))
        return (self._slope_a, self._slope_b)[: len(self.inputs)]

    # -- differentiation ----------------------------------------------------------------------------------

    def backward(self) -> None:
        """Set `.grad` on every node below: fresh on results, added up on leaves.

        Raises:
            ValueError: on a constant, or on a result of `no_grad()` or `detach()`: nothing was recorded.
        """
        if self._kind in (CONST, DETACHED):
            raise ValueError(
                f"backward() on {self!r}: nothing was recorded behind it "
                "(it is a constant, or was made under no_grad() or by detach())"
            )
        backward(self)

    def detach(self) -> Value:
        """The same number without its history; no gradient flows through it."""
        if STATE.watched:
            read(self, ".detach()")
        node = cast("Value", record.detached(self, self._data))
        node._label = self._label
        return node

    # -- numbers ------------------------------------------------------------------------------------------

    def __radd__(self, other: Any) -> Value:
        """A number plus this Value."""
        if other.__class__ is int and other == 0:
            return self  # the start of Python's sum(): no stray node
        return Operators.__radd__(self, other)

    def __pos__(self) -> Value:
        return self

    # `==` with a number compares the numbers. Two Values are equal if they are the same node, as in micrograd: sets and
    # lists of visited nodes rely on it.

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if isinstance(other, Value):
            if self._data == other._data and _compares(sys._getframe(1)):
                warnings.warn(
                    "a == b asks whether two Values are the same node, and these are not, though both are "
                    f"{self._data!r}: write a.data == b.data to compare their numbers, or a is b",
                    RuntimeWarning,
                    stacklevel=2,
                )
            return compared(False, self, other, nodes=True) if STATE.watched else False
        try:
            outcome = self._data == number(other, "a comparison with a Value")
        except (TypeError, OverflowError):
            return NotImplemented
        return compared(outcome, self) if STATE.watched else outcome

    __hash__ = object.__hash__  # quick: graphs are walked with dicts and sets of nodes

    def __lt__(self, other: Value | float) -> bool:
        outcome = self._data < _data(other)
        return compared(outcome, self, other) if STATE.watched else outcome

    def __le__(self, other: Value | float) -> bool:
        outcome = self._data <= _data(other)
        return compared(outcome, self, other) if STATE.watched else outcome

    def __gt__(self, other: Value | float) -> bool:
        outcome = self._data > _data(other)
        return compared(outcome, self, other) if STATE.watched else outcome

    def __ge__(self, other: Value | float) -> bool:
        outcome = self._data >= _data(other)
        return compared(outcome, self, other) if STATE.watched else outcome

    def __bool__(self) -> bool:
        outcome = self._data != 0.0
        return compared(outcome, self) if STATE.watched else outcome

    __float__ = _refused("float()", "use .data for the number, and v.exp() or gg.tanh(v) instead of math functions")
    __int__ = _refused("int()", "use int(v.data) for the number")
    __index__ = _refused(
        "an index out", "use int(v.data) for the number; to choose by a Value, multiply by a one-hot list"
    )
    __round__ = _refused("round()", "use round(v.data, digits) for the number, f'{v:.3f}' for its text")
    __floordiv__ = __rfloordiv__ = _refused(
        "//", "the slope of a whole number is 0; use v.data // c, or (v - v % c) / c"
    )
    __divmod__ = __rdivmod__ = _refused("divmod()", "use v % c for the rest, and (v - v % c) / c")
    as_integer_ratio = _refused("statistics", "use sum(values) / len(values) for the mean, .data for the number")

    def conjugate(self) -> Value:
        """Itself: a real number. `np.std` asks for it."""
        return self

    def __format__(self, spec: str) -> str:
        if STATE.watched:
            read(self, "text")
        return format(self._data, spec) if spec else repr(self)

    def __repr__(self) -> str:
        if STATE.watched:
            read(self, "text")
        label = f", label={self._label!r}" if self._label else ""
        grad = f", grad={self._grad!r}" if self.has_grad else ""
        return f"Value({self._data!r}{label}{grad})"

    def __copy__(self) -> Value:
        """A second node with the same number, behind it the same graph."""
        if STATE.watched:
            read(self, "copy")
        twin = object.__new__(self.__class__)
        for slot in Value.__slots__[1:]:
            setattr(twin, slot, getattr(self, slot))
        twin.__dict__.update(self.__dict__)
        return twin

    def __reduce_ex__(self, protocol: Any) -> Any:
        if STATE.watched:
            read(self, "copy")
        return reduced(self)

    def __setstate__(self, state: Any) -> None:
        restore(self, state)

    # -- for code written against micrograd ---------------------------------------------------------------

    @property
    def _prev(self) -> Operands:
        """The operands, each once and in order, without plain numbers that are part of the op (the 2 of `x**2`)."""
        constant = [one.constant for one in OPS[self._kind].inputs] if self._kind in OPS else ()
        return Operands(v for i, v in enumerate(self.inputs) if not any(constant[i : i + 1]))

    @_prev.setter
    def _prev(self, children: Iterable[Value]) -> None:
        become_own(self, children, self._op)

    @property
    def _op(self) -> str:
        given = self.__dict__.get("_symbol")
        if given is not None:
            return cast("str", given)
        if self._kind == "pow_const":
            return f"**{self.inputs[1]._data:g}"
        return OPS[self._kind].symbol if self._kind in OPS else ""

    @_op.setter
    def _op(self, symbol: str) -> None:
        self.__dict__["_symbol"] = symbol

    @property
    def _backward(self) -> Callable[[], None]:
        """Passes this node's gradient on to its inputs, once: the chain rule for one node."""
        return cast(
            "Callable[[], None]", self.__dict__.get("_rule") or partial(_pass_on, self, self.inputs, self.slopes)
        )

    @_backward.setter
    def _backward(self, rule: Callable[[], None]) -> None:
        assign_rule(self, rule)


class Operands(frozenset[Value]):
    """A set, as in micrograd, that is gone through in the order of the operands."""

    __slots__ = ("_order",)
    _order: dict[Value, None]

    def __new__(cls, nodes: Iterable[Value]) -> Operands:
        order = dict.fromkeys(nodes)
        operands = super().__new__(cls, order)
        operands._order = order
        return operands

    def __iter__(self) -> Iterator[Value]:
        return iter(self._order)


def _compares(frame: FrameType) -> bool:
    """Whether `==` or `!=` runs there, and not `in`, `list.index` or the like, which mean the node itself."""
    return frame.f_code.co_code[frame.f_lasti] == opmap["COMPARE_OP"]


def _pass_on(node: Value, inputs: tuple[Value, ...], slopes: tuple[float | None, ...]) -> None:
    for v, slope in zip(inputs, slopes):
        if slope is not None:
            v._grad += node._grad * slope


def _data(given: Value | float) -> float:
    return given._data if isinstance(given, Value) else number(given, "a comparison with a Value")


def constant(x: float) -> Value:
    """A plain number as a node of the graph."""
    node = Value(x)
    node._kind = CONST
    return node


@contextmanager
def watched(watcher: Watcher) -> Iterator[None]:
    """Inside, `watcher` is told of every comparison in this thread or task, and of every number that is handed out."""
    with LOCK:
        STATE.watched += 1
        Value.__hash__ = _watched_hash  # type: ignore[method-assign,assignment]  # at other times hashing must not be slowed down
    before = WATCHER.set(watcher)
    try:
        yield
    finally:
        WATCHER.reset(before)
        with LOCK:
            STATE.watched -= 1
            if not STATE.watched:
                Value.__hash__ = object.__hash__  # type: ignore[method-assign,assignment]  # as it was


def _watched_hash(self: Value) -> int:
    read(self, "hash()")
    return object.__hash__(self)
