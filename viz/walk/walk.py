"""A walk as data: the one graph, its steps, the lines that made it, its picture. Every view is a function of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

from ...engine.rules.notation import short
from ...engine.shown import visible
from ...engine.story.graph import Graph
from ...engine.story.steps import Steps, shown_names
from ..model.text import shorten
from ..place.layout import layout
from .source_pane import SourcePane, source_pane

if TYPE_CHECKING:
    from ..model.diagram import Diagram

NAME_LENGTH: Final = 40
"""Characters of a label that sentences and formulas show; the tooltip of its box has all of it."""
WRONG: Final = "✗"
"""Before the first wrong number."""


@dataclass(frozen=True)
class Walk:
    """One computation, ready to be walked through; made by `walk_through`.

    Attributes:
        steps: forward and backward, over the one graph, every gradient in it filled in.
        title: what the walk is called.
        expression: the text the graph was made of, if it was typed as one, else "".
        marked: the node with room for a mark before its gradient, if there is one.
        beside: another pass, for whose numbers there is room, too.
        like: the walk whose picture this one has, but for the numbers.
    """

    steps: Steps
    title: str
    expression: str = ""
    marked: int | None = None
    beside: Steps | None = None
    like: Walk | None = None

    @property
    def graph(self) -> Graph:
        """The computation."""
        return self.steps.graph

    @cached_property
    def source(self) -> SourcePane:
        """The lines beside the graph: the user's own, or the expression derived from the graph."""
        return source_pane(self.graph, self.expression)

    @cached_property
    def drawing(self) -> Diagram:
        """The graph after the last step, nothing folded; every box has the name that the sentences use."""
        nodes = self.graph.nodes
        if self.like:
            same = self.like.drawing
            grads = [None if node.grad is None else short(node.grad) for node in nodes]
            boxes = (box._replace(grad=grads[box.nodes[0]] or "") for box in same.boxes)
            slopes = (nodes[edge.node].slopes[edge.position] for edge in same.edges)
            edges = (e._replace(slope="" if x is None else short(x)) for e, x in zip(same.edges, slopes))
            return replace(same, boxes=tuple(boxes), edges=tuple(edges))
        shown: list[list[str]] = [[] for _ in nodes]
        for steps in filter(None, (self.steps, self.beside)):
            for texts, arrivals in zip(shown, steps.arrivals):
                texts += [f"{short(total)} …" for _, total in arrivals[:-1]]
                texts += [short(total) for _, total in arrivals[-1:]]
        if self.marked is not None:
            shown[self.marked] = [f"{WRONG} {text}" for text in shown[self.marked]]
        room = [max(texts, key=len, default="") for texts in shown]
        return layout(self.graph, fold=False, slopes=True, names=self.steps.names, room=room)


def walk_through(graph: Graph, title: str = "", expression: str = "") -> Walk:
    """The walk through a graph.

    Args:
        graph: the computation; gradients that it may hold from an earlier `backward()` are replaced.
        title: what the walk is called; by default, after the result.
        expression: the text the graph was made of, if it was typed as one.

    >>> from glassgrad import Graph, Value
    >>> walk = walk_through(Graph(Value(2.0, "x") * Value(3.0, "w")))
    >>> walk.title, [node.grad for node in walk.graph.nodes]
    ('v2', [3.0, 2.0, 1.0])
    """
    names = shown_names(graph, lambda name: shorten(visible(name), NAME_LENGTH))
    return Walk(Steps(graph, names).with_gradients(), title or graph.root.name, expression)
