"""The error for an op that has no finite value at its operands, told in the user's own names."""

from __future__ import annotations

import ast
from typing import Any, Final

from ..errors import DomainError, DomainOverflowError, DomainZeroDivisionError
from ..rules.dialect import ATOM, SIGNED, Code, Part, write
from ..rules.floats import float_function
from ..rules.op import Op
from ..rules.ops import OPS
from ..shown import visible
from .origin import CONST, is_value

UNDEFINED: Final = (ValueError, ZeroDivisionError, OverflowError)


class _AsTyped(Code):
    def number(self, x: float) -> Part:
        return repr(x).removesuffix(".0"), SIGNED if x < 0 else ATOM


_PYTHON: Final = _AsTyped(power="{0} ** {1}", choice_="{yes} if {test} else {no}")
_DEPTH, _LENGTH = 3, 32
"""An operand without a label is called by its formula, so many ops deep and so many characters long at most."""


def domain_error(name: str, operands: tuple[Any, ...], error: Exception) -> DomainError:
    """The error for op `name` that failed on `operands` (Values and numbers) with `error`."""
    op = OPS[name]
    numbers = [getattr(v, "_data", v) for v in operands]
    parts = _called(op, operands)
    call = _formula(op, parts)[0]
    given = {part[0]: x for part, v, x in zip(parts, operands, numbers) if _is_variable(v)}
    where = f" at {', '.join(f'{text} = {x!r}' for text, x in given.items())}" if given else ""
    try:
        float_function(op)(*numbers)
        what = f"the slope of {call} is not finite"
    except OverflowError:
        return DomainOverflowError(f"{call} overflows{where}: the result is larger than 1.8e308, the largest float")
    except UNDEFINED:
        what = f"{call} is undefined"
    kinds: dict[type[Exception], type[DomainError]] = {
        ZeroDivisionError: DomainZeroDivisionError,
        OverflowError: DomainOverflowError,
    }
    reason = ZeroDivisionError if op.symbol == "**" and numbers[0] == 0.0 else type(error)  # as Python's own 0.0 ** -1
    needs = op.needs.format(**{n: part[0] if _is_variable(v) else n for n, part, v in zip(op.names, parts, operands)})
    why = f"it needs {needs}" if needs else str(error)
    return kinds.get(reason, DomainError)(f"{what}{where} ({why})")


def formula_of(node: Any) -> str:
    """What a message calls a node: by label, by number or by a short formula; else by its op and its number.

    >>> from glassgrad import Value
    >>> formula_of(Value(2.0, "x") * Value(3.0, "w")), formula_of(Value(2.0) * 3)
    ('x * w', 'mul = 6')
    """
    part = _part(node, _DEPTH)
    return part[0] if part else f"{visible(node.op)} = {node._data:.4g}" if node.op else repr(node._data)


def _is_variable(v: Any) -> bool:
    return is_value(v) and v._kind != CONST


def _called(op: Op, operands: tuple[Any, ...]) -> list[Part]:
    """What the operands are called: by label, by number, by formula, and by the op's letter where all else fails."""
    found = [_part(v, _DEPTH) for v in operands]
    taken = {part[0] for part in found if part}
    letters = []
    for letter in op.names:
        while letter in taken:
            letter += "'"
        letters.append(letter)
    return [part or (letter, ATOM) for part, letter in zip(found, letters)]


def _part(v: Any, depth: int) -> Part | None:
    if not _is_variable(v):
        return _PYTHON.number(getattr(v, "_data", v))
    if v._label:
        return _PYTHON.name(visible(v._label))
    op = OPS.get(v._kind)
    if op is None or op.many or not depth:
        return None
    parts = [_part(u, depth - 1) for u in v.inputs]
    part = _formula(op, [p for p in parts if p]) if all(parts) else None
    return part if part and len(part[0]) <= _LENGTH else None


def _formula(op: Op, operands: list[Part]) -> Part:
    """The op on these operands: infix if its formula is one operator on them, else as a call."""
    tree, bound = op.forward.tree, dict(zip(op.names, operands))
    if isinstance(tree, (ast.BinOp, ast.UnaryOp)) and all(
        isinstance(part, ast.Constant) or (isinstance(part, ast.Name) and part.id in bound)
        for part in ast.iter_child_nodes(tree)
        if isinstance(part, ast.expr)
    ):
        return write(tree, _PYTHON, bound.__getitem__)
    return _PYTHON.call(op.name, operands)
