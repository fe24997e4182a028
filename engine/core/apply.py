"""`apply`: an op of the table on any mix of Values and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..number import number
from ..rules.floats import float_function
from ..rules.op import Op
from ..rules.ops import OPS
from .origin import is_value
from .record import constant, recorder, reflected_recorder
from .undefined import UNDEFINED, domain_error


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
    values = [v for v in given if is_value(v)]
    held = [v if is_value(v) else number(v, name) for v in given]
    if not values:
        try:
            return float_function(op)(*held)
        except UNDEFINED as error:
            raise domain_error(name, tuple(held), error) from None
    if any(one.constant and is_value(v) for one, v in zip(op.inputs, held)):
        constants = ", ".join(one.name for one in op.inputs if one.constant)
        raise TypeError(f"{name} takes a plain number for {constants}, got a Value: no gradient could flow into it")
    if len(held) > 2:
        return recorder(op, name)(*(v if is_value(v) else constant(values[0], v) for v in held))
    if is_value(held[0]):
        return recorder(op, name)(*held)
    return reflected_recorder(op, f"r{name}")(held[1], held[0])


def _complete(op: Op, operands: Sequence[Any]) -> list[Any]:
    missing = [one.default for one in op.inputs[len(operands) :]]
    if len(operands) > len(op.inputs) or None in missing:
        count = f"{len(op.inputs)} operand" + "s" * (len(op.inputs) > 1)
        raise TypeError(f"{op.name} takes {count} ({', '.join(map(str, op.inputs))}), got {len(operands)}")
    return [*operands, *missing]
