"""One op by itself: the slope that a node has stored, against a slope found from the formula of its value alone."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cache, lru_cache
from typing import Final, NamedTuple

from ..rules.derive import called_ops
from ..rules.floats import float_function
from ..rules.op import Op
from ..rules.ops import OPS
from .rounded import TINY, UNIT, Rounded, rounded_function

COMPLEX, DIFFERENCE, NUMPY = "complex step", "central difference", "NumPy"
_FORKS: Final = frozenset({"abs", "max", "min", "mod"})
UNDEFINED: Final = (ArithmeticError, ValueError)
"""What a function may raise where it is moved out of its domain."""
_SHARP: Final = 1e-9
"""A slope that is known to such a part of itself, or of `_FAINT`, needs no other step."""
_FAINT: Final = 1e-200


class Slope(NamedTuple):
    """What a witness says of one slope.

    Attributes:
        left, right: the slope on either side; one and the same number where there is no kink.
        noise: how far rounding may move it, and a slope computed by the op's own rule.
        method: how it was found.
        jumps: whether the value itself is another one on the other side.
    """

    left: float
    right: float
    noise: float
    method: str
    jumps: bool = False

    @property
    def kink(self) -> bool:
        """Whether the two sides differ."""
        return abs(self.left - self.right) > self.noise

    def allows(self, stored: float) -> bool:
        """Whether it is right to store this: between the two sides, to rounding. NaN allows nothing."""
        low, high = min(self.left, self.right), max(self.left, self.right)
        return low - self.noise <= stored <= high + self.noise

    def nearest(self, stored: float) -> float:
        """The slope that it allows next to the one stored: at a kink the convention, if it is one."""
        if self.kink and self.allows(stored):
            return stored
        return min(self.left, self.right, key=lambda side: abs(side - stored))

    @property
    def known(self) -> bool:
        """Whether there is a number at all."""
        return math.isfinite(self.left) and math.isfinite(self.right) and math.isfinite(self.noise)


_UNKNOWN: Final = Slope(math.nan, math.nan, math.inf, COMPLEX)


@cache
def _branches(op: Op) -> bool:
    """Whether a formula of the value chooses, so that its two sides may differ."""
    trees = [op.forward.tree, *(formula.tree for _, formula in op.let)]
    if any(isinstance(node, ast.IfExp) for tree in trees for node in ast.walk(tree)):
        return True
    return bool(_FORKS & set().union(*(f.calls for f in op.formulas()))) or any(
        _branches(OPS[called]) for called in called_ops(op)
    )


def witness(op: Op, numbers: Sequence[float], index: int) -> Slope:
    """∂op/∂(operand `index`) at `numbers`, its operands in order.

    >>> slope = witness(OPS["relu"], [0.0], 0)
    >>> slope.left == 0.0, slope.right == 1.0, slope.allows(0.5), slope.allows(2.0)
    (True, True, True, False)
    """
    part, element = op.place(index, len(numbers))
    given = op.elements(numbers, element or 0)  # a sum adds up: no slope depends on other elements
    return _slope(op, part, tuple(given.get(name) for name in op.names))


@lru_cache(maxsize=4096)
def _slope(op: Op, part: int, numbers: tuple[float | None, ...]) -> Slope:
    if not op.analytic:
        return _by_differences(op, part, numbers)
    best, at = _UNKNOWN, numbers[part]
    assert at is not None  # there is such an operand
    for h in _steps(at):
        with suppress(*UNDEFINED):
            best = min(best, _by_complex_steps(op, part, numbers, h), key=lambda slope: slope.noise)
        if best.noise <= _SHARP * max(abs(best.left), abs(best.right), _FAINT):
            break
    return best


def _by_complex_steps(op: Op, part: int, numbers: tuple[float | None, ...], h: float) -> Slope:
    right, noise, above = _complex_step(op, part, numbers, h)
    left, other_noise, below = _complex_step(op, part, numbers, -h) if _branches(op) else (right, noise, above)
    noise = max(noise, other_noise) + _noise_of_rule(op, part, numbers)
    jumps = abs(above.z.real - below.z.real) > 4.0 * (above.real_error + below.real_error) + 1e-30
    return Slope(left, right, 4.0 * noise, COMPLEX, jumps) if math.isfinite(noise) else _UNKNOWN


def _operands(op: Op, numbers: Sequence[float | None]) -> dict[str, object]:
    lifted = {n: None if x is None else Rounded(x) for n, x in zip(op.names, numbers)}
    given = {n: ([] if x is None else [x]) if n in op.many else x for n, x in lifted.items()}
    return {n: x for n, x in given.items() if x is not None}


def _complex_step(op: Op, part: int, numbers: Sequence[float | None], h: float) -> tuple[float, float, Rounded]:
    """The slope on the side of `h`, how far rounding and the step's length may lead it off, and the value there."""
    given, name = _operands(op, numbers), op.names[part]
    at, found = numbers[part], []
    for size in (h, h / 2):
        moved = Rounded(complex(at or 0.0, size))
        y = rounded_function(op)(**{**given, name: [moved] if name in op.many else moved})
        found.append((y.z.imag / size, y.imag_error / abs(size), y))
    (coarse, _, _), (fine, noise, y) = found
    apart = abs(fine - coarse)
    settled = apart <= 1e-3 * max(abs(fine), abs(coarse)) + noise or (at == 0.0 and abs(fine) <= 0.75 * abs(coarse))
    return fine, noise + 8 * apart if settled else math.inf, y


def _steps(at: float) -> Iterator[float]:
    """Steps to be tried in turn: far out a longer or a much shorter one may be needed."""
    yield step(at)
    if abs(at) > 1.0:
        yield abs(at) * 2.0**-100
    if abs(at) > 1e-100:
        yield step(at) * 2.0**-500


def step(at: float) -> float:
    """How far to step into the complex plane: a power of two that is nothing beside `at`, and beside the way from it to
    the next float, where a slope may be infinite."""
    size = min(abs(at), 1.0) or 1.0
    return max(math.ldexp(1.0, math.frexp(size)[1] - (100 if size > 1e-200 else 60)), 2.0**-1050)


def _noise_of_rule(op: Op, part: int, numbers: Sequence[float | None]) -> float:
    """How far the op's own formula of the slope may be off by rounding."""
    y = None if op.many else rounded_function(op)(**_operands(op, numbers))
    given = {n: Rounded(x) for n, x in zip(op.names, numbers) if x is not None}
    try:
        return rounded_function(op, part)(**given, y=y).real_error
    except UNDEFINED:
        return 0.0


# -- where the complex step may not be taken ------------------------------------------------------------------------


def _by_differences(op: Op, part: int, numbers: Sequence[float | None]) -> Slope:
    forward, at = float_function(op), numbers[part]
    assert at is not None and not op.many  # only the table itself has ops of lists, and those are analytic

    def along(t: float) -> float:
        return float(forward(*(x if k != part else at + t for k, x in enumerate(numbers))))

    value, spread = richardson(along, at)
    left, right = (one_sided(along, at, side) for side in (-1.0, 1.0))
    if abs(left[0] - right[0]) > 8.0 * (left[1] + right[1]) + 1e-3 * max(abs(left[0]), abs(right[0])):
        return Slope(left[0], right[0], 4.0 * max(left[1], right[1]), DIFFERENCE)
    return Slope(value, value, 4.0 * spread, DIFFERENCE)


def richardson(along: Callable[[float], float], at: float) -> tuple[float, float]:
    """The derivative at 0 of `along`, and how far it may be off.

    By central differences, extrapolated twice (Ridders 1982): their error is of order h⁶.

    >>> value, spread = richardson(lambda t: (2.0 + t) ** 3, 2.0)
    >>> abs(value - 12.0) <= spread < 1e-6
    True
    """
    return _extrapolated(lambda h: (along(h) - along(-h)) / (2 * h), (4, 16), along, at)


def one_sided(along: Callable[[float], float], at: float, side: float, rounding: float = 0.0) -> tuple[float, float]:
    """The same from one side: -1.0 is the left. Infinite where it jumps; `rounding` is that of `along`."""
    begin, least = along(0.0), _differences(at)[-1] / 4
    with suppress(*UNDEFINED):
        near, far = (abs(along(side * h) - begin) for h in (least, 64 * least))
        if near > 0.9 * far and near > 1e6 * UNIT * (abs(begin) + near) + 1e3 * rounding:
            return math.copysign(math.inf, (along(side * least) - begin) * side), 0.0
    return _extrapolated(lambda h: (along(side * h) - begin) / (side * h), (2, 4), along, at, rounding)


def _differences(at: float) -> list[float]:
    """The steps of difference quotients, the longest first."""
    steps = [1e-2 * max(1.0, abs(at)) ** 0.5 / 8.0**k for k in range(6)]  # smaller where the function is wild
    return sorted(steps + [0.1 * abs(at) / 8.0**k for k in range(4) if 0.0 < abs(at) < 1e-2], reverse=True)


def _extrapolated(
    quotient: Callable[[float], float],
    gains: tuple[int, int],
    along: Callable[[float], float],
    at: float,
    rounding: float = 0.0,
) -> tuple[float, float]:
    size, rough = abs(along(0.0)), list[float]()
    found: list[tuple[float, float, float]] = []  # how far off, value, step
    for h in _differences(at):
        with suppress(*UNDEFINED):  # out of the domain
            d = [quotient(h / k) for k in (1, 2, 4)]
            once = [(gains[0] * d[i + 1] - d[i]) / (gains[0] - 1) for i in (0, 1)]
            value = (gains[1] * once[1] - once[0]) / (gains[1] - 1)
            noise = (8 * UNIT * max(size, abs(along(h)), abs(d[0]) * (h + abs(at))) + 8 * TINY + 8 * rounding) / h
            apart, linear = abs(once[1] - once[0]), 0.3 * abs(d[1] - d[0])
            spread = abs(value - once[1]) if apart <= linear + noise else 10 * apart  # there is a kink or a jump
            rest = 4 * (spread + noise) + 1e-3 * abs(value)
            found = [one for one in found if abs(one[1] - value) <= 4 * one[0] + rest]  # else it was too coarse
            found.append((spread + noise, value, h))
            rough += [h] * (apart > linear + 100 * noise)
    found.sort()
    if len(found) < 2:
        return (found[0][1], math.inf) if found else (math.nan, math.inf)
    (spread, value, h), (other, check, _) = found[:2]
    if sum(finer < h for finer in rough) > 1:
        return value, math.inf  # wild, and not resolved
    return value, spread + max(0.0, abs(check - value) - other)  # two steps must agree
