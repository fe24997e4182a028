"""`Value`: one number that remembers how it was computed.

Arithmetic on Values records a graph. Every node stores its local slopes when it is made, so the chain rule
in `backward.py` is one loop over data. Operators and methods follow from the op table (`operators.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final, cast, final

from ..number import number
from ..rules.ops import OPS
from . import record
from .backward import WALKING, backward
from .operators import Operators
from .origin import STATE, Origin, change
from .record import CONST, DETACHED, LEAF, NOT_COMPUTED, no_grad

__all__ = ["COMPARED", "CONST", "DETACHED", "LEAF", "Value", "constant", "no_grad"]

COMPARED: Final[ContextVar[Callable[[bool], bool] | None]] = ContextVar("COMPARED", default=None)
"""Who is told of comparisons: gets each outcome, and returns the one to go on with."""


@final
class Value(Operators):
    """A node of the computation graph.

    Args:
        data: a real number (int, float, NumPy scalar, ...), kept as a Python float.
        label: a name for messages and drawings.

    Raises:
        TypeError: if `data` is not a real number.

    >>> x = Value(3.0, label="x")
    >>> y = x * x
    >>> y.backward()
    >>> y.data, x.grad
    (9.0, 6.0)
    """

    __slots__ = ("_a", "_b", "_data", "_grad", "_kind", "_label", "_mark", "_origin", "_slope_a", "_slope_b")

    _a: Any
    _b: Any
    _data: float
    _grad: float
    _label: str
    _mark: int
    _kind: str
    _slope_a: Any
    _origin: int | Origin
    _slope_b: Any

    def __init__(self, data: float, label: str = "") -> None:
        self._data = data if data.__class__ is float else number(data)
        if label.__class__ is str:
            self._label = label
        else:
            self.label = label
        self._grad = NOT_COMPUTED
        self._kind = LEAF
        self._mark = 0
        self._origin = STATE.clock
        self._a = self._b = self._slope_a = self._slope_b = None

    # -- what a node knows --------------------------------------------------------------------------------

    @property
    def data(self) -> float:
        """The number. Setting it does not touch results computed before; they remember the one they used."""
        return self._data

    @data.setter
    def data(self, new: float) -> None:
        change(self, new if new.__class__ is float else number(new, "Value.data"))

    @property
    def grad(self) -> float:
        """∂(result)/∂(this) as of the last `backward()`; `has_grad` tells 0 from not computed. None unsets it."""
        return NOT_COMPUTED if self._kind == CONST else self._grad

    @grad.setter
    def grad(self, new: float | None) -> None:
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
        """Name of the op in the table; `""` for a leaf, `"const"` for a number, `"detached"` without history."""
        return self._kind

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
        """∂(this)/∂(input) for each input, as stored when this was computed; None for a constant."""
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

    def __lt__(self, other: Value | float) -> bool:
        return _compared(self._data < _data(other))

    def __le__(self, other: Value | float) -> bool:
        return _compared(self._data <= _data(other))

    def __gt__(self, other: Value | float) -> bool:
        return _compared(self._data > _data(other))

    def __ge__(self, other: Value | float) -> bool:
        return _compared(self._data >= _data(other))

    def __bool__(self) -> bool:
        return _compared(self._data != 0.0)

    def __float__(self) -> float:
        raise TypeError(
            f"float({self!r}) would lose the gradient silently: use .data for the number, "
            "or Value methods (v.exp(), gg.tanh(v)) instead of math functions"
        )

    __int__ = __float__

    def __format__(self, spec: str) -> str:
        return format(self._data, spec) if spec else repr(self)

    def __repr__(self) -> str:
        label = f", label={self._label!r}" if self._label else ""
        grad = f", grad={self._grad!r}" if self.has_grad else ""
        return f"Value({self._data!r}{label}{grad})"

    def __reduce__(self) -> Any:
        raise TypeError(
            "a Value is not pickled or deep-copied: use gg.Graph(v).to_json() for a graph, v.detach() for a number"
        )

    # -- for code written against micrograd ---------------------------------------------------------------

    @property
    def _prev(self) -> set[Value]:
        return set(self.inputs)

    @property
    def _op(self) -> str:
        if self._kind == "pow_const":
            return f"**{self.inputs[1]._data:g}"
        return OPS[self._kind].symbol if self._kind in OPS else ""

    def _backward(self) -> None:
        """Pass this node's gradient on to its inputs, once: the chain rule for one node."""
        for v, slope in zip(self.inputs, self.slopes):
            if slope is not None:
                v._grad += self._grad * slope


def _compared(outcome: bool) -> bool:
    told = COMPARED.get()
    return outcome if told is None else told(outcome)


def _data(given: Value | float) -> float:
    return given._data if isinstance(given, Value) else number(given, "a comparison with a Value")


def constant(x: float) -> Value:
    """A plain number as a node of the graph."""
    node = Value(x)
    node._kind = CONST
    return node
