"""The walk in a terminal keeps its first and its last line on the screen."""

import io

import pytest
from rich.console import Console

from glassgrad.engine.story.expression import parse
from glassgrad.engine.story.graph import Graph
from glassgrad.viz.walk.terminal import _room, view
from glassgrad.viz.walk.walk import walk_through

LONG = "(score - max(target, 0.25))**2 / (1 + abs(score*weight_one + weight_two))"
NUMBERS = {"score": 2.0, "target": 1.0, "weight_one": 3.0, "weight_two": 4.0}


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (100, 40)])
def test_every_step_fits_and_uses_the_screen(size):
    width, height = size
    console = Console(width=width, height=height, file=io.StringIO(), force_terminal=True)
    walk = walk_through(Graph(parse(LONG).evaluate(NUMBERS).root), LONG, LONG)
    for index in range(len(walk.steps)):
        rows = _room(console, view(walk, index, rows=1))
        lines = console.render_lines(view(walk, index, rows=rows))
        assert len(lines) + 3 <= height  # an empty line, the help, the cursor
        assert len(lines) + 3 == height or rows >= len(walk.graph)
