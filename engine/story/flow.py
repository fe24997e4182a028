"""What runs back through every edge of a graph: the numbers of the backward steps, without their words."""

from __future__ import annotations

from collections.abc import Iterator

from ..core.chain import Flow, chain_rule
from ..core.own import own_name
from ..errors import GraphError
from .graph import Graph

__all__ = ["Flow", "flows"]


def flows(graph: Graph) -> list[Flow]:
    """Every edge of the way back, between ids, in the order of `backward()`.

    Raises:
        GraphError: if a node whose rule is the learner's own has no slopes.

    >>> from glassgrad import Graph, Value
    >>> x = Value(3.0)
    >>> [(flow.old, flow.contribution, flow.new) for flow in flows(Graph(x * x))]
    [(0.0, 3.0, 3.0), (3.0, 3.0, 6.0)]
    """

    def edges(i: int) -> Iterator[tuple[int, int, float]]:
        node = graph.nodes[i]
        if node.inputs and None in node.slopes and own_name(node.op):
            raise GraphError(graph.reasons.get(i) or f"{node.name} has no slopes to go back by: its rule gave none")
        slopes = enumerate(zip(node.inputs, node.slopes))
        return ((position, u, slope) for position, (u, slope) in slopes if slope is not None)  # constants take none

    return list(chain_rule(range(len(graph)), edges, {graph.root.id: 1.0}))
