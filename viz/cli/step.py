"""`glassgrad step`: walk through an expression, or through a function of the user's own file."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path

from rich.console import Console

from ...engine.shown import counted, visible
from ...engine.story.graph import Graph
from ..walk import terminal
from ..walk.script import names_function
from ..walk.stepper import Stepper, step
from .errors import CommandError
from .expression import NEURON, add_arguments, evaluated, function_of, numbers, running
from .process import output_width


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    parser.description = (
        "Walk through the evaluation of an expression and back through its gradients, one edge at a time.\n"
        f"In a terminal: {terminal.HELP}. Elsewhere all steps are printed."
    )
    parser.epilog = (
        "examples:\n"
        f'  glassgrad step "{NEURON[0]}" {NEURON[1]}\n'
        '  glassgrad step "n = x1*w1 + x2*w2 + b; o = tanh(n)" x1=2 w1=-3 x2=0 w2=1 b=6.88\n'
        '  glassgrad step "a = x*x; a + a" x=3 --all       # the same, without keys\n'
        '  glassgrad step "x**3" x=2 --json > steps.json\n'
        '  glassgrad step "tanh(x*w + b)" x=2 w=-3 b=6 --html page.html\n'
        "  glassgrad step my_script.py:function x=2 y=3    # runs your file, after saying so"
    )
    add_arguments(parser)
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print the steps as JSON")
    output.add_argument("--all", action="store_true", help="print all steps, in a terminal, too")
    output.add_argument("--html", metavar="FILE.html", type=Path, help="write a page that walks through the steps")
    output.add_argument("--gif", metavar="FILE.gif", type=Path, help="write an animation (extra: png)")
    output.add_argument(
        "--full-screen", action="store_true", help="table, source and formula side by side (extra: tui)"
    )


def run(options: argparse.Namespace) -> int:
    """Walk, print or write."""
    stepper = _stepper(options)
    expression = None if names_function(options.expression) else options.expression.strip()
    if options.html or options.gif:
        _save(stepper, options.html or options.gif, ".html" if options.html else ".gif")
    elif options.full_screen:
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise CommandError("--full-screen needs a terminal; --all prints the steps, --html FILE writes a page")
        try:
            stepper.terminal(full_screen=True)
        except ImportError as error:
            raise CommandError(str(error)) from None
    elif options.json:
        rows = [dataclasses.asdict(event) for event in stepper.steps]
        document = {"expression": expression, "graph": json.loads(stepper.graph.to_json()), "steps": rows}
        print(json.dumps(document, indent=1))
    elif sys.stdin.isatty() and sys.stdout.isatty() and not options.all:
        terminal.run(stepper.walk)
    else:
        terminal.print_steps(stepper.walk, Console(width=output_width()))
    return 0


def _stepper(options: argparse.Namespace) -> Stepper:
    values = numbers(options)
    function = function_of(options)
    if function is None:
        result, text = evaluated(options), options.expression.strip()
        return Stepper(Graph(result.root, sources=result.sources), text, text)
    with running(options):
        return step(function, **values)


def _save(stepper: Stepper, path: Path, ending: str) -> None:
    if path.suffix.lower() != ending:
        raise CommandError(f"{path} must end with {ending}")
    try:
        stepper.save(path)
    except OSError as error:
        raise CommandError(str(error)) from None
    except (ValueError, ImportError) as error:
        raise CommandError(f"cannot write {path}: {error}") from None
    hint = "; open it in a browser" if ending == ".html" else ""
    print(f"wrote {visible(str(path))}: {counted(len(stepper.steps), 'step')}{hint}")
