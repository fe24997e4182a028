"""Completion of commands, options and file names by the shell (extra `completion`): the script that shtab writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

try:
    import shtab
except ImportError as error:
    raise ImportError('completion scripts need shtab: pip install "glassgrad[completion]"') from error

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

FILES: Final = ("FILE", "FILE.html", "FILE.gif", "NETWORK", "POINTS")
"""Metavars of what is the name of a file."""


def completion_script(parser: argparse.ArgumentParser, commands: Iterable[argparse.ArgumentParser], shell: str) -> str:
    """The script for `shell`, from a parser and those of its commands.

    Raises:
        ImportError: without shtab (when this module is imported).
    """
    for command in commands:
        for action in command._actions:
            if action.metavar in FILES:
                action.complete = shtab.FILE  # type: ignore[attr-defined]  # where shtab looks for it
    return str(shtab.complete(parser, shell))
