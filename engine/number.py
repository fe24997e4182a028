"""What counts as a number: whatever `float()` takes without loss of structure, text and complex numbers apart."""

from __future__ import annotations

import math
import sys
from numbers import Real
from typing import Any

from .shown import clipped

_TRACKED = "it has a gradient of its own, which would get lost: use .item() or .detach()"
_HINTS = {
    "NoneType": "a number is missing; does a function lack its return?",
    "complex": "glassgrad differentiates real functions; take .real or abs()",
    "ndarray": "an array needs one Value per element: np.array([gg.Value(x) for x in array])",
    "list": "a list needs one Value per element: [gg.Value(x) for x in numbers]",
    "tuple": "a tuple needs one Value per element: [gg.Value(x) for x in numbers]",
    "Value": "it is a Value already; v.data is its number, v.detach() a copy without its history",
}


def number(given: object, role: str = "Value") -> float:
    """`given` as a float.

    Args:
        given: an int, float, bool, Fraction or Decimal, or a scalar or 0-d array of NumPy or PyTorch.
        role: what needs the number, for the message.

    Raises:
        TypeError: if it is not a real number; the message says what to do instead.
        OverflowError: if it is finite, but too large for a float.

    >>> number(3)
    3.0
    >>> number("3")
    Traceback (most recent call last):
        ...
    TypeError: Value takes a real number, got str '3': convert it with float(...) first
    """
    if given.__class__ is float:  # the usual case, and an isinstance of an abstract class is slow
        return given
    kind = type(given).__name__
    if given.__class__ is int or isinstance(given, Real) or _like_a_number(given):
        try:
            x = float(given)  # type: ignore[arg-type]  # a number, or like one
        except OverflowError:
            x = math.inf
        if math.isinf(x) and given != x:
            raise OverflowError(f"{role} takes a number up to 1.8e308, the largest float; this {kind} is larger")
        return x
    hint = _HINTS.get(kind, "convert it with float(...) first")
    raise TypeError(f"{role} takes a real number, got {kind} {clipped(repr(given), 40)}: {hint}")


def _like_a_number(given: Any) -> bool:
    """Whether it is a Decimal, or a scalar of some array library that keeps no record of its own."""
    decimal = sys.modules.get("decimal")  # whoever has a Decimal has loaded it
    if decimal is not None and isinstance(given, decimal.Decimal):
        return True
    if getattr(given, "shape", None) != () or not hasattr(given, "__float__"):
        return False
    if getattr(given, "requires_grad", False):
        raise TypeError(f"glassgrad cannot take {given!r}: {_TRACKED}")
    return getattr(getattr(given, "dtype", None), "kind", "f") in "fiub"
