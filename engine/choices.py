"""What was given where a name out of a few, or a whole number, is allowed: refused with what was probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from .shown import clipped


def meant(given: object, known: Iterable[str]) -> str:
    """The name that somebody means who writes it a little otherwise, as the end of a sentence, or "".

    >>> meant("Adam", ["adam", "sgd"]), meant("mse", ["mean_squared_error"]), meant("?", ["adam"])
    (', did you mean adam?', ', did you mean mean_squared_error?', '')
    """
    names = list(known)
    plain = str(given).lower()
    short = [name for name in names if plain and plain == "".join(word[0] for word in name.split("_"))]
    close = short or get_close_matches(plain, names, 1)
    return f", did you mean {close[0]}?" if close else ""


def unknown(what: str, given: object, known: Iterable[str], beside: str = "") -> str:
    """The message for a name that is not among the known ones.

    Args:
        what: what it is the name of.
        given: what was given.
        known: the names that are allowed.
        beside: what else is allowed.

    >>> unknown("optimizer", "Adam", ["adam", "sgd"], "or an Optimizer")
    "unknown optimizer 'Adam' (must be one of adam, sgd, or an Optimizer), did you mean adam?"
    """
    names = list(known)
    allowed = ", ".join([*names, beside] if beside else names)
    few = "one of " * (len(names) + bool(beside) > 1)
    return f"unknown {what} {given!r} (must be {few}{allowed}){meant(given, names)}"


def one_of(known: Iterable[str], what: str, given: object, beside: str = "") -> None:
    """Refuse what is not among the known names; see `unknown`.

    Raises:
        ValueError: if `given` is none of `known`.
    """
    names = list(known)
    if given not in names:
        raise ValueError(unknown(what, given, names, beside))


def whole(given: Any, what: str, least: int = 1) -> int:
    """`given` as an int.

    Raises:
        ValueError: if it is not a whole number, or less than the least.

    >>> whole(1e3, "epochs")
    Traceback (most recent call last):
        ...
    ValueError: epochs must be a whole number from 1 up, got 1000.0: write 1000
    """
    if isinstance(given, bool) or not hasattr(given, "__index__") or given < least:
        way_out = f": write {int(given)}" if isinstance(given, float) and given.is_integer() else ""
        raise ValueError(f"{what} must be a whole number from {least} up, got {clipped(repr(given))}{way_out}")
    return int(given)
