"""Text of other people, such as a label, a column's name or a path, made safe to print, and short; counts in words."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from textwrap import fill
from typing import Final

JOINERS: Final = frozenset("\u200c\u200d")
"""They build emoji and letters, and turn no text around."""
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def visible(text: str) -> str:
    r"""`text` with everything that cannot be seen (control, direction and unassigned characters) as an escape.

    >>> print(visible("a\nb\u202ec"))
    a\nb\u202ec
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(c.encode("unicode_escape").decode("ascii") if is_hidden(c) else c for c in text)


def is_hidden(character: str) -> bool:
    """Whether a character cannot be seen and does more than join its neighbours."""
    if character in JOINERS or 0xE0020 <= ord(character) <= 0xE007F:  # the last are the letters of flag emoji
        return False
    return unicodedata.category(character) in _HIDDEN


def few(names: Sequence[str], most: int = 5) -> str:
    """The first names, safe to print, and how many more there are.

    >>> few(["a", "b", "c"], 2)
    'a, b and 1 more'
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return visible(", ".join(names[:most])) + more


def wrapped(text: str, width: int) -> str:
    r"""`text` with its longer lines broken at blanks; what is broken off is set in further than its line.

    >>> print(wrapped("short\n  a longer line", 11))
    short
      a longer
          line
    """
    return "\n".join(
        line
        if len(line) <= width
        else fill(line, width, subsequent_indent=" " * (len(line) - len(line.lstrip()) + 4), break_on_hyphens=False)
        for line in text.split("\n")
    )


def clipped(text: str, width: int = 60) -> str:
    """The beginning of `text`, if it is longer than `width` characters.

    >>> clipped("abcdef", 6), clipped("abcdefg", 6)
    ('abcdef', 'abcde…')
    """
    return text if len(text) <= width else f"{text[: width - 1]}…"


def described(given: object, width: int = 60) -> str:
    """What was given instead, for a message: its kind and its text.

    >>> described("3"), described([0] * 99, 9)
    ("str '3'", 'list [0, 0, 0…')
    >>> described(None)
    'None (does a function lack its return?)'
    """
    if given is None:
        return "None (does a function lack its return?)"
    return f"{type(given).__name__} {clipped(repr(given), width)}"


def counted(number: int, noun: str) -> str:
    """A number of things, in words that fit it.

    >>> counted(1, "node"), counted(0, "node"), counted(1200, "leaf")
    ('1 node', '0 nodes', '1,200 leaves')
    """
    several = noun[:-1] + "ves" if noun == "leaf" else noun + ("es" if noun.endswith("x") else "s")
    return f"{number:,} {noun if number == 1 else several}"
