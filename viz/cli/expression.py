"""What the commands that take an expression share: its arguments, and the error with a caret under the place."""

from __future__ import annotations

import argparse
import math
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ...engine.errors import ExpressionError
from ...engine.shown import visible
from ...engine.story.expression import Evaluated, parse
from ..walk.script import load_function, names_function, told
from .errors import CommandError
from .process import reopen_streams

NEURON = ("tanh(x1*w1 + x2*w2 + b)", "x1=2 w1=-3 x2=0 w2=1 b=6.8813735870195432")
"""The neuron of the lecture: the example in every help text."""


def add_arguments(parser: argparse.ArgumentParser, others: Sequence[str] = (), optional: bool = False) -> None:
    """`EXPR name=number …`.

    Args:
        parser: gets the arguments.
        others: words that may stand in the place of an expression.
        optional: whether there may be none.
    """
    parser.add_argument(
        "expression",
        nargs="?" if optional else None,
        metavar="|".join(["EXPR", "FILE.py:FUNCTION", *others]),
        help="an expression such as 'n = x*w + b; tanh(n)' (every op can be called), or a function in your own file, "
        "which is run" + (f"; or {', '.join(others)}" if others else ""),
    )
    parser.add_argument("values", metavar="NAME=NUMBER", nargs="*", help="a number for each name or parameter")


def numbers(options: argparse.Namespace) -> dict[str, float]:
    """The numbers that were given, by name.

    Raises:
        CommandError: for what is no NAME=NUMBER, or a name given twice.
    """
    values: dict[str, float] = {}
    if re.fullmatch(r"\s*[^\W\d]\w*\s*=\s*[+-]?[\d.]+(e[+-]?\d+)?\s*", options.expression):
        command = " ".join(filter(None, [options.command, getattr(options, "fault", "")]))
        raise CommandError(
            f"the expression is missing: {options.expression} is the number for a name in it; write "
            f'glassgrad {command} "EXPR" {options.expression}'
        )
    for given in options.values:
        name, equals, text = given.partition("=")
        name = unicodedata.normalize("NFKC", name.strip())  # as Python reads the names in the expression
        if not equals or not name.isidentifier():
            if given.startswith(" -"):  # see `_as_argparse_reads`
                raise CommandError(f"unknown option {given.strip()} (--help lists them)")
            raise CommandError(f"expected NAME=NUMBER, got {given!r} (put an expression with blanks into quotes)")
        if name in values:
            raise CommandError(f"{name} is given twice: {given!r}")
        try:
            values[name] = float(text)
        except ValueError:
            point = text.replace(",", ".", 1) if re.fullmatch(r"\s*[+-]?\d*,\d+\s*", text) else "0.5"
            raise CommandError(f"{name} needs a number, got {text!r} (as in {name}={point})") from None
        if math.isinf(values[name]) and "inf" not in text.lower():
            raise CommandError(f"{name}={text} is larger than 1.8e308, the largest float")
    return values


def evaluated(options: argparse.Namespace) -> Evaluated:
    """Parse and evaluate what was typed.

    Raises:
        CommandError: with a caret under the place.
    """
    values = numbers(options)
    if options.expression.strip().endswith(".py"):
        raise CommandError(
            f"{options.expression} is a file: name the function in it, glassgrad {options.command} "
            f"{options.expression}:FUNCTION"
        )
    try:
        return parse(options.expression.strip()).evaluate(values)
    except ExpressionError as error:
        raise CommandError(f"{error}\n{error.caret()}") from None


def function_of(options: argparse.Namespace) -> Callable[..., Any] | None:
    """The function that was named as FILE.py:FUNCTION, whose file is run after saying so; None for an expression.

    Raises:
        CommandError: if there is none, or the file fails.
    """
    if not names_function(options.expression):
        return None
    with running(options):
        return load_function(options.expression, lambda line: print(visible(line), file=sys.stderr))


@contextmanager
def running(options: argparse.Namespace) -> Iterator[None]:
    """Around what runs the user's file: whatever it raises is the user's to mend, and told in one line."""
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise CommandError(told(error, options.expression)) from None
    finally:
        lost = reopen_streams()
        if lost:
            file = options.expression.rpartition(":")[0]
            raise CommandError(
                f"{file} closed {lost} or replaced it by what is no stream: leave it open, for the result"
            )
