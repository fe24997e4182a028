"""What is known at one step of a walk: terminal, full screen and animation ask here.

The page works it out in the browser, from step to step; a test holds it against this, at every step.

A `Moment` holds nothing but the walk and an index, so making one costs nothing; it answers for one node or edge at a
time. A view that goes from step to step asks only for what `changed` names, and stays linear in the steps.

>>> from glassgrad import Value, steps
>>> x = Value(3.0, "x")
>>> walk = steps(x * x)                      # x, x·x; seed; back through one edge, back through the other
>>> [moment(walk, k).node(0).gradient for k in range(5)]
[None, None, None, 3.0, 6.0]
>>> [moment(walk, k).node(0).complete for k in range(5)]
[False, False, False, False, True]
>>> moment(walk, 3).edge(1, 0).backward, moment(walk, 3).edge(1, 1).backward
(True, False)
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from ..rules.notation import short
from .graph import Graph
from .steps import Phase, Step, Steps


class NodeState(NamedTuple):
    """What is known of one node.

    Attributes:
        computed: whether the forward pass has come to it.
        value: its number once it is computed, else None.
        gradient: the sum of what has come back to it so far; None while nothing has (which is not 0).
        arrived: how many contributions (of the root: its seed) have come back to it.
        awaited: how many are still to come; 0 from the start for what takes no gradient, such as a constant.
        current: whether this step is about it: it is computed, seeded, or receives a contribution.
        sender: whether this step hands a contribution on from it.
    """

    computed: bool
    value: float | None
    gradient: float | None
    arrived: int
    awaited: int
    current: bool
    sender: bool

    @property
    def complete(self) -> bool:
        """Whether `gradient` is final; as long as it is not, it is a partial sum and must be shown as one."""
        return self.arrived > 0 and self.awaited == 0

    @property
    def value_text(self) -> str:
        """The value as it is written; "" before it is computed."""
        return "" if self.value is None else short(self.value)

    @property
    def gradient_text(self) -> str:
        """The gradient as it is written: "" while nothing has come back, `3 …` while more is to come."""
        return "" if self.gradient is None else short(self.gradient) + ("" if self.complete else " …")


class EdgeState(NamedTuple):
    """What is known of one edge.

    Attributes:
        forward: whether it has carried its operand into a computed node.
        backward: whether it has carried a gradient back.
        slope: the local derivative, from the step on that uses it; before that, and on a constant's edge, None.
        current: whether this step runs through it.
    """

    forward: bool
    backward: bool
    slope: float | None
    current: bool


class Moment:
    """The state of a walk right after step `index`; made by `moment`.

    Attributes:
        steps: the walk.
        index: which step was taken last, from 0.
    """

    __slots__ = ("_focus", "_sender", "index", "steps")

    def __init__(self, steps: Steps, index: int) -> None:
        self.steps = steps
        self.index = index
        self._focus, self._sender = steps.about(index)

    @property
    def graph(self) -> Graph:
        """The graph that is walked through."""
        return self.steps.graph

    @property
    def step(self) -> Step:
        """The step itself, with its words and numbers."""
        return self.steps[self.index]

    @property
    def phase(self) -> Phase:
        """`"forward"`, `"seed"` or `"backward"`."""
        count = len(self.graph)
        return "forward" if self.index < count else "seed" if self.index == count else "backward"

    @property
    def focus(self) -> int:
        """Id of the node that is `current`: where the eye should be."""
        return self._focus

    def node(self, number: int) -> NodeState:
        """What is known of node `number`."""
        computed = number <= self.index
        arrivals = self.steps.arrivals[number]
        arrived = bisect_right(arrivals, self.index, key=_step_index)
        return NodeState(
            computed,
            self.graph.nodes[number].data if computed else None,
            arrivals[arrived - 1][1] if arrived else None,
            arrived,
            len(arrivals) - arrived,
            number == self._focus,
            number == self._sender,
        )

    def edge(self, node: int, position: int) -> EdgeState:
        """What is known of the edge from operand `position` of node `node` into it."""
        back = self.steps.step_back.get((node, position))
        backward = back is not None and back <= self.index
        here = self._sender is None and self._focus == node and self.index < len(self.graph)
        now = self._sender == node and self.steps.flow(self.index).position == position
        return EdgeState(
            node <= self.index,
            backward,
            self.graph.nodes[node].slopes[position] if backward else None,
            here or now,
        )

    @property
    def nodes(self) -> Iterator[NodeState]:
        """Every node's state, by id."""
        return (self.node(i) for i in range(len(self.graph)))

    @property
    def edges(self) -> Iterator[tuple[int, int, EdgeState]]:
        """Every edge as (node, position of the operand, state)."""
        return ((node, position, self.edge(node, position)) for _, node, position in self.graph.edges)


def moment(steps: Steps, index: int) -> Moment:
    """What is known right after step `index`.

    Args:
        steps: the walk.
        index: a step, from 0; -1 is the last.

    Raises:
        IndexError: if there is no such step.
    """
    count = len(steps)
    if not -count <= index < count:
        raise IndexError(f"step {index} of {count}: there are steps 0 to {count - 1}")
    return Moment(steps, index % count)


def changed(steps: Steps, before: int, after: int) -> tuple[set[int], set[tuple[int, int]]]:
    """The nodes (ids) and edges (node, position) that may look different at step `after` than at step `before`.

    >>> from glassgrad import Value, steps
    >>> x = Value(3.0, "x")
    >>> changed(steps(x * x), 2, 3)
    ({0, 1}, {(1, 0)})
    """
    nodes: set[int] = set()
    edges: set[tuple[int, int]] = set()
    for index in range(min(before, after), max(before, after) + 1):
        focus, sender = steps.about(index)
        nodes.add(focus)
        if sender is not None:
            nodes.add(sender)
            edges.add((sender, steps.flow(index).position))
        elif index < len(steps.graph):
            edges.update((focus, position) for position in range(len(steps.graph.nodes[focus].inputs)))
        elif index == len(steps.graph):
            nodes.update(steps.begun)
    return nodes, edges


def _step_index(arrival: tuple[int, float]) -> int:
    return arrival[0]
