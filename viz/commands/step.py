"""`glassgrad step`: walk through an expression, or through a function of the user's own file."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys

from rich.console import Console

from ...engine.graph import Graph
from ...engine.steps import Steps
from .. import terminal
from .expression import NEURON, add_arguments, evaluated


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
        '  glassgrad step "x**3" x=2 --json > steps.json'
    )
    add_arguments(parser)
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print the steps as JSON")
    output.add_argument("--all", action="store_true", help="print all steps, in a terminal, too")


def run(options: argparse.Namespace) -> int:
    """Walk, or print."""
    result = evaluated(options)
    steps = Steps(Graph(result.root, sources=result.sources))
    expression = options.expression.strip()
    if options.json:
        rows = [dataclasses.asdict(step) for step in steps]
        print(json.dumps({"expression": expression, "graph": json.loads(steps.graph.to_json()), "steps": rows}, ensure_ascii=False, indent=1))
    elif sys.stdin.isatty() and sys.stdout.isatty() and not options.all:
        terminal.walk(steps, expression=expression)
    else:
        terminal.print_steps(steps, Console(width=None if sys.stdout.isatty() else 200), expression=expression)
    return 0
