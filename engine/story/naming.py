"""One name, one node: names that several nodes share are numbered in order of evaluation, x₁, x₂."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def subscript(number: int) -> str:
    """A whole number as a subscript.

    >>> "x" + subscript(12)
    'x₁₂'
    """
    return str(number).translate(_SUBSCRIPTS)


def distinct(names: Sequence[str]) -> list[str]:
    """`names` with a subscript where several are the same; "" (no name) stays, and a name in use is passed over.

    >>> distinct(["x", "w", "x", "", "", "x₂"])
    ['x₁', 'w', 'x₃', '', '', 'x₂']
    """
    shared = {name for name, count in Counter(names).items() if count > 1 and name}
    if not shared:
        return list(names)
    taken = set(names)
    last = dict.fromkeys(shared, 0)
    found = []
    for name in names:
        if name in shared:
            last[name] = next_free(name, taken, last[name])
            name = name + subscript(last[name])
            taken.add(name)
        found.append(name)
    return found


def next_free(name: str, taken: set[str], after: int = 0) -> int:
    """The first number past `after` with which `name` is not in `taken`.

    >>> next_free("x", {"x₁", "x₃"})
    2
    """
    number = after + 1
    while name + subscript(number) in taken:
        number += 1
    return number


def numbered(name: str, other: str) -> bool:
    """Whether `other` is `name` with a subscript.

    >>> numbered("x", "x₁₂"), numbered("x", "x"), numbered("x", "xy")
    (True, False, False)
    """
    tail = other.removeprefix(name) if other.startswith(name) else ""
    return bool(tail) and all(character in "₀₁₂₃₄₅₆₇₈₉" for character in tail)
