"""A table as text, for terminals and the interpreter, and as HTML, for notebooks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from html import escape
from typing import NamedTuple


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

    def text(self) -> str:
        """The table in lines, its columns two blanks apart."""
        lines = [self.head, *self.rows] if any(self.head) else self.rows
        widths = [max(map(len, column)) for column in zip(*lines)]
        table = [
            "  ".join(
                cell.rjust(width) if k in self.right else cell.ljust(width)
                for k, (cell, width) in enumerate(zip(line, widths))
            ).rstrip()
            for line in lines
        ]
        return "\n".join([*filter(None, [self.above]), *table, *filter(None, [self.below])])

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
