"""Every error glassgrad raises on purpose; each says what was given, what is allowed and what to do."""

from __future__ import annotations

import re

from .shown import is_hidden, visible


class DomainError(ArithmeticError, ValueError):
    """An op met numbers for which it, or its slope, has no finite value.

    It is a `ValueError` and an `ArithmeticError`, as `math` raises either; a division by zero is a `ZeroDivisionError`,
    too, and a result too large for a float an `OverflowError`.

    >>> import glassgrad as gg
    >>> gg.Value(0.0, label="x").log()
    Traceback (most recent call last):
        ...
    glassgrad.engine.errors.DomainError: log(x) is undefined at x = 0.0 (it needs x > 0)
    """


class DomainZeroDivisionError(DomainError, ZeroDivisionError):
    """A division by zero, in an op or in its slope."""


class DomainOverflowError(DomainError, OverflowError):
    """A result, or a slope, that is larger than the largest float."""


class GraphError(ValueError):
    """A graph that was handed in (as JSON, or built by hand) is malformed."""

    def __init__(self, message: str) -> None:
        super().__init__(visible(message))


class OpError(ValueError):
    """An entry of the op table is malformed: its formula, its inputs or its slopes."""


class ExpressionError(ValueError):
    """A typed expression cannot be read; `str()` is one line, `caret()` points at the place.

    Args:
        message: what is wrong and what is allowed.
        text: the whole expression as typed.
        start: index in `text` of the first offending character.
        end: index just past the last one.
    """

    def __init__(self, message: str, text: str, start: int = 0, end: int | None = None) -> None:
        self.message = visible(message)
        super().__init__(self.message)
        self.text = text
        self.start = start
        self.end = start + 1 if end is None else max(end, start + 1)

    def caret(self, width: int = 72) -> str:
        """The expression with a caret under the place, cut to `width` columns around it."""
        line = "".join("\N{REPLACEMENT CHARACTER}" if is_hidden(c) else c for c in re.sub(r"\s", " ", self.text))
        left = max(0, min(self.start - width // 2, len(line) - width))
        shown = line[left : left + width]
        head, tail = ("…" if left else ""), ("…" if left + width < len(line) else "")
        length = max(1, min(self.end, left + width) - self.start)
        return f"{head}{shown}{tail}\n{' ' * (len(head) + self.start - left)}{'^' * length}"
