"""What the commands that take an expression share: its arguments, and the error with a caret under the place."""

from __future__ import annotations

import argparse
import math

from ...engine.errors import ExpressionError
from ...engine.story.expression import Evaluated, parse
from .errors import CommandError

NEURON = ("tanh(x1*w1 + x2*w2 + b)", "x1=2 w1=-3 x2=0 w2=1 b=6.8813735870195432")
"""The neuron of the lecture: the example in every help text."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`EXPR name=number …`."""
    parser.add_argument("expression", metavar="EXPR", help="such as 'n = x*w + b; tanh(n)'; every op can be called")
    parser.add_argument("values", metavar="NAME=NUMBER", nargs="*", help="a number for each name in it")


def numbers(options: argparse.Namespace) -> dict[str, float]:
    """The numbers that were given, by name.

    Raises:
        CommandError: for what is no NAME=NUMBER, or a name given twice.
    """
    values: dict[str, float] = {}
    for given in options.values:
        name, equals, text = given.partition("=")
        name = name.strip()
        if not equals or not name.isidentifier():
            raise CommandError(f"expected NAME=NUMBER, got {given!r} (put an expression with blanks into quotes)")
        if name in values:
            raise CommandError(f"{name} is given twice: {given!r}")
        try:
            values[name] = float(text)
        except ValueError:
            raise CommandError(f"{name} needs a number, got {text!r} (as in {name}=0.5)") from None
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
            f"{options.expression} is a file: name the function in it, glassgrad step {options.expression}:FUNCTION"
        )
    try:
        return parse(options.expression.strip()).evaluate(values)
    except ExpressionError as error:
        raise CommandError(f"{error}\n{error.caret()}") from None
