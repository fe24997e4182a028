"""Which operand is which: the marks that tell the operands of `a − b`, `a ** b` or `where(c, a, b)` apart.

Where swapping operands changes nothing, as in a sum, there is none. The second operand of an infix op carries the op's
sign: the edge marked "−" is what is subtracted, the one marked "/" divides.
"""

from __future__ import annotations

from functools import lru_cache
from math import isclose
from typing import Any, Final

from ...engine.core.functions import function
from ...engine.core.own import OWN, own_name
from ...engine.errors import DomainError
from ...engine.rules.ops import OPS, Op
from ...engine.shown import visible
from ..model.text import shorten

TRIALS: Final = 4
LONGEST_SIGN: Final = 2
_SUBSCRIPTS: Final = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_COMMUTING_SIGNS: Final = ("+", "*", "×", "·")
"""Signs of ops that are not in the table, such as a learner's own, whose operands may be swapped."""


def op_symbol(name: str) -> str:
    """What a drawing writes for an op: its symbol, or its name where another op in the table has the same symbol.

    >>> op_symbol("sub"), op_symbol("pow"), op_symbol("pow_const")
    ('−', '**', '**')
    """
    own = own_name(name)
    if own:
        return shorten(visible(f"{own} (own)" if own != OWN else "own rule"))
    symbol = OPS[name].symbol if name in OPS else name
    twins = {other for other, op in OPS.items() if op.symbol == symbol} - {"pow", "pow_const", name}
    return "−" if symbol == "-" else shorten(visible(name if twins else symbol))


def operand_marks(name: str, count: int) -> tuple[str, ...]:
    """The mark of each of the `count` operands of op `name`; "" where none is needed.

    >>> operand_marks("add", 2), operand_marks("sub", 2), operand_marks("leaky_relu", 2)
    (('', ''), ('', '−'), ('', 'k'))
    >>> operand_marks("dot", 5)
    ('w₁', 'w₂', 'x₁', 'x₂', 'b')
    """
    sign = op_symbol(name)
    infix = count == 2 and len(sign) <= LONGEST_SIGN and not any(map(str.isalnum, sign))
    if name not in OPS:
        if count < 2 or sign in _COMMUTING_SIGNS:
            return ("",) * count
        return ("", sign) if infix else tuple(str(k + 1) for k in range(count))
    op = OPS[name]
    if count < 2 or commutes(op):
        return ("",) * count
    if infix:
        return ("", sign)
    if count == 2 and op.slopes[1] is None:  # a constant that shapes a function of one variable
        return ("", op.names[1])
    places = [op.place(k, count) for k in range(count)]
    several = any(element for _, element in places)
    numbers = ["" if element is None or not several else str(element + 1) for _, element in places]
    return tuple(op.names[part] + number.translate(_SUBSCRIPTS) for (part, _), number in zip(places, numbers))


@lru_cache(maxsize=512)
def commutes(op: Op) -> bool:
    """Whether swapping any two operands changes nothing, as tried at points of its domain.

    >>> [name for name in ("add", "sub", "mul", "max", "pow", "sum", "dot") if commutes(OPS[name])]
    ['add', 'mul', 'max', 'sum']
    """
    count = 5 if op.variadic else len(op.names)
    parts = [op.place(k, count)[0] for k in range(count)]
    for trial in range(TRIALS):
        points = []
        for k, part in enumerate(parts):
            low, high = op.domain[part] if op.domain else (-2.0, 2.0)
            points.append(low + (high - low) * ((0.37 + 0.618 * k + 0.271 * trial) % 1.0))
        for k in range(count - 1):
            swapped = [*points[:k], points[k + 1], points[k], *points[k + 2 :]]
            try:
                if not isclose(_applied(op, points), _applied(op, swapped), rel_tol=1e-12):
                    return False
            except (DomainError, ArithmeticError):
                return False
    return True


def _applied(op: Op, operands: list[float]) -> float:
    if not op.variadic:
        return float(function(op)(*operands))
    arguments: dict[int, Any] = {}
    for k, x in enumerate(operands):
        part, element = op.place(k, len(operands))
        if element is None:
            arguments[part] = x
        else:
            arguments.setdefault(part, []).append(x)
    return float(function(op)(*arguments.values()))
