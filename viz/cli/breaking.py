"""`glassgrad break`: backpropagation with a fault, beside the right one."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from rich.console import Console

from ...engine.lab.comparison import compared
from ...engine.lab.faults import FAULTS, UnknownFaultError
from ...engine.lab.small_graphs import Example, smallest_example
from ...engine.shown import counted, visible, wrapped
from ...engine.story.graph import Graph
from ..walk import terminal_pair
from ..walk.function import graph_of_call
from ..walk.side_by_side import SideBySide
from .errors import CommandError
from .expression import add_arguments, evaluated, function_of, numbers, running
from .process import output_width

WIDTH: Final = 100
"""Characters of a line where there is no terminal."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    parser.description = (
        "Break backpropagation on purpose: step through the right pass and one with a fault, side by side,\n"
        "and see where they part and why. Without a fault: the list of them; without an expression: the\n"
        "smallest graph that shows the fault.\n"
        f"In a terminal: {terminal_pair.PAIR_HELP}. Elsewhere all steps are printed."
    )
    parser.epilog = (
        "examples:\n"
        "  glassgrad break                                     # the faults\n"
        "  glassgrad break recursive_order                     # the smallest graph that shows it\n"
        '  glassgrad break overwrite "b = a + a; c = b*b" a=3\n'
        '  glassgrad break wrong_sign "a/b - a" a=3 b=2 --at sub\n'
        '  glassgrad break stale_data "a*b + a" a=3 b=2 --at b --all\n'
        '  glassgrad break overwrite "b = a + a; c = b*b" a=3 --html page.html\n'
        "  glassgrad break overwrite my_script.py:function x=2 y=3    # runs your file, after saying so"
    )
    parser.add_argument("fault", metavar="FAULT", nargs="?", help="what is wrong, such as overwrite, or its number")
    add_arguments(parser, optional=True)
    parser.add_argument("--at", metavar="PLACE", help="the op, or the input, that the fault is in")
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--all", action="store_true", help="print all steps, in a terminal, too")
    output.add_argument(
        "--html", metavar="FILE.html", type=Path, help="write a page with both graphs side by side (none for cycle)"
    )


def run(options: argparse.Namespace) -> int:
    """List the faults, or show one."""
    if options.fault is None:
        print(FAULTS.table.text(output_width(WIDTH)))
        print(wrapped("glassgrad break FAULT shows the smallest graph on which one can be seen.", output_width(WIDTH)))
        return 0
    by_number = {str(number): name for number, name in enumerate(FAULTS, 1)}
    options.fault = by_number.get(options.fault, options.fault)
    try:
        fault = FAULTS[options.fault]
    except UnknownFaultError as error:
        write = "Write" if str(error).endswith("?") else "; write"
        raise CommandError(f"{error} {write} glassgrad break FAULT EXPR NAME=NUMBER …".replace(" ;", ";")) from None
    example = None if options.expression else smallest_example(fault)
    try:
        pair = _given(options) if example is None else _of_example(example, options.at)
        if options.html and pair.comparison.wrong is None:
            raise CommandError(
                f"{fault.name} has no steps and no page: the engine refuses it; leave --html out, glassgrad break "
                f"{fault.name} prints what it says"
            )
        if options.html:
            _save(pair, options.html)
        elif pair.comparison.wrong is None:
            print((example or pair.comparison).text(output_width(WIDTH)))
        elif example is not None and not options.all:
            print(example.text(output_width(WIDTH)))
            given = " ".join(f"{name}={x:g}" for name, x in example.inputs.items())
            print(f'step through it: glassgrad break {fault.name} "{example.expression}" {given}')
        elif sys.stdin.isatty() and sys.stdout.isatty() and not options.all:
            pair.terminal()
        else:
            terminal_pair.print_pair(pair.comparison, pair.right, pair.wrong, Console(width=output_width(WIDTH)))
    except ValueError as error:
        raise CommandError(str(error)) from None
    return 0


def _of_example(example: Example, at: str | None) -> SideBySide:
    found = example.comparison if at is None else compared(example.comparison.graph, example.comparison.fault, at)
    return SideBySide(found, example.expression, example.expression)


def _given(options: argparse.Namespace) -> SideBySide:
    values, function = numbers(options), function_of(options)
    if function is None:
        result, text = evaluated(options), options.expression.strip()
        return SideBySide(compared(Graph(result.root, sources=result.sources), options.fault, options.at), text, text)
    with running(options):
        graph, title = graph_of_call(function, values)
    return SideBySide(compared(graph, options.fault, options.at), title)


def _save(pair: SideBySide, path: Path) -> None:
    try:
        pair.save(path)
    except OSError as error:
        raise CommandError(str(error)) from None
    print(f"wrote {visible(str(path))}: {counted(len(pair.wrong.steps), 'step')}; open it in a browser")
