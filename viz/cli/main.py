"""The command line: `glassgrad COMMAND …`. Each command is a module of `commands/`, loaded when it is asked for."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from .errors import CommandError

COMMANDS = {
    "step": "walk through an expression, forward and back, in the terminal or as a page",
    "check": "check the gradient of an expression against NumPy",
    "draw": "draw the graph of an expression",
    "train": "train a network on a data set while you watch",
    "predict": "apply a saved network to points of a file",
    "compile": "show the NumPy program that scalar code secretly is",
    "demo": "a short tour (this is what glassgrad alone shows)",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: the words after `glassgrad`; by default those of the process.

    Returns:
        The exit status: 0, 1 where a check failed, 2 for a mistake of the user's.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(
        prog="glassgrad",
        description="A scalar autograd engine in which nothing is hidden.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog='examples:\n  glassgrad step "tanh(x*w + b)" x=2 w=-3 b=1\n  glassgrad COMMAND --help',
    )
    parser.add_argument("--version", action="version", version=f"glassgrad {_version()}")
    chosen = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    for name, line in COMMANDS.items():
        sub = chosen.add_parser(name, help=line, formatter_class=argparse.RawDescriptionHelpFormatter)
        if words[:1] == [name]:
            import_module(f".{name}", __package__).configure(sub)
            words[1:] = [_not_an_option(word, sub) for word in words[1:]]
    options = parser.parse_args(words)
    try:
        status: int = import_module(f".{options.command or 'demo'}", __package__).run(options)
    except CommandError as error:
        print(f"glassgrad: error: {error}", file=sys.stderr)
        return 2
    except MemoryError as error:
        print(f"glassgrad: error: not enough memory{f': {error}' if str(error) else ''}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    return status


def _not_an_option(word: str, parser: argparse.ArgumentParser) -> str:
    """An expression such as `-x*w` is no option: argparse takes a word with a blank in it as it is."""
    option = word.partition("=")[0]
    if (
        len(word) > 1
        and word.startswith("-")
        and not word.startswith("--")
        and option not in parser._option_string_actions
    ):
        return f" {word}"
    return word


def _version() -> str:
    from ... import __version__

    return __version__
