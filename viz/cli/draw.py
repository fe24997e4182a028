"""`glassgrad draw`: the graph of an expression as a picture."""

from __future__ import annotations

import argparse
import warnings

from ...engine.shown import visible
from ...engine.story.graph import Graph
from ..drawing import ENDINGS
from ..paths import LIMIT, draw_paths
from ..picture import draw
from ..place.dot import DotError
from ..place.layout import ENGINES
from .errors import CommandError
from .expression import NEURON, add_arguments, evaluated


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
        '  glassgrad draw "x**3" x=2 > cube.svg'
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


def run(options: argparse.Namespace) -> int:
    """Draw, and say what was written."""
    result = evaluated(options)
    if not options.no_gradients and result.root.inputs:
        result.root.backward()
    graph = Graph(result.root, sources=result.sources)
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
        print(drawing.svg, end="")
        return 0
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            path = drawing.save(options.output)
        except (ValueError, ImportError) as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"cannot write {options.output}: {error.strerror}") from None
    print(f"wrote {visible(str(path))}: {drawing.summary}")
    for note in (*drawing.messages, *(str(warning.message) for warning in caught)):
        print(note)
    return 0
