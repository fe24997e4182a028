"""What counts as a number: anything that `numbers.Real` covers, NumPy scalars included."""

from __future__ import annotations

from numbers import Real

_HINTS = {
    "NoneType": "a number is missing",
    "complex": "glassgrad differentiates real functions; take .real or abs()",
    "ndarray": "an array needs one Value per element: np.array([gg.Value(x) for x in array])",
    "list": "a list needs one Value per element: [gg.Value(x) for x in numbers]",
    "tuple": "a tuple needs one Value per element: [gg.Value(x) for x in numbers]",
    "Value": "it is a Value already; v.detach() copies the number without its history",
}


def number(given: object, role: str = "Value") -> float:
    """`given` as a float.

    Args:
        given: an int, float, fraction, bool or NumPy scalar.
        role: what needs the number, for the message.

    Raises:
        TypeError: if it is not a real number; the message says what to do instead.

    >>> number(3)
    3.0
    >>> number("3")
    Traceback (most recent call last):
        ...
    TypeError: Value takes a real number, got str '3': convert it with float(...) first
    """
    if given.__class__ is float:  # the usual case, and an isinstance of an abstract class is slow
        return given
    if given.__class__ is int or isinstance(given, Real):
        return float(given)
    kind = type(given).__name__
    shown = repr(given)
    shown = shown if len(shown) <= 40 else shown[:39] + "…"
    raise TypeError(
        f"{role} takes a real number, got {kind} {shown}: {_HINTS.get(kind, 'convert it with float(...) first')}"
    )
