"""`Value`: one number that remembers how it was computed.

Arithmetic on Values records a graph. Every node stores its local slopes when it is made, so the chain rule
in `backward.py` is one loop over data. Operators and methods follow from the op table (`operators.py`); comparisons,
copies and the names that micrograd's followers know are in `habits.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from ..errors import GraphError
from ..number import number
from ..shown import described
from . import record
from .backward import WALKING, backward
from .chain import own_slopes
from .habits import Habits, check_class, watched
from .operators import Operators
from .origin import CONST, DETACHED, LEAF, STATE, Origin, change
from .own import OWN, WRITTEN, become_own
from .record import NOT_COMPUTED, is_recording, no_grad
from .watch import read

__all__ = ["CONST", "DETACHED", "LEAF", "Value", "constant", "no_grad", "watched"]


class Value(Habits):
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
        if self.__class__ is not Value:
            check_class(self.__class__)  # type: ignore[arg-type]  # mypy: a class is hashable
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
            become_own(self, cast("Iterable[Value]", _children), _op, is_recording())

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
            raise TypeError(f"Value.label takes a str, got {described(new)}")
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
        node = cast("Value", record.detached(self.__class__, self._data))
        if self._label:
            node._label = self._label
        return node

    # -- numbers ------------------------------------------------------------------------------------------

    def __radd__(self, other: Any) -> Value:
        """A number plus this Value."""
        if other.__class__ is int and other == 0:
            return self  # the start of Python's sum(): no stray node
        return Operators.__radd__(self, other)

    def __repr__(self) -> str:
        if STATE.watched:
            read(self, "text")
        label = f", label={self._label!r}" if self._label else ""
        grad = f", grad={self._grad!r}" if self.has_grad else ""
        return f"Value({self._data!r}{label}{grad})"


def constant(x: float) -> Value:
    """A plain number as a node of the graph."""
    node = Value(x)
    node._kind = CONST
    return node
