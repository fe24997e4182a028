"""The command line: `glassgrad COMMAND …`. Each command is a module beside this one, loaded when asked for."""

from __future__ import annotations

import argparse
import math
import re
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from itertools import takewhile
from typing import Any, NoReturn

from ... import __version__
from ...engine.choices import meant
from ...engine.shown import visible
from .errors import CommandError, in_one_line
from .process import drop_output, prepare_streams, raising_at_interrupt

COMMANDS = {
    "step": "walk through an expression, forward and back, in the terminal or as a page",
    "check": "prove the gradient of an expression",
    "draw": "draw the graph of an expression",
    "break": "break backpropagation on purpose: a fault beside the right pass, step by step",
    "train": "train a network on a data set while you watch",
    "predict": "apply a saved network to points of a file",
    "grade": "grade engines that students wrote, each in a process of its own",
    "compile": "show the NumPy program that scalar code secretly is",
    "learn": "exercises from the slope of a product to an engine of your own",
    "ask": "questions about backpropagation, answered live",
    "demo": "a short tour (this is what glassgrad alone shows)",
}

COMPLETION = "--print-completion"
SHELLS = ("bash", "zsh", "fish")
EXAMPLES = """\
examples:
  glassgrad step "tanh(x*w + b)" x=2 w=-3 b=1
  glassgrad COMMAND --help

completion by the TAB key, from the next shell on:
  glassgrad --print-completion bash > ~/.local/share/bash-completion/completions/glassgrad
  glassgrad --print-completion fish > ~/.config/fish/completions/glassgrad.fish
  glassgrad --print-completion zsh > FOLDER/_glassgrad       # a folder of $fpath"""


class Parser(argparse.ArgumentParser):
    """What is wrong with the words after `glassgrad`, told in text that cannot steer the terminal."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and end with status 2."""
        super().error(visible(message))

    def _print_message(self, message: str, file: Any = None) -> None:
        (file or sys.stderr).write(message)  # argparse would pass over a full disk


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: the words after `glassgrad`; by default those of the process.

    Returns:
        The exit status: 0, 1 where a check failed, 2 for a mistake of the user's, 130 after Ctrl-C.
    """
    prepare_streams()
    try:
        try:
            return _run(list(sys.argv[1:] if arguments is None else arguments))
        finally:
            sys.stdout.flush()  # what cannot be written is an error of this command
    except CommandError as error:
        return _failed(str(error))
    except MemoryError as error:
        return _failed(f"not enough memory{f': {error}' if str(error) else ''}")
    except (BrokenPipeError, SystemExit) as error:  # the reader, such as `head`, has seen enough
        if not isinstance(error, BrokenPipeError) and not isinstance(error.__context__, BrokenPipeError):  # of rich
            raise
        drop_output(sys.stdout)
        return 0
    except OSError as error:
        drop_output(sys.stdout)
        return _failed(f"cannot write the output: {error.strerror}" if error.filename is None else in_one_line(error))
    except KeyboardInterrupt:
        _say("interrupted")
        return 130  # as of every program that the signal ends


def _run(words: list[str]) -> int:
    parser = Parser(
        prog="glassgrad",
        description="A scalar autograd engine in which nothing is hidden.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=EXAMPLES,
    )
    parser.add_argument("--version", action="version", version=f"glassgrad {__version__}")
    parser.add_argument(
        COMPLETION, choices=SHELLS, metavar="SHELL", help=f"print a script for {', '.join(SHELLS)} (extra: completion)"
    )
    chosen = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    if words and not words[0].startswith("-") and words[0] not in COMMANDS:
        parser.error(f"unknown command {words[0]!r}{meant(words[0], COMMANDS)} (commands: {', '.join(COMMANDS)})")
    every = any(word.startswith(COMPLETION) for word in words[:1])
    for name, line in COMMANDS.items():
        sub = chosen.add_parser(name, help=line, formatter_class=argparse.RawDescriptionHelpFormatter)
        if every or words[:1] == [name]:
            _module(name).configure(sub)
            _check_options(words[1:], sub)
            words[1:] = _as_argparse_reads(words[1:], sub)
    options = parser.parse_args(words)
    if options.print_completion:
        return _print_completion(parser, chosen.choices.values(), options.print_completion)
    command = _module(options.command or "demo")
    with raising_at_interrupt():
        status: int = command.run(options)
    return status


def _module(command: str) -> Any:
    return import_module(f".{'breaking' if command == 'break' else command}", __package__)  # no module is called break


def _failed(message: str) -> int:
    _say(f"error: {message}")
    return 2


def _say(message: str) -> None:
    try:
        print(f"glassgrad: {message}", file=sys.stderr, flush=True)
    except OSError:  # nobody listens
        drop_output(sys.stderr)


def _print_completion(parser: argparse.ArgumentParser, commands: Iterable[argparse.ArgumentParser], shell: str) -> int:
    try:
        print(import_module(".completion", __package__).completion_script(parser, commands, shell), end="")
    except ImportError as error:
        raise CommandError(str(error)) from None
    return 0


def _check_options(words: Iterable[str], parser: argparse.ArgumentParser) -> None:
    for word in takewhile(lambda word: word != "--", words):
        name, known = word.partition("=")[0], parser._option_string_actions
        if re.fullmatch("--[a-z][a-z-]*", name) and not any(option.startswith(name) for option in known):
            parser.error(f"unknown option {name}{meant(name, known)}")


def _as_argparse_reads(words: Iterable[str], parser: argparse.ArgumentParser) -> list[str]:
    """The options behind all else, as argparse takes no second word that is none once it has seen one of them.

    An expression such as `-x*w`, or the value -1 of an option, is no option: argparse takes a word with a blank in it,
    and what follows an equals sign, as it is.
    """
    given, known = list(words), parser._option_string_actions
    end = given.index("--") if "--" in given else len(given)
    found: list[str] = []
    options: list[str] = []
    last: argparse.Action | None = None
    awaited = 0.0  # so many words belong to the last option
    for word in given[:end]:
        name, equals, _ = word.partition("=")
        if name in known or (word.startswith("--") and word != "--"):
            options.append(word)
            last = known.get(name) or next((known[key] for key in known if key.startswith(name)), None)
            awaited = 0.0 if equals or last is None else {None: 1.0, "?": 1.0, 0: 0.0}.get(last.nargs, math.inf)
        elif last and awaited and (last.nargs != "?" or word in map(str, last.choices or ())):
            negative = len(word) > 1 and word[0] == "-" and awaited == 1.0
            options[-1:] = [f"{options[-1]}={word}"] if negative else [options[-1], word]
            awaited -= 1.0
        else:
            found.append(f" {word}" if len(word) > 1 and word[0] == "-" else word)
    return [*found, *options, *given[end:]]
