"""Text as a drawing shows it: labels made short, and how wide they will be."""

from __future__ import annotations

import unicodedata
from typing import Final

from ...engine.shown import JOINERS

MAX_LABEL: Final = 28
"""Characters of a label that are shown; the whole of it is in the tooltip."""


def shorten(text: str, limit: int = MAX_LABEL) -> str:
    """At most `limit` characters: beginning and end, which tell names apart, around an ellipsis.

    >>> shorten("layers[0].neurons[3].w[12]", 20)
    'layers[0].…[3].w[12]'
    """
    if len(text) <= limit:
        return text
    start, end = limit // 2, len(text) - (limit - 1) // 2
    while start > 1 and _continues(text, start):  # never half a character
        start -= 1
    while end < len(text) and _continues(text, end):
        end += 1
    return f"{text[:start]}…{text[end:]}"


def _continues(text: str, i: int) -> bool:
    """Whether the character at `i` belongs to the one before it."""
    return (
        unicodedata.combining(text[i]) != 0 or "\u200d" in text[i - 1 : i + 1] or unicodedata.category(text[i]) == "Mn"
    )


def right_to_left(text: str) -> bool:
    """Whether some character of `text` is written from right to left."""
    return not text.isascii() and any(unicodedata.bidirectional(c) in ("R", "AL") for c in text)


# Widths of the standard font Helvetica in thousandths of its size, for the characters 32 to 126.
# fmt: off
HELVETICA: Final = (
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584,
    278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722,
    722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778,
    667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278,
    278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556,
    556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
)
# fmt: on


def helvetica_width(character: str) -> int:
    """Width of a character in thousandths of the font size; for one that Helvetica lacks, room for most fonts'."""
    code = ord(character)
    if 32 <= code < 127:
        return HELVETICA[code - 32]
    if character in JOINERS:
        return 0
    return 600 if code < 0x250 else 820 if code < 0x10000 else 1100


def text_width(text: str, size: float) -> float:
    """How much room to leave for `text`: enough for the wider sans-serif fonts too.

    >>> text_width("tanh", 10.0)
    24.1
    """
    return round(sum(map(helvetica_width, text)) * size * 1.24 / 1000, 1)
