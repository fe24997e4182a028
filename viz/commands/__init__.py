"""The commands of `glassgrad`, one a file."""

from __future__ import annotations


class CommandError(Exception):
    """A mistake of the user's, told in one line; the command ends with exit status 2."""
