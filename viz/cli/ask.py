"""`glassgrad ask`: questions, answered by running what they are about."""

from __future__ import annotations

import argparse
import textwrap

from rich.console import Console
from rich.text import Text

from ...engine.lab.question import Question, answer, find, questions
from ..model.theme import TERMINAL_FORWARD
from .errors import CommandError


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    parser.description = (
        "What people ask about backpropagation, answered live: a small program is run, and what it\n"
        "prints is computed on the spot. Without a question all of them are listed."
    )
    parser.epilog = (
        "examples:\n"
        "  glassgrad ask            # the questions\n"
        "  glassgrad ask order      # why topological order, and not just recursion?\n"
        "  glassgrad ask 15         # what does a matrix have to do with it?"
    )
    parser.add_argument("question", metavar="QUESTION", nargs="?", help="its name or number, or a word of it")


def run(options: argparse.Namespace) -> int:
    """List the questions, or answer one."""
    console = Console(markup=False, emoji=False, highlight=False)
    if options.question is None:
        for question in questions():
            name = Text.assemble(f"{question.number:>2}  ", (f"{question.name:<9}", "bold"), f"  {question.text}")
            console.print(name, soft_wrap=True)
        console.print("\nglassgrad ask order answers one of them; so does its number", soft_wrap=True)
        return 0
    try:
        question = find(options.question)
    except ValueError as error:
        raise CommandError(str(error)) from None
    _print_answer(question, console)
    return 0


def _print_answer(question: Question, console: Console) -> None:
    try:
        printed = answer(question)
    except ModuleNotFoundError as error:
        raise CommandError(
            f"the answer to {question.name} needs {error.name}: pip install {error.name} (the others need nothing)"
        ) from None
    console.print(Text(f"{question.number}. {question.text}\n", "bold"), soft_wrap=True)
    console.print(Text(textwrap.indent(question.code.rstrip("\n"), "    "), "dim"), soft_wrap=True)
    console.print()
    for line in printed.rstrip("\n").split("\n"):
        filled = textwrap.fill(line, console.width - 1, initial_indent="  ", subsequent_indent="    ")
        shown = filled if len(line) > console.width - 3 else f"  {line}".rstrip()
        console.print(Text(shown, TERMINAL_FORWARD), soft_wrap=True)
    console.print()
    console.print(Text(textwrap.fill(question.why, console.width - 1)), soft_wrap=True)
    console.print(Text.assemble("\nPlay on: ", (question.play, "bold")), soft_wrap=True)
