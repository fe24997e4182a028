"""Complex numbers that know how far rounding may have moved them, and the formulas of the op table on them.

The complex step (Squire & Trapp 1998, SIAM Review 40(1), 110-112) needs nothing but the formula of a value: its
imaginary part at a + ih is h times its slope. A comparison asks the imaginary parts where the real ones are equal, so
that a + ih lies just above a and a − ih just below: at a kink either side has its own slope.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from functools import cache
from typing import Any, Final

from ..rules.derive import called_ops, define, function_source
from ..rules.dialect import Code
from ..rules.floats import fold
from ..rules.formula import PRIMITIVES
from ..rules.op import Op
from ..rules.ops import OPS

UNIT: Final = 2.0**-52
"""How far one operation may be off, relatively."""
TINY: Final = 5e-324
"""The smallest float: what vanishes may have been as large."""
_LIBRARY: Final = 4.0
"""How many units a function of the C library may be off."""


class Rounded:
    """A complex number `z`, and how far its real and its imaginary part may be off.

    >>> seventh = Rounded(1.0) / 7.0
    >>> 0.0 < seventh.real_error < 1e-15, (seventh - 1.0).real_error >= seventh.real_error
    (True, True)
    """

    __slots__ = ("imag_error", "real_error", "z")

    def __init__(self, z: complex, real_error: float = 0.0, imag_error: float = 0.0) -> None:
        self.z = complex(z)
        finite = math.isfinite(self.z.real)  # an exp that overflows saturates: what it is part of is exact
        self.real_error, self.imag_error = (real_error, imag_error) if finite else (0.0, 0.0)

    def __add__(self, other: Any) -> Rounded:
        other = lifted(other)
        return Rounded(
            self.z + other.z,
            self.real_error + other.real_error + _lost(self.z.real, other.z.real),
            self.imag_error + other.imag_error + _lost(self.z.imag, other.z.imag),
        )

    def __neg__(self) -> Rounded:
        return Rounded(-self.z, self.real_error, self.imag_error)

    def __mul__(self, other: Any) -> Rounded:
        other = lifted(other)
        (a, b), (c, d) = (_parts(x.z) for x in (self, other))
        across = UNIT * (abs(a * d) + abs(b * c)) + TINY
        return Rounded(
            self.z * other.z,
            abs(a) * other.real_error + abs(c) * self.real_error + UNIT * (abs(a * c) + abs(b * d)) + TINY,
            abs(a) * other.imag_error
            + abs(d) * self.real_error
            + abs(b) * other.real_error
            + abs(c) * self.imag_error
            + across,
        )

    def __truediv__(self, other: Any) -> Rounded:
        other = lifted(other)
        inverse = 1.0 / other.z
        c, d = _parts(inverse)
        turned = Rounded(
            inverse,
            other.real_error * c * c + UNIT * abs(c),
            other.imag_error * c * c + 2 * abs(d * c) * other.real_error + UNIT * abs(d) + TINY,
        )
        return self * turned

    def __radd__(self, other: float) -> Rounded:
        return lifted(other) + self

    def __sub__(self, other: Any) -> Rounded:
        return self + -lifted(other)

    def __rsub__(self, other: float) -> Rounded:
        return lifted(other) + -self

    def __rmul__(self, other: float) -> Rounded:
        return lifted(other) * self

    def __rtruediv__(self, other: float) -> Rounded:
        return lifted(other) / self

    def __lt__(self, other: Any) -> bool:
        return _parts(self.z) < _parts(lifted(other).z)

    def __le__(self, other: Any) -> bool:
        return _parts(self.z) <= _parts(lifted(other).z)

    def __gt__(self, other: Any) -> bool:
        return _parts(self.z) > _parts(lifted(other).z)

    def __ge__(self, other: Any) -> bool:
        return _parts(self.z) >= _parts(lifted(other).z)

    def __eq__(self, other: object) -> bool:
        return bool(self.z == lifted(other).z)

    def __hash__(self) -> int:
        return hash(self.z)


def _lost(a: float, b: float) -> float:
    """What rounding takes from a + b, exactly (Knuth's TwoSum): the exponent of a negative base stays whole."""
    total = a + b
    back = total - a
    return abs((a - (total - back)) + (b - back)) if math.isfinite(total) else 0.0


def _parts(z: complex) -> tuple[float, float]:
    return z.real, z.imag


def lifted(x: Any) -> Rounded:
    """A number as a Rounded one that is exact."""
    return x if isinstance(x, Rounded) else Rounded(x)


# -- functions ----------------------------------------------------------------------------------------------------


def _exp(z: complex) -> complex:
    try:
        return cmath.exp(z)
    except OverflowError:
        return complex(math.inf)


def _expm1(z: complex) -> complex:
    try:
        return complex(math.expm1(z.real), math.exp(z.real) * math.sin(z.imag))
    except OverflowError:
        return complex(math.inf)


def _log1p(z: complex) -> complex:
    return complex(math.log1p(z.real), math.atan2(z.imag, 1.0 + z.real))


def _cube_root(z: complex) -> complex:
    return -((-z) ** (1 / 3)) if z.real < 0 else z ** (1 / 3)


def _power(a: complex, b: complex) -> complex:
    """a to the power b, exact to rounding for a negative base, too, where b is whole and real."""
    if a.real == 0.0:
        if b.real % 1.0:
            raise ValueError("at 0 a broken power is no power of a complex number nearby")
        return a**b
    try:
        size = math.pow(a.real, b.real)
    except OverflowError:
        return complex(math.inf)
    tilt = math.log(abs(a.real)) * 1j * b.imag if b.imag else 0.0
    return size * cmath.exp(b * complex(0.0, math.atan2(a.imag / a.real, 1.0)) + tilt)


def _applied(function: Callable[..., complex]) -> Callable[..., Rounded]:
    """A complex function on Rounded numbers: it is asked once more where each operand may be as well."""

    def apply(*operands: Any) -> Rounded:
        given = [lifted(x) for x in operands]
        at = [x.z for x in given]
        z = function(*at)
        real_error, imag_error = _LIBRARY * UNIT * abs(z.real) + TINY, _LIBRARY * UNIT * abs(z.imag)
        imag_error += TINY * (1.0 + abs(z))  # an angle that vanishes
        for k, x in enumerate(given):
            for error, size, way in ((x.real_error, x.z.real, 1.0), (x.imag_error, x.z.imag, 1j)):
                if not error:
                    continue
                seen = max(error, 4 * UNIT * abs(size))  # less would be rounded away
                try:
                    moved = (function(*at[:k], at[k] + way * seen, *at[k + 1 :]) - z) * (error / seen)
                except (ArithmeticError, ValueError):
                    moved = complex(math.inf, math.inf)
                real_error, imag_error = real_error + abs(moved.real), imag_error + abs(moved.imag)
        return Rounded(z, real_error, imag_error)

    return apply


def _mod(a: Any, b: Any) -> Rounded:
    a, b = lifted(a), lifted(b)
    rest = a.z.real % b.z.real
    times = round((a.z.real - rest) / b.z.real)
    below = rest == 0.0 and (a / b).z.imag < 0  # just below a multiple of b
    return lifted(a - b * (times - below))


_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    **{name: _applied(getattr(cmath, name)) for name in sorted(PRIMITIVES) if hasattr(cmath, name)},
    "abs": lambda a: -a if a < 0.0 else lifted(a),
    "cbrt": _applied(_cube_root),
    "exp": _applied(_exp),
    "exp2": _applied(lambda z: math.pow(2.0, z.real) * cmath.exp(0.6931471805599453j * z.imag)),
    "expm1": _applied(_expm1),
    "fold": fold,
    "log1p": _applied(_log1p),
    "log2": _applied(lambda z: cmath.log(z) / 0.6931471805599453),
    "max": lambda a, b: lifted(a) if lifted(a) >= b or lifted(a) != a else lifted(b),
    "min": lambda a, b: lifted(a) if lifted(a) <= b or lifted(a) != a else lifted(b),
    "mod": _mod,
    "power": _applied(_power),
}
ROUNDED: Final = Code(power="power({0}, {1})", choice_="{yes} if {test} else {no}")


@cache
def rounded_function(op: Op, part: int | None = None) -> Callable[..., Rounded]:
    """The forward function of `op` on Rounded numbers, or its slope for one input (see `function_source`).

    >>> slope = rounded_function(OPS["tanh"])(a=Rounded(0.5 + 1e-20j)).z.imag / 1e-20
    >>> f"{slope:.12f}"
    '0.786447732966'
    """
    source = function_source(op, part, ROUNDED, total="fold(({term} {each}), {start})")
    names = _FUNCTIONS | {called: rounded_function(OPS[called]) for called in called_ops(op)}
    function = define(source, f"{op.name} on rounded numbers" + ("" if part is None else f", slope {part}"), names)
    return lambda *operands, **by_name: lifted(function(*operands, **by_name))  # a formula may be a plain number
