"""The commands of `glassgrad`, one a file."""

from __future__ import annotations

from ...engine.shown import visible


class CommandError(Exception):
    """A mistake of the user's, told in one line (and its place below); the command ends with exit status 2."""

    def __str__(self) -> str:
        return "\n".join(map(visible, super().__str__().split("\n")))


def in_one_line(error: Exception) -> str:
    """What to tell the user of an error: of the system's errors the file and the reason, without their number."""
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split())
