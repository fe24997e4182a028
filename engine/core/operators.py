"""The ops of the table as operators and methods of `Value`, and `apply`, which takes any mix of Values and numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from ..number import number
from ..rules.floats import float_function
from ..rules.op import Op
from ..rules.ops import OPS
from .record import UNDEFINED, constant, domain_error, recorder, reflected_recorder

if TYPE_CHECKING:
    from .value import Value

OPERATORS: Final = {
    "add": "add",
    "sub": "sub",
    "mul": "mul",
    "div": "truediv",
    "mod": "mod",
    "pow": "pow",
    "neg": "neg",
    "abs": "abs",
}
"""Ops spelled as operators. Every other op that needs one operand is a method under its own name."""


class Made:
    """A method that is made from its op when it is first looked up, and takes its own place: imports stay quick."""

    def __init__(self, make: Callable[..., Any], *given: Any) -> None:
        self.make, self.given = make, given

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        setattr(Operators, self.name, self.make(*self.given))
        return getattr(owner if instance is None else instance, self.name)


def methods_of(op: Op) -> dict[str, Made]:
    """The methods that `Value` has by an op of the table, by their names."""
    if op.name == "pow":
        return {"__pow__": Made(_power), "__rpow__": Made(reflected_recorder, op, "__rpow__")}
    if op.name in OPERATORS:
        word = OPERATORS[op.name]
        made = {f"__{word}__": Made(recorder, op, f"__{word}__")}
        return made | ({f"__r{word}__": Made(reflected_recorder, op, f"__r{word}__")} if len(op.inputs) == 2 else {})
    if not op.unary:
        return {}  # a function alone: gg.max(a, b)
    return {op.name: Made(recorder if len(op.inputs) <= 2 else _with_constants, op, op.name)}


def _with_constants(op: Op, name: str) -> Callable[..., Any]:
    def method(self: Value, *constants: float) -> Any:
        return apply(op.name, self, *constants)

    method.__name__, method.__doc__ = name, op.rule
    return method


def _power() -> Callable[..., Any]:
    of_values, of_number = recorder(OPS["pow"], "__pow__"), recorder(OPS["pow_const"], "__pow__")

    def __pow__(self: Value, other: Any) -> Any:  # noqa: N807  # it is that method
        """`a ** b` for two Values, `a ** c` for a plain number."""
        return (of_values if isinstance(other, Operators) else of_number)(self, other)

    return __pow__


if TYPE_CHECKING:

    class Operators:
        """The methods that follow from the op table, declared for type checkers; a test compares them with it."""

        def __add__(self, other: Any) -> Value: ...
        def __radd__(self, other: Any) -> Value: ...
        def __sub__(self, other: Any) -> Value: ...
        def __rsub__(self, other: Any) -> Value: ...
        def __mul__(self, other: Any) -> Value: ...
        def __rmul__(self, other: Any) -> Value: ...
        def __truediv__(self, other: Any) -> Value: ...
        def __rtruediv__(self, other: Any) -> Value: ...
        def __mod__(self, other: Any) -> Value: ...
        def __rmod__(self, other: Any) -> Value: ...
        def __pow__(self, other: Any) -> Value: ...
        def __rpow__(self, other: Any) -> Value: ...
        def __neg__(self) -> Value: ...
        def __abs__(self) -> Value: ...
        def reciprocal(self) -> Value: ...
        def exp(self) -> Value: ...
        def exp2(self) -> Value: ...
        def expm1(self) -> Value: ...
        def log(self) -> Value: ...
        def log2(self) -> Value: ...
        def log10(self) -> Value: ...
        def log1p(self) -> Value: ...
        def sqrt(self) -> Value: ...
        def cbrt(self) -> Value: ...
        def sin(self) -> Value: ...
        def cos(self) -> Value: ...
        def tan(self) -> Value: ...
        def asin(self) -> Value: ...
        def acos(self) -> Value: ...
        def atan(self) -> Value: ...
        def sinh(self) -> Value: ...
        def cosh(self) -> Value: ...
        def tanh(self) -> Value: ...
        def asinh(self) -> Value: ...
        def acosh(self) -> Value: ...
        def atanh(self) -> Value: ...
        def sigmoid(self) -> Value: ...
        def relu(self) -> Value: ...
        def leaky_relu(self, k: float = 0.01) -> Value: ...
        def elu(self, k: float = 1.0) -> Value: ...
        def softplus(self) -> Value: ...
        def silu(self) -> Value: ...
        def gelu(self) -> Value: ...
        def sign(self) -> Value: ...

else:
    _methods = {name: method for op in OPS.values() for name, method in methods_of(op).items()}
    Operators = type("Operators", (), {"__slots__": (), "__doc__": __doc__, **_methods})


def apply(name: str, *operands: Any) -> Any:
    """Apply op `name` to Values and numbers; with numbers only it returns a float.

    Raises:
        DomainError: where the op, or a slope of it, is undefined.
        TypeError: for operands that are neither Values nor real numbers, or too few of them.
    """
    op = OPS[name]
    if op.many:
        return recorder(op, name)(*operands)
    given = _complete(op, operands)
    values = [v for v in given if isinstance(v, Operators)]
    held = [v if isinstance(v, Operators) else number(v, name) for v in given]
    if not values:
        try:
            return float_function(op)(*held)
        except UNDEFINED as error:
            raise domain_error(name, tuple(held), error) from None
    if any(one.constant and isinstance(v, Operators) for one, v in zip(op.inputs, held)):
        constants = ", ".join(one.name for one in op.inputs if one.constant)
        raise TypeError(f"{name} takes a plain number for {constants}, got a Value: no gradient could flow into it")
    if len(held) > 2:
        return recorder(op, name)(*(v if isinstance(v, Operators) else constant(values[0], v) for v in held))
    if isinstance(held[0], Operators):
        return recorder(op, name)(*held)
    return reflected_recorder(op, f"r{name}")(held[1], held[0])


def _complete(op: Op, operands: Sequence[Any]) -> list[Any]:
    missing = [one.default for one in op.inputs[len(operands) :]]
    if len(operands) > len(op.inputs) or None in missing:
        count = f"{len(op.inputs)} operand" + "s" * (len(op.inputs) > 1)
        raise TypeError(f"{op.name} takes {count} ({', '.join(map(str, op.inputs))}), got {len(operands)}")
    return [*operands, *missing]
