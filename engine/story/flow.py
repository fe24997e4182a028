"""What runs back through every edge: the numbers of the backward steps, without their words."""

from __future__ import annotations

from typing import NamedTuple

from .graph import Graph


class Flow(NamedTuple):
    """One edge of the way back: `upstream` × `slope` turns the gradient of `input` from `old` into `new`.

    Attributes:
        node: id of the node that the gradient leaves.
        position: which of its operands receives.
        input: id of that operand.
        upstream: the gradient of `node`.
        slope: ∂node/∂input, the local derivative.
        old: gradient of the receiver before.
        new: and after it: old + upstream × slope.
    """

    node: int
    position: int
    input: int
    upstream: float
    slope: float
    old: float
    new: float

    @property
    def contribution(self) -> float:
        """What is added: upstream × slope."""
        return self.upstream * self.slope


def flows(graph: Graph) -> list[Flow]:
    """Every edge of the way back, in the order of `backward()`.

    >>> from glassgrad import Graph, Value
    >>> x = Value(3.0)
    >>> [(flow.old, flow.contribution, flow.new) for flow in flows(Graph(x * x))]
    [(0.0, 3.0, 3.0), (3.0, 3.0, 6.0)]
    """
    grads = [0.0] * len(graph)
    grads[-1] = 1.0
    found = []
    for node in reversed(graph.nodes):
        upstream = grads[node.id]
        for position, (i, slope) in enumerate(zip(node.inputs, node.slopes)):
            if slope is not None:  # a constant takes no gradient
                old = grads[i]
                grads[i] = new = old + upstream * slope
                found.append(Flow(node.id, position, i, upstream, slope, old, new))
    return found
