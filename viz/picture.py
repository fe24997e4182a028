"""`draw`: a picture of a computation, with no other program needed."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from types import FrameType

from ..engine.core.value import Value
from ..engine.shown import described
from ..engine.story.graph import Graph
from .drawing import Drawing
from .model.diagram import Direction
from .place.layout import Engine, layout
from .variables import frame_names, variable_names

# `draw` is not in a module of its own name: importing that would put the module in the place of the function.


def draw(
    root: Value | Graph,
    names: Mapping[str, object] | None = None,
    fold: str | bool | Sequence[str] = "auto",
    direction: Direction = "LR",
    values: bool = True,
    gradients: bool = True,
    slopes: bool = False,
    layout: Engine = "auto",
    unfold: Sequence[str] = (),
) -> Drawing:
    """Draw the computation behind `root`.

    Args:
        root: the result, or a `Graph`.
        names: variables whose names become labels, such as `locals()`; by default the caller's own are looked at,
            `{}` for none. A Value's own label goes first.
        fold: module calls as one box: "auto" above 150 boxes, True, False, or a list of names or kinds of calls.
            With "auto", a graph of more than 1,000 nodes that has no calls is drawn as 40 runs of nodes.
        direction: "LR" from left to right, "TB" from top to bottom.
        values, gradients: show the numbers; a gradient that is not computed stays blank.
        slopes: write the local derivative on every edge.
        layout: "dot" (Graphviz places the boxes), "builtin", or "auto".
        unfold: names or kinds of calls to open, such as `["layers[0].neurons[3]"]`.

    Returns:
        A `Drawing`: it shows itself in a notebook; `.save("graph.svg")` writes svg, html, dot, pdf or png.

    Raises:
        TypeError: if `root` is neither Value nor Graph.
        ValueError: for an unknown option, or a picture too large to be read.

    >>> from glassgrad import Value
    >>> x, w = Value(2.0), Value(-3.0)
    >>> y = x * w
    >>> print(draw(y, layout="builtin"))
    graph of y = −6: 3 nodes, 2 edges, 2 leaves, gradients not computed
    """
    graph = graph_of(root, names, sys._getframe(1))
    diagram = _layout(
        graph,
        fold=fold,
        unfold=unfold,
        direction=direction,
        values=values,
        gradients=gradients,
        slopes=slopes,
        engine=layout,
    )
    return Drawing.of(diagram)


_layout = layout  # in `draw` the word is an argument


def graph_of(root: Value | Graph, names: Mapping[str, object] | None, frame: FrameType) -> Graph:
    """`root` itself if it is a Graph, else its snapshot with labels from `names`, or from the variables of `frame`."""
    if isinstance(root, Graph):
        if names:
            raise TypeError("names= labels Values, but a Graph has its labels: give them to Graph(root, names)")
        return root
    if not isinstance(root, Value):
        raise TypeError(f"draw takes a Value (the result) or a Graph, got {described(root, 80)}")
    return Graph(root, frame_names(frame) if names is None else variable_names(names))
