"""Evaluation and differentiation as a list of events.

One forward step a node, one seed step, one backward step an edge. Adding up the backward steps gives
`.grad` bit for bit, because they are the same additions in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal, TypeVar, overload

from ..core.value import CONST, Value
from ..shown import counted, described, visible
from ..table import Table
from .flow import Flow, flows
from .graph import Graph, SourceLine
from .naming import distinct
from .telling import Teller

SHOWN_STEPS: Final = 40
"""A table of more steps than this has the first and the last of them."""
Phase = Literal["forward", "seed", "backward"]
_Steps = TypeVar("_Steps", bound="Steps")


@dataclass(frozen=True)
class Step:
    """One event.

    Attributes:
        index: its place in the list, from 0.
        phase: `"forward"`, `"seed"` or `"backward"`.
        node: id of the node computed; of the root in the seed step; backward: of the node the gradient leaves.
        input: backward: id of the operand that receives.
        position: backward: which operand of `node` that is.
        value: forward: the number computed.
        upstream: backward: the gradient of `node`.
        slope: backward: ∂node/∂input, the local derivative.
        contribution: backward: upstream × slope.
        old: gradient of the receiver before this step.
        new: and after it: old + contribution.
        rule: the formula with names.
        numbers: the formula with numbers plugged in.
        sentence: what happens, in words.
        source: the line of the user's code that made the node, if it was recorded.
    """

    index: int
    phase: Phase
    node: int
    input: int | None = None
    position: int | None = None
    value: float | None = None
    upstream: float | None = None
    slope: float | None = None
    contribution: float | None = None
    old: float | None = None
    new: float | None = None
    rule: str = ""
    numbers: str = ""
    sentence: str = ""
    source: SourceLine | None = None

    def __str__(self) -> str:
        return f"{self.index} {self.phase}: {self.numbers}"


class Steps(Sequence[Step]):
    """The steps of a graph, made one by one when they are looked at; printed, and in a notebook, they are a table.

    Args:
        graph: the snapshot they walk through.
        names: what each node is called in rules and sentences, by id; by default its own name.

    Attributes:
        graph: the snapshot.
        names: what each node is called.
        faulty: whether these are the steps of a pass with a fault: what it gives are no derivatives.
    """

    faulty = False

    def __init__(self, graph: Graph, names: Sequence[str] | None = None) -> None:
        self.graph = graph
        self.names = tuple(shown_names(graph) if names is None else names)

    def with_gradients(self: _Steps) -> _Steps:
        """The same steps over the graph with every gradient filled in, and none where none arrives."""
        nodes = (
            node._replace(grad=arrivals[-1][1] if arrivals else None)
            for node, arrivals in zip(self.graph.nodes, self.arrivals)
        )
        graph = Graph.of(nodes, self.graph.groups)
        same = copy(self)
        same.graph = graph
        return same

    @property
    def table(self) -> Table:
        """The steps, of many the first and the last ones."""
        count, forward = len(self), len(self.graph)
        half = SHOWN_STEPS // 2
        shown = range(count) if count <= SHOWN_STEPS else [*range(half), *range(count - half, count)]
        rows: list[tuple[str, str, str]] = [(str(i), self[i].phase, self[i].numbers) for i in shown]
        if count > SHOWN_STEPS:
            rows.insert(half, ("…", "", f"{count - SHOWN_STEPS:,} more: walk[i], walk[i:j] or a loop gives them"))
        above = f"{counted(count, 'step')} of {self.names[-1]}: {forward:,} forward, the seed, {len(self.flows):,} back"
        return Table(("", "", ""), rows, {0}, above)

    def __repr__(self) -> str:
        return self.table.text()

    def _repr_html_(self) -> str:
        return self.table.html()

    @cached_property
    def flows(self) -> list[Flow]:
        """What runs back through every edge, in order: the numbers of the backward steps without their words."""
        return flows(self.graph)

    @cached_property
    def begun(self) -> dict[int, float]:
        """The gradients that are there when the pass begins, by id: that of the result."""
        return {self.graph.root.id: 1.0}

    @cached_property
    def teller(self) -> Teller:
        """What puts a step into words and formulas."""
        return Teller(self.graph, self.names)

    @cached_property
    def arrivals(self) -> list[list[tuple[int, float]]]:
        """For each node, by id, when its gradient grows: (index of the step, the sum from then on), in order."""
        found: list[list[tuple[int, float]]] = [[] for _ in self.graph.nodes]
        seed = len(self.graph)
        for i, x in self.begun.items():
            found[i].append((seed, x))
        for i, flow in enumerate(self.flows, seed + 1):
            found[flow.input].append((i, flow.new))
        return found

    @cached_property
    def step_back(self) -> dict[tuple[int, int], int]:
        """For each edge that carries a gradient, as (node, position), the index of its (first) backward step."""
        count = len(self)
        return {(flow.node, flow.position): count - i for i, flow in enumerate(reversed(self.flows), 1)}

    def about(self, index: int) -> tuple[int, int | None]:
        """The node that step `index` computes, seeds or adds to, and the one that hands the contribution on."""
        if index <= len(self.graph):
            return min(index, len(self.graph) - 1), None
        flow = self.flow(index)
        return flow.input, flow.node

    def flow(self, index: int) -> Flow:
        """What runs back in the backward step `index`."""
        return self.flows[index - len(self.graph) - 1]

    def __len__(self) -> int:
        return len(self.graph) + 1 + len(self.flows)

    @overload
    def __getitem__(self, index: int) -> Step: ...
    @overload
    def __getitem__(self, index: slice) -> list[Step]: ...
    def __getitem__(self, index: int | slice) -> Step | list[Step]:
        if isinstance(index, slice):
            return [self._make(i) for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(f"step {index} of {len(self)}: there are steps 0 to {len(self) - 1}")
        return self._make(index % len(self))

    def __iter__(self) -> Iterator[Step]:
        return (self._make(i) for i in range(len(self)))

    def _make(self, index: int) -> Step:
        nodes = self.graph.nodes
        if index < len(nodes):
            node = nodes[index]
            told = self.teller.forward(index)
            return Step(index, "forward", index, value=node.data, **told._asdict(), source=node.source)
        if index == len(nodes):
            root = nodes[-1]
            told = self.teller.seed()
            return Step(index, "seed", root.id, old=0.0, new=self.begun[root.id], **told._asdict(), source=root.source)
        flow = self.flow(index)
        return Step(
            index,
            "backward",
            flow.node,
            input=flow.input,
            position=flow.position,
            upstream=flow.upstream,
            slope=flow.slope,
            contribution=flow.contribution,
            old=flow.old,
            new=flow.new,
            **self.teller.backward(flow, self.completes(index))._asdict(),
            source=nodes[flow.node].source,
        )

    def completes(self, index: int) -> bool:
        """Whether the backward step `index` is the last to add to the gradient of its receiver."""
        return bool(self.arrivals[self.flow(index).input][-1][0] == index)

    def mathml(self, index: int) -> tuple[str, str]:
        """The rule of a step as MathML: with names, and with numbers plugged in; two complete `<math>` elements."""
        if index < len(self.graph):
            return self.teller.forward_mathml(index)
        if index == len(self.graph):
            return self.teller.seed_mathml()
        return self.teller.backward_mathml(self.flow(index), self.completes(index))


def shown_names(graph: Graph, spell: Callable[[str], str] = visible) -> list[str]:
    """What each node of a graph is called in text, by id: its name as `spell` writes it, and no two the same.

    >>> shown_names(Graph(Value(2.0, "x\\n") * 3))
    ['x\\\\n', '3', 'v2']
    """
    names = [node.name for node in graph.nodes]
    number = [node.op == CONST and not node.label for node in graph.nodes]  # constants may be equal
    shown = distinct(["" if plain else spell(name) for name, plain in zip(names, number)])
    return [text or name for text, name in zip(shown, names)]


def steps(root: Value | Graph, names: Mapping[str, object] | None = None) -> Steps:
    """The events of evaluating and differentiating `root`, in order.

    Args:
        root: the result, or a graph of it.
        names: labels for Values that have none, such as `locals()`.

    Returns:
        A sequence; it can be long, so steps are made when they are looked at.

    >>> x = Value(3.0, "x")
    >>> for step in steps(x * x):
    ...     print(step.numbers)
    x = 3
    v1 = 3 × 3 = 9
    v1.grad = 1
    x.grad so far = 0 + 1 × 3 = 3
    x.grad = 3 + 1 × 3 = 6
    """
    if not isinstance(root, (Value, Graph)):
        raise TypeError(f"steps takes a result, as a Value or a Graph, got {described(root)}")
    return Steps(root if isinstance(root, Graph) else Graph(root, names))
