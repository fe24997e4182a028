"""The op methods of `Value`: derived from the op table at import, declared here for type checkers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ..rules.ops import OPS
from . import record

if TYPE_CHECKING:
    from .value import Value

OPERATORS: Final = {
    "add": "add",
    "sub": "sub",
    "mul": "mul",
    "div": "truediv",
    "pow": "pow",
    "neg": "neg",
    "abs": "abs",
}
"""Ops spelled as operators. Every other op that needs one operand is a method under its own name."""


class Derived:
    """What `install_all` adds to `Value`; nothing of it exists before."""

    __slots__ = ()

    if TYPE_CHECKING:

        def __add__(self, other: Any) -> Value: ...
        def __sub__(self, other: Any) -> Value: ...
        def __rsub__(self, other: Any) -> Value: ...
        def __mul__(self, other: Any) -> Value: ...
        def __rmul__(self, other: Any) -> Value: ...
        def __truediv__(self, other: Any) -> Value: ...
        def __rtruediv__(self, other: Any) -> Value: ...
        def __pow__(self, other: Any) -> Value: ...
        def __rpow__(self, other: Any) -> Value: ...
        def __neg__(self) -> Value: ...
        def __abs__(self) -> Value: ...
        def exp(self) -> Value: ...
        def log(self) -> Value: ...
        def sqrt(self) -> Value: ...
        def sin(self) -> Value: ...
        def cos(self) -> Value: ...
        def tan(self) -> Value: ...
        def tanh(self) -> Value: ...
        def sigmoid(self) -> Value: ...
        def relu(self) -> Value: ...
        def leaky_relu(self, k: float = 0.01) -> Value: ...
        def softplus(self) -> Value: ...
        def silu(self) -> Value: ...
        def gelu(self) -> Value: ...


def install(name: str, value_class: type[Value]) -> None:
    """Derive the methods of op `name` and put them on `Value`."""
    op = OPS[name]
    if name in OPERATORS:
        spelled = OPERATORS[name]
        setattr(value_class, f"__{spelled}__", record.method(name, with_number="pow_const" if name == "pow" else None))
        if len(op.inputs) == 2 and name != "add":
            setattr(value_class, f"__r{spelled}__", record.method(name, reflected=True))
    elif len(op.inputs) == 1 and not op.variadic:
        setattr(value_class, name, record.method(name))
    elif all("=" in text for text in op.inputs[1:]) and not op.variadic:
        setattr(value_class, name, _with_defaults(name))


def install_all(value_class: type[Value]) -> None:
    """Put the methods of the whole table on `Value`; `Value.__radd__` is written out there."""
    for name in OPS:
        install(name, value_class)


def _with_defaults(name: str) -> Any:
    names = OPS[name].names[1:]

    def method(self: Value, *constants: float, **named: float) -> Any:
        unknown = named.keys() - set(names[len(constants) :])
        if unknown:
            raise TypeError(f"{name} takes {', '.join(names)}, got {', '.join(sorted(unknown))}")
        defaults = dict(text.split("=") for text in OPS[name].inputs[1:])
        rest = [named.get(n, float(defaults[n])) for n in names[len(constants) :]]
        return record.apply(name, self, *constants, *rest)

    method.__name__ = name
    method.__doc__ = f"{name}({', '.join(OPS[name].inputs)}) = {OPS[name].forward}"
    return method
