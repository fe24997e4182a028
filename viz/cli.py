"""The command line: `glassgrad COMMAND …`. Each command is a module of `commands/`, loaded when it is asked for."""

from __future__ import annotations


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    return 0
