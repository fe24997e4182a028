"""One backward pass as events, right or with a fault: what a fault's function works with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from heapq import heappop, heappush

from ..core.chain import Flow
from ..core.origin import same
from ..story.graph import Graph

Edge = tuple[int, int]
"""(id of a node, position of its operand)."""


class Handed(Flow):
    """What runs through one edge of a pass.

    Attributes:
        how: in which way the fault acts here, a key of `Fault.said`; "" where it does not.
        grad: the gradient of the node that hands on, which a rule may have left out.
    """

    how: str = ""
    grad: float = 0.0


class Pass:
    """A backward pass over a graph. It begins in the state of a right one; whoever runs it hands on, edge by edge.

    Args:
        graph: the computation.
        names: what its nodes are called.
        at: the op or the leaf that the fault is in, if it is in one.
        right: what the right pass hands on, in order.
        beside: the pass that this one is held against.

    Attributes:
        edges: for each node, by id, the positions of its operands that take a gradient.
        slopes: the local derivative of each edge, as its rule gives it.
        changed: numbers that were changed after the forward pass, by id.
        begun: the gradients that are there when the pass begins, by id.
        flows: what was handed on, in order.
        due: what the right pass brings through each edge, in topological order.
        totals: the gradients of one right pass, by id.
        turns: by id, which node comes first where a topological order has a choice: as it was in the pass beside this.
    """

    def __init__(
        self, graph: Graph, names: Sequence[str], at: str = "", *, right: Sequence[Flow], beside: Pass | None = None
    ) -> None:
        self.graph, self.names, self.at = graph, names, at
        self.due: dict[Edge, Flow] = {(flow.node, flow.position): flow for flow in right}
        self.edges: list[list[int]] = [[] for _ in graph.nodes]
        self.slopes: dict[Edge, float] = {}
        self.totals = {self.root: 1.0}
        self.uses = [0] * len(graph)
        for (node, position), flow in self.due.items():
            self.edges[node].append(position)
            self.slopes[node, position] = flow.slope
            self.totals[flow.input] = flow.new
            self.uses[flow.input] += 1
        flows: Sequence[Flow] = beside.flows if beside else right
        self.turns = {flow.node: -k for k, flow in enumerate(reversed(flows))}
        self.changed: dict[int, float] = {}
        self.begun = {self.root: 1.0}
        self.flows: list[Handed] = []
        self._grads: dict[int, float] = {}
        self._handed: set[Edge] = set()
        self._awaited = list(self.uses)

    @property
    def root(self) -> int:
        """The result."""
        return len(self.graph) - 1

    def grad(self, node: int) -> float:
        """The gradient of a node as it is now."""
        return self._grads.get(node, self.begun.get(node, 0.0))

    def waits(self, node: int) -> bool:
        """Whether something is still to come to a node."""
        return self._awaited[node] > 0

    def operands(self, node: int) -> dict[int, None]:
        """The operands of a node that take a gradient, each once."""
        return dict.fromkeys(self.graph.nodes[node].inputs[position] for position in self.edges[node])

    def hand(self, node: int, position: int, how: str = "", *, upstream: float | None = None, add: bool = True) -> None:
        """Hand the gradient of `node` on through one edge.

        Args:
            node: who hands it on.
            position: to which of its operands.
            how: in which way the fault acts here, if it does.
            upstream: what takes the place of the gradient of `node`.
            add: whether the contribution is added to what is there, or takes its place.
        """
        u, grad = self.graph.nodes[node].inputs[position], self.grad(node)
        upstream = grad if upstream is None else upstream
        slope, old = self.slopes[node, position], self.grad(u)
        self._grads[u] = new = old + upstream * slope if add else upstream * slope
        flow = Handed(node, position, u, upstream, slope, old, new)
        flow.how, flow.grad = how, grad
        self.flows.append(flow)
        if (node, position) not in self._handed:
            self._handed.add((node, position))
            self._awaited[u] -= 1

    @property
    def leaves(self) -> list[int]:
        """The inputs of the computation, by id."""
        return [node.id for node in self.graph.leaves]

    def late(self, flow: Handed) -> list[int]:
        """The nodes, by id, that had not yet handed their part to the one that hands on here."""
        came = self.flows[: next(k for k, other in enumerate(self.flows) if other is flow)]
        waits = {node for node, position in self.due if self.graph.nodes[node].inputs[position] == flow.node}
        return sorted(waits - {other.node for other in came})


def topological(run: Pass) -> None:
    """The right pass: a node hands on when all has come back to it."""
    ready = [(0, run.root)]
    while ready:
        _, node = heappop(ready)
        for position in run.edges[node]:
            run.hand(node, position)
            u = run.graph.nodes[node].inputs[position]
            if not run.waits(u):
                heappush(ready, (run.turns.get(u, 0), u))


def first_wrong(right: Pass, wrong: Pass) -> int | None:
    """Which step after the last forward one is the first to give a wrong number: 0, the seed, or a backward step.

    A backward step is right if it adds what the right pass brings through its edge, and nothing the second time.
    None if the leaves get the right gradients all the same.
    """
    size = {i: abs(x) for i, x in right.begun.items()}  # of each gradient, before anything cancels
    for flow in right.flows:
        size[flow.input] = size.get(flow.input, 0.0) + size.get(flow.node, 0.0) * abs(flow.slope)

    def near(a: float, b: float, scale: float) -> bool:  # other orders of adding up give other last digits
        return same(a, b) or math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12 * scale if math.isfinite(scale) else 0.0)

    if all(near(right.grad(i), wrong.grad(i), size.get(i, 0.0)) for i in right.leaves):
        return None
    if not all(near(right.begun.get(i, 0.0), wrong.begun.get(i, 0.0), 0.0) for i in {*right.begun, *wrong.begun}):
        return 0
    scale = {edge: size.get(flow.node, 0.0) * abs(flow.slope) for edge, flow in right.due.items()}
    due: dict[Edge, float] = {edge: flow.contribution for edge, flow in right.due.items()}
    for k, flow in enumerate(wrong.flows, 1):
        edge, brought = (flow.node, flow.position), flow.contribution
        if flow.replaces or (brought != 0.0 and not near(brought, due.pop(edge, 0.0), scale.get(edge, 0.0))):
            return k
    missing = (k for k, flow in enumerate(wrong.flows, 1) if due.get((flow.node, flow.position), 0.0) != 0.0)
    return next(missing, None)  # what was to come never did
