"""A table as text, for terminals and the interpreter, and as HTML, for notebooks."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from html import escape
from itertools import zip_longest
from textwrap import wrap
from typing import Final, NamedTuple

from .shown import wrapped

NARROWEST: Final = 10
"""No column is made narrower than this."""


def _broken(cell: str, width: int) -> list[str]:
    """A cell in lines; a long name is broken behind an underscore."""
    if len(cell) <= width:
        return [cell]
    return [line.replace("_ ", "_") for line in wrap(cell.replace("_", "_ "), width, break_on_hyphens=False)]


class Table(NamedTuple):
    """A table; its cells are text that is safe to print.

    Attributes:
        head: the headings.
        rows: the cells, each row as long as the head.
        right: which columns (from 0) stand to the right, as numbers do.
        above, below: what is said before and after it; "" for nothing.

    >>> print(Table(("name", "value"), [("x", "2"), ("w", "-3")], right={1}, below="two").text())
    name  value
    x         2
    w        -3
    two
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: Collection[int] = ()
    above: str = ""
    below: str = ""

    def text(self, width: int = sys.maxsize) -> str:
        """The table in lines, its columns two blanks apart; where they have no room, cells are broken.

        >>> print(Table(("name", "what it is"), [("x_1", "a number that was given")]).text(18))
        name  what it is
        x_1   a number
              that was
              given
        """
        lines = [self.head, *self.rows] if any(self.head) else self.rows
        widths = [max(map(len, column)) for column in zip(*lines)]
        while sum(widths) + 2 * len(widths) - 2 > width and max(widths) > NARROWEST:
            wide = [k for k, one in enumerate(widths) if one > NARROWEST]
            widths[max(wide, key=lambda k: (k not in self.right, widths[k]))] -= 1  # words before numbers
        table = [
            "  ".join(
                cell.rjust(wide) if k in self.right else cell.ljust(wide)
                for k, (cell, wide) in enumerate(zip(parts, widths))
            ).rstrip()
            for line in lines
            for parts in zip_longest(*map(_broken, line, widths), fillvalue="")
        ]
        others = (wrapped(text, width) if text else "" for text in (self.above, self.below))
        above, below = ([text] if text else [] for text in others)
        return "\n".join([*above, *table, *below])

    def html(self) -> str:
        """The table as HTML that needs no style sheet."""

        def line(cells: Sequence[str], tag: str) -> str:
            sides = ["right" if k in self.right else "left" for k in range(len(cells))]
            inner = (
                f'<{tag} style="text-align:{side};padding:.1em .6em">{escape(c)}</{tag}>'
                for c, side in zip(cells, sides)
            )
            return f"<tr>{''.join(inner)}</tr>"

        above, below = (
            f"<div>{'<br>'.join(map(escape, text.split(chr(10))))}</div>" if text else ""
            for text in (self.above, self.below)
        )
        head = f"<thead>{line(self.head, 'th')}</thead>" if any(self.head) else ""
        body = "".join(line(row, "td") for row in self.rows)
        return f"{above}<table>{head}<tbody>{body}</tbody></table>{below}"
