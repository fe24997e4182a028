"""`glassgrad` alone: one neuron, watched, proved and summed up, and what to try next."""

from __future__ import annotations

import argparse

from rich.console import Console
from rich.text import Text

from ...engine.proof.gradcheck import gradcheck
from ...engine.story.expression import parse
from ...engine.story.graph import Graph
from ...engine.story.ledger import ledger
from ..walk import terminal
from ..walk.walk import walk_through
from .expression import NEURON

TRY_NEXT = (
    (f'glassgrad step "{NEURON[0]}" {NEURON[1]}', "walk through it key by key"),
    ('glassgrad check "x**y / sin(x)" x=1.5 y=2', "prove a gradient"),
    ('glassgrad draw "a = x*x; a + a" x=3 -o graph.svg', "draw a graph"),
    ("glassgrad train moons", "train a network"),
    ("glassgrad --help", "everything else"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "One neuron: every step of its evaluation and differentiation, its gradient check, and what to try next."
    )
    parser.epilog = "examples:\n  glassgrad\n  glassgrad demo"


def run(options: argparse.Namespace) -> int:
    """Show it."""
    console = Console()
    numbers = dict(pair.split("=") for pair in NEURON[1].split())
    text = f"n = {NEURON[0][5:-1]}; o = tanh(n)"
    result = parse(text).evaluate({name: float(x) for name, x in numbers.items()})
    walk = walk_through(Graph(result.root, sources=result.sources), text, text)
    console.print(Text("One neuron, forward and back, nothing hidden", style="bold"))
    console.print(Text(text + "\n"))
    terminal.print_steps(walk, console)
    console.print(Text("\nWhere a gradient comes from", style="bold"))
    console.print(Text(str(ledger(walk.steps, walk.graph.find("w1").id))))
    console.print(Text("\nIs it right? Backpropagation against derivatives that were found without it", style="bold"))
    inputs = [v for v in result.names.values() if v.op == ""]
    console.print(Text(str(gradcheck(result.root, inputs))), soft_wrap=True)
    console.print(Text("\nTry next", style="bold"))
    for command, what in TRY_NEXT:
        console.print(Text.assemble(("  " + command, "cyan"), f"   {what}"), soft_wrap=True)
    return 0
