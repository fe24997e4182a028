"""What a Value has beside its arithmetic: comparisons, conversions that are refused, copies, and micrograd's names."""

from __future__ import annotations

import operator
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from opcode import opmap
from types import FrameType
from typing import Any, Final, cast

from ..number import number
from ..rules.ops import OPS
from .copying import SLOTS, add_attributes, attributes, closure_error, deep_copied, reduced, restore
from .operators import Operators
from .origin import LOCK, STATE, is_value
from .own import OWN, assign_rule, become_own
from .record import is_recording
from .watch import compared, read


def _refused(what: str, way_out: str) -> Callable[..., Any]:
    def refuse(self: Any, *_: object) -> Any:
        if STATE.watched:
            read(self, what)
        raise TypeError(f"{what} of {self!r} would lose the gradient silently: {way_out}")

    return refuse


def _no_power(self: Any, other: object) -> Any:
    raise TypeError("a power is written a**b in Python; a^b is no operation on numbers")


def _comparison(holds: Callable[[float, float], bool]) -> Callable[[Any, Any], bool]:
    def compare(self: Any, other: Any) -> bool:
        x = other._data if is_value(other) else number(other, "a comparison with a Value")
        outcome = holds(self._data, x)
        return compared(outcome, self, other) if STATE.watched else outcome

    return compare


class Habits(Operators):
    """The part of `Value` that is told in a few words; what counts is in `value.py`."""

    __slots__ = ()

    # -- comparisons ------------------------------------------------------------------------------------------

    # `==` with a number compares the numbers. Two Values are equal if they are the same node, as in micrograd: sets and
    # lists of visited nodes rely on it.

    def __eq__(self: Any, other: Any) -> bool:
        if self is other:
            return True
        if is_value(other):
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

    __lt__, __le__, __gt__, __ge__ = map(_comparison, (operator.lt, operator.le, operator.gt, operator.ge))

    def __bool__(self: Any) -> bool:
        outcome = self._data != 0.0
        return compared(outcome, self) if STATE.watched else outcome

    # -- conversions and text ---------------------------------------------------------------------------------

    def __pos__(self: Any) -> Any:
        return self

    __float__ = _refused("float()", "use .data for the number, and v.exp() or gg.tanh(v) instead of math functions")
    __int__ = __trunc__ = _refused("int()", "use int(v.data) for the number")
    __index__ = _refused(
        "an index out", "use int(v.data) for the number; to choose by a Value, multiply by a one-hot list"
    )
    __round__ = _refused("round()", "use round(v.data, digits) for the number, f'{v:.3f}' for its text")
    __floordiv__ = __rfloordiv__ = _refused(
        "//", "the slope of a whole number is 0; use v.data // c, or (v - v % c) / c"
    )
    __divmod__ = __rdivmod__ = _refused("divmod()", "use v % c for the rest, and (v - v % c) / c")
    __xor__ = __rxor__ = _no_power
    as_integer_ratio = _refused("statistics", "use sum(values) / len(values) for the mean, .data for the number")

    def conjugate(self: Any) -> Any:
        """Itself: a real number. `np.std` asks for it."""
        return self

    def __format__(self: Any, spec: str) -> str:
        if STATE.watched:
            read(self, "text")
        return format(self._data, spec) if spec else repr(self)

    # -- subclasses and copies --------------------------------------------------------------------------------

    def __init_subclass__(cls, **options: Any) -> None:
        """A subclass with an `__add__` or `__mul__` of its own has it for `1 + x` and `2 * x`, too."""
        super().__init_subclass__(**options)
        if cls.__mro__[1] is Habits:
            return  # Value itself
        STATE.subclassed = True
        for given, turned in (("__add__", "__radd__"), ("__mul__", "__rmul__")):
            nearest = next(base for base in cls.__mro__ if given in vars(base) or turned in vars(base))
            if turned not in vars(nearest):
                setattr(cls, turned, vars(nearest)[given])

    def __copy__(self: Any) -> Any:
        """A second node with the same number, behind it the same graph."""
        if STATE.watched:
            read(self, "copy")
        if self._kind == OWN:
            raise closure_error(self)
        twin = object.__new__(self.__class__)
        for slot in (*SLOTS, "_mark", "_origin"):
            setattr(twin, slot, getattr(self, slot))
        add_attributes(twin, attributes(self))
        return twin

    def __deepcopy__(self: Any, memo: dict[int, Any]) -> Any:
        if STATE.watched:
            read(self, "copy")
        return deep_copied(self, memo)

    def __reduce_ex__(self: Any, protocol: Any) -> Any:
        if STATE.watched:
            read(self, "copy")
        return reduced(self)

    def __setstate__(self: Any, state: Any) -> None:
        restore(self, state)

    # -- for code written against micrograd -------------------------------------------------------------------

    @property
    def _prev(self: Any) -> Operands:
        """The operands, each once and in order, without plain numbers that are part of the op (the 2 of `x**2`)."""
        constant = [one.constant for one in OPS[self._kind].inputs] if self._kind in OPS else ()
        return Operands(v for i, v in enumerate(self.inputs) if not any(constant[i : i + 1]))

    @_prev.setter
    def _prev(self: Any, children: Iterable[Any]) -> None:
        become_own(self, children, self._op, is_recording())

    @property
    def _op(self: Any) -> str:
        given = self.__dict__.get("_symbol")
        if given is not None:
            return cast("str", given)
        if self._kind == "pow_const":
            return f"**{self.inputs[1]._data:g}"
        return OPS[self._kind].symbol if self._kind in OPS else ""

    @_op.setter
    def _op(self: Any, symbol: str) -> None:
        self.__dict__["_symbol"] = symbol

    @property
    def _backward(self: Any) -> Callable[[], None]:
        """Passes this node's gradient on to its inputs, once: the chain rule for one node."""
        rule = self.__dict__.get("_rule") or partial(_pass_on, self, self.inputs, self.slopes)
        return cast("Callable[[], None]", rule)

    @_backward.setter
    def _backward(self: Any, rule: Callable[[], None]) -> None:
        assign_rule(self, rule)


class Operands(frozenset[Any]):
    """A set, as in micrograd, that is gone through in the order of the operands."""

    __slots__ = ("_order",)
    _order: dict[Any, None]

    def __new__(cls, nodes: Iterable[Any]) -> Operands:
        """Each node once, as it comes first."""
        order = dict.fromkeys(nodes)
        operands = super().__new__(cls, order)
        operands._order = order
        return operands

    def __iter__(self) -> Iterator[Any]:
        return iter(self._order)


@cache
def check_class(kind: type) -> None:
    """Refuse a subclass that calls different nodes equal: graphs are walked with sets and dicts of nodes."""
    for base in kind.__mro__[: kind.__mro__.index(Habits)]:
        if "__eq__" in vars(base) or "__hash__" in vars(base):
            raise TypeError(
                f"{kind.__name__} has an __eq__ or __hash__ of its own, and graphs are walked by nodes, not by their "
                "numbers: leave both out (of a dataclass with @dataclass(eq=False)), and compare .data"
            )


def _compares(frame: FrameType) -> bool:
    """Whether `==` or `!=` runs there, and not `in`, `list.index` or the like, which mean the node itself."""
    return frame.f_code.co_code[frame.f_lasti] == opmap["COMPARE_OP"]


def _pass_on(node: Any, inputs: tuple[Any, ...], slopes: tuple[float | None, ...]) -> None:
    for v, slope in zip(inputs, slopes):
        if slope is not None:
            v._grad += node._grad * slope


CHANGES_OF_CLASS: Final = 400 if sys.version_info >= (3, 13) else sys.maxsize
"""So often `Value` gets another `__hash__`, then it keeps the slower one: Python 3.13 no longer remembers where the
attributes of a class are once it has been changed a thousand times."""


class _Hashing:
    changes = 0


_hashing: Final = _Hashing()


@contextmanager
def watched() -> Iterator[None]:
    """Inside, whoever is `told(…)` by `watch.py` hears of every comparison and of every number that is handed out."""
    with LOCK:
        STATE.watched += 1
        if STATE.watched == 1 and _hashing.changes < CHANGES_OF_CLASS:
            _hashing.changes += 1
            Habits.__hash__ = _watched_hash  # type: ignore[method-assign,assignment]  # at other times it is quick
    try:
        yield
    finally:
        with LOCK:
            STATE.watched -= 1
            if not STATE.watched and _hashing.changes < CHANGES_OF_CLASS:
                Habits.__hash__ = object.__hash__  # type: ignore[method-assign,assignment]  # as it was


def _watched_hash(self: Any) -> int:
    read(self, "hash()")
    return object.__hash__(self)
