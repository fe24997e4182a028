"""`glassgrad draw`: the graph of an expression as a picture."""

from __future__ import annotations

import argparse
import sys
import warnings

from ...engine.shown import visible
from ...engine.story.graph import Graph
from ...engine.story.steps import Steps
from ..drawing import ENDINGS
from ..paths import LIMIT, draw_paths
from ..picture import draw
from ..place.dot import DotError
from ..place.layout import ENGINES
from ..walk.function import graph_of_call
from .errors import CommandError
from .expression import NEURON, add_arguments, evaluated, function_of, numbers, running


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    parser.description = (
        "Draw the graph of an expression with the value and the gradient of every node.\n"
        f"The ending of the file decides the format: {' '.join(ENDINGS)}.\n"
        "pdf and png need an extra: glassgrad[pdf], glassgrad[png]."
    )
    parser.epilog = (
        "examples:\n"
        f'  glassgrad draw "{NEURON[0]}" {NEURON[1]} -o neuron.svg\n'
        '  glassgrad draw "a = x*x; a + a" x=3 --slopes --direction TB -o fork.html\n'
        '  glassgrad draw "a = x*x; a + x" x=3 --explain x -o paths.svg   # every path from x, and their sum\n'
        '  glassgrad draw "x**3" x=2 > cube.svg\n'
        "  glassgrad draw my_script.py:function x=2 y=3 -o mine.svg    # runs your file, after saying so"
    )
    add_arguments(parser)
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="where to write it; - (the default): SVG to standard output"
    )
    parser.add_argument(
        "--direction",
        choices=("LR", "TB"),
        default="LR",
        help="from left to right (the default), or from top to bottom",
    )
    parser.add_argument(
        "--layout",
        choices=ENGINES,
        default="auto",
        help="who places the boxes: auto is dot where Graphviz is installed",
    )
    parser.add_argument("--slopes", action="store_true", help="write the local derivative on every edge")
    parser.add_argument("--no-gradients", action="store_true", help="the values only")
    parser.add_argument(
        "--explain", metavar="NAME", help="draw every path from this variable to the result, and their sum"
    )
    parser.add_argument(
        "--limit", metavar="N", type=int, default=LIMIT, help=f"with --explain: draw at most N paths (default {LIMIT})"
    )


def _graph(options: argparse.Namespace) -> Graph:
    values, function = numbers(options), function_of(options)
    if function is None:
        result = evaluated(options)
        graph = Graph(result.root, sources=result.sources)
    else:
        with running(options):
            graph, _ = graph_of_call(function, values)
    return graph if options.no_gradients else Steps(graph).with_gradients().graph


def run(options: argparse.Namespace) -> int:
    """Draw, and say what was written."""
    graph = _graph(options)
    try:
        if options.explain:
            drawing = draw_paths(graph, options.explain, {}, options.limit, options.direction, options.layout)
        else:
            drawing = draw(
                graph,
                direction=options.direction,
                gradients=not options.no_gradients,
                slopes=options.slopes,
                layout=options.layout,
            )
    except (ValueError, DotError) as error:
        raise CommandError(str(error)) from None
    if options.output in (None, "-"):
        encoding = sys.stdout.encoding or "utf-8"
        sys.stdout.write(drawing.svg.encode(encoding, "xmlcharrefreplace").decode(encoding))
        return 0
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            path = drawing.save(options.output)
        except (ValueError, ImportError, OSError) as error:
            raise CommandError(str(error)) from None
    print(f"wrote {visible(str(path))}: {drawing.summary}")
    for note in (*drawing.messages, *(str(warning.message) for warning in caught)):
        print(note)
    return 0
