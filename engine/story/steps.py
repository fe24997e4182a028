"""Evaluation and differentiation as a list of events.

One forward step a node, one seed step, one backward step an edge. Adding up the backward steps gives
`.grad` bit for bit, because they are the same additions in the same order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Literal, NamedTuple, overload

from ..core.value import CONST, Value
from ..rules import notation
from ..rules.notation import ATOM, MathML, Part, Style, Text, short
from ..rules.ops import OPS
from .graph import Graph, Node, SourceLine

Phase = Literal["forward", "seed", "backward"]


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


class Flow(NamedTuple):
    """One edge of the way back: `upstream` × its slope turns the gradient of `input` from `old` into `new`."""

    node: int
    position: int
    input: int
    upstream: float
    old: float
    new: float


class Steps(Sequence[Step]):
    """The steps of a graph, made one by one when they are looked at.

    Args:
        graph: the snapshot they walk through.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    @cached_property
    def flows(self) -> list[Flow]:
        """What runs back through every edge, in order: the numbers of the backward steps without their words."""
        grads = [0.0] * len(self.graph)
        grads[-1] = 1.0
        flows = []
        for node in reversed(self.graph.nodes):
            upstream = grads[node.id]
            for position, (u, local) in enumerate(zip(node.inputs, node.slopes)):
                if local is not None:
                    old = grads[u]
                    grads[u] = new = old + upstream * local
                    flows.append(Flow(node.id, position, u, upstream, old, new))
        return flows

    @cached_property
    def arrivals(self) -> list[list[tuple[int, float]]]:
        """For each node, by id, when its gradient grows: (index of the step, the sum from then on), in order."""
        found: list[list[tuple[int, float]]] = [[] for _ in self.graph.nodes]
        seed = len(self.graph)
        found[-1].append((seed, 1.0))
        for i, flow in enumerate(self.flows, seed + 1):
            found[flow.input].append((i, flow.new))
        return found

    @cached_property
    def step_back(self) -> dict[tuple[int, int], int]:
        """For each edge that carries a gradient, as (node, position), the index of its backward step."""
        return {(flow.node, flow.position): i for i, flow in enumerate(self.flows, len(self.graph) + 1)}

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
            return _forward_step(self.graph, index)
        if index == len(nodes):
            root = nodes[-1]
            return Step(
                index,
                "seed",
                root.id,
                old=0.0,
                new=1.0,
                rule=f"{root.name}.grad = ∂{root.name}/∂{root.name}",
                numbers=f"{root.name}.grad = 1",
                sentence=f"Back from the result: {root.name} changes one to one with itself, so its gradient is 1.",
                source=root.source,
            )
        return _backward_step(self.graph, index, self.flow(index))

    def gradients(self) -> list[float]:
        """The gradient of every node after the last step, by id."""
        grads = [0.0] * len(self.graph)
        grads[-1] = 1.0
        for flow in self.flows:
            grads[flow.input] = flow.new
        return grads


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
    x.grad = 0 + 1 × 3 = 3
    x.grad = 3 + 1 × 3 = 6
    """
    return Steps(root if isinstance(root, Graph) else Graph(root, names))


def _named(nodes: Sequence[Node], style: Style) -> list[Part]:
    return [style.number(node.data) if node.op == CONST else style.name(node.name) for node in nodes]


def _constants(nodes: Sequence[Node]) -> list[float | None]:
    return [node.data if node.op == CONST else None for node in nodes]


def _in_words(node: Node, inputs: Sequence[Node]) -> str:
    op = OPS[node.op]
    if op.variadic:
        return f"{op.words} of {len(inputs)} inputs"
    names = (short(u.data) if u.op == CONST else u.name for u in inputs)
    return op.words.format(**dict(zip(op.names, names)))


def _forward_step(graph: Graph, index: int) -> Step:
    node = graph.nodes[index]
    if node.op == CONST:
        number = short(node.data)
        return Step(
            index,
            "forward",
            index,
            value=node.data,
            rule=f"{number} is a constant",
            numbers=number,
            sentence=f"{number} is a constant: no gradient flows into it.",
            source=node.source,
        )
    if node.op not in OPS:
        given = f"{node.name} = {short(node.data)}"
        return Step(
            index,
            "forward",
            index,
            value=node.data,
            rule=f"{node.name} is given",
            numbers=given,
            sentence=f"{node.name} is given: {short(node.data)}.",
            source=node.source,
        )
    op, inputs = OPS[node.op], [graph.nodes[i] for i in node.inputs]
    text, numeric = Text(), Text("×")
    named = notation.forward(op, text, _named(inputs, text), _constants(inputs))[0]
    numbers = notation.forward(op, numeric, [numeric.number(u.data) for u in inputs], _constants(inputs))[0]
    return Step(
        index,
        "forward",
        index,
        value=node.data,
        rule=f"{node.name} = {named}",
        numbers=f"{node.name} = {numbers} = {short(node.data)}",
        sentence=f"{node.name} is {_in_words(node, inputs)}: {short(node.data)}.",
        source=node.source,
    )


def _backward_step(graph: Graph, index: int, flow: Flow) -> Step:
    node, receiver = graph.nodes[flow.node], graph.nodes[flow.input]
    op, inputs = OPS[node.op], [graph.nodes[i] for i in node.inputs]
    local = node.slopes[flow.position]
    assert local is not None  # constants have no flow
    text, numeric, fixed = Text(), Text("×"), _constants(inputs)
    named = notation.slope(op, flow.position, text, _named(inputs, text), fixed, text.name(node.name))[0]
    plugged = notation.slope(
        op, flow.position, numeric, [numeric.number(u.data) for u in inputs], fixed, numeric.number(node.data)
    )
    product = numeric.binary("*", numeric.number(flow.upstream), numeric.number(local))
    long = numeric.binary("+", numeric.number(flow.old), numeric.binary("*", numeric.number(flow.upstream), plugged))[0]
    brief = numeric.binary("+", numeric.number(flow.old), product)[0]
    middle = f"{long} = {brief}" if long != brief else brief
    local_name = f"∂{node.name}/∂{receiver.name}"
    added = f" It is added to the {short(flow.old)} that arrived before." if flow.old != 0.0 else ""
    return Step(
        index,
        "backward",
        flow.node,
        input=flow.input,
        position=flow.position,
        upstream=flow.upstream,
        slope=local,
        contribution=flow.upstream * local,
        old=flow.old,
        new=flow.new,
        rule=f"{receiver.name}.grad += {node.name}.grad · {local_name},  {local_name} = {named}",
        numbers=f"{receiver.name}.grad = {middle} = {short(flow.new)}",
        sentence=(f"{node.name} hands {product[0]} = {short(flow.upstream * local)} back to {receiver.name}.{added}"),
        source=node.source,
    )


def step_mathml(graph: Graph, step: Step) -> tuple[str, str]:
    """The rule of a step as MathML: with names, and with numbers plugged in.

    Returns:
        Two complete `<math>` elements.
    """
    style, numeric = MathML(), MathML("×")
    node = graph.nodes[step.node]

    def line(*parts: str) -> str:
        return f'<math display="block"><mrow>{"".join(parts)}</mrow></math>'

    def d(top: str, bottom: str) -> str:
        over, under = (f"<mrow><mi>∂</mi><mi>{escape(name)}</mi></mrow>" for name in (top, bottom))
        return f"<mfrac>{over}{under}</mfrac>"

    name, equals = style.name(node.name)[0], "<mo>=</mo>"
    root = graph.root.name
    if step.phase == "seed":
        return line(d(root, root), equals, "<mn>1</mn>"), line(d(root, root), equals, "<mn>1</mn>")
    if node.op not in OPS:
        number = style.number(node.data)[0]
        return line(name, equals, number), line(name, equals, number)
    op, inputs = OPS[node.op], [graph.nodes[i] for i in node.inputs]
    names, numbers = _named(inputs, style), [style.number(u.data) for u in inputs]
    fixed = _constants(inputs)
    if step.phase == "forward":
        result = style.number(node.data)[0]
        rule = line(name, equals, notation.forward(op, style, names, fixed)[0])
        return rule, line(name, equals, notation.forward(op, numeric, numbers, fixed)[0], equals, result)
    assert step.input is not None and step.position is not None and step.upstream is not None and step.slope is not None
    receiver = graph.nodes[step.input].name
    by_name = notation.slope(op, step.position, style, names, fixed, style.name(node.name))
    by_number = notation.slope(op, step.position, numeric, numbers, fixed, style.number(node.data))
    chain = style.binary("*", (d(root, node.name), ATOM), by_name)[0]
    total = numeric.binary(
        "+", style.number(step.old or 0.0), numeric.binary("*", style.number(step.upstream), by_number)
    )[0]
    return (
        line(d(root, receiver), "<mo>+=</mo>", d(root, node.name), "<mo>·</mo>", d(node.name, receiver), equals, chain),
        line(d(root, receiver), equals, total, equals, style.number(step.new or 0.0)[0]),
    )
