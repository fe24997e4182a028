"""The ledger of one variable: every contribution to its gradient, edge by edge, and their sum."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ..core.chain import topological_order
from ..core.own import own_name
from ..core.value import CONST, Value
from ..rules.dialect import write
from ..rules.notation import Text, number, short, times
from ..shown import described, few
from ..table import Table
from .equation import shown_sum
from .flow import Flow
from .graph import Graph
from .steps import Steps, steps


class Contribution(NamedTuple):
    """One entry of a ledger: the gradient that came back through one edge.

    Attributes:
        node: name of the node that handed it back.
        where: the same, with the place of the operand if the node reads the variable more than once, and whether it
            came through there before, in a pass with a fault.
        position: which of the node's operands the variable is.
        upstream, slope: the gradient of `node`, and the local derivative of the edge.
        contribution: their product.
        text: the equation of that, `3 × 1 = 3`.
        lost: whether a later one took its place, in a pass with a fault.
    """

    node: str
    where: str
    position: int
    upstream: float
    slope: float
    contribution: float
    text: str
    lost: bool = False


class Ledger(NamedTuple):
    """Where the gradient of one variable comes from; printed it is written out, in a notebook it is a table.

    Attributes:
        name: the variable.
        root: the result.
        contributions: what has arrived, in order.
        total: its sum; 1 for the result itself.
        awaited: how many contributions are still to come: until then `total` is a partial sum.
        reason: why nothing ever arrives, or nothing but 0; or "".
        begun: what was there before the pass.
        faulty: whether this is of a pass with a fault, whose totals are no derivatives.
    """

    name: str
    root: str
    contributions: tuple[Contribution, ...]
    total: float
    awaited: int = 0
    reason: str = ""
    begun: float = 0.0
    faulty: bool = False

    def __str__(self) -> str:
        lines = [f"left by the pass before: {short(self.begun)}"] if self.begun else []
        lines += [f"through {one.where}: {one.text}{' (lost)' * one.lost}" for one in self.contributions]
        return "\n  ".join([self._head(), *lines, *self._foot()])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        rows = [("the pass before", "", short(self.begun))] if self.begun else []
        for one in self.contributions:
            product, _, found = one.text.partition(" = ")
            rows.append((one.where, product, found + " (lost)" * one.lost))
        head = ("through", "upstream × slope", "contribution")
        return Table(head, rows, {1, 2}, self._head(), ", ".join(self._foot())).html()

    def _head(self) -> str:
        so_far = " so far" if self.awaited else ""
        reason = f"  ({self.reason})" if self.reason else ""
        what = f"{self.name}.grad" if self.faulty else f"d{self.root}/d{self.name}"
        return f"{what}{so_far} = {short(self.total)}{reason}"

    def _foot(self) -> list[str]:
        products: list[ast.expr] = [number(self.begun)] if self.begun else []
        products += [times(number(one.upstream), number(one.slope)) for one in self.contributions if not one.lost]
        added = [f"sum: {_sum_text(products, self.total)}"] if products else []
        return added + ([f"{self.awaited} more to come"] if self.awaited else [])


def running_sums(walk: Steps, node: int) -> Iterator[str]:
    """The sum of what has come back to a node, `1 × 6 + 3 × 1 = 9`, after each of its backward steps.

    A long sum says what its middle adds up to.
    """
    begun = walk.begun.get(node, 0.0)
    products: list[ast.expr] = [number(begun)] if begun else []
    left_out = contribution = 0.0
    for i, total in walk.arrivals[node]:
        if i > len(walk.graph):  # not the seed
            flow = walk.flow(i)
            if flow.replaces:
                products, left_out = [], 0.0
            if len(products) > 2:
                left_out += contribution
            contribution = flow.contribution
            products.append(times(number(flow.upstream), number(flow.slope)))
            yield _sum_text(products, total, left_out)


def _sum_text(products: Sequence[ast.expr], total: float, left_out: float | None = None) -> str:
    tree, digits = shown_sum(products, total, left_out=left_out)
    assert digits is not None  # with all digits, in order, the same additions are done again
    return f"{write(tree, Text('×', digits))[0]} = {short(total)}"


def contribution_of(walk: Steps, flow: Flow, lost: bool = False) -> Contribution:
    """The entry of one backward step."""
    place = f", operand {flow.position + 1}" if walk.teller.place(flow) else ""
    if walk.flow(walk.step_back[flow.node, flow.position]) is not flow:
        place += ", again"
    name, text = walk.names[flow.node], f"{walk.teller.product(flow)} = {short(flow.contribution)}"
    return Contribution(name, name + place, flow.position, flow.upstream, flow.slope, flow.contribution, text, lost)


def ledger(walk: Steps, node: int, index: int = -1) -> Ledger:
    """The ledger of node `node` as it stands right after step `index`."""
    last = index % len(walk)
    arrivals = walk.arrivals[node]
    arrived = [(i, total) for i, total in arrivals if i <= last]
    came = [walk.flow(i) for i, _ in arrived if i > len(walk.graph)]
    kept = max((k for k, flow in enumerate(came) if flow.replaces), default=0)
    entries = tuple(contribution_of(walk, flow, k < kept) for k, flow in enumerate(came))
    total = arrived[-1][1] if arrived else 0.0
    reason = ""
    if not arrivals:
        reason = "it is a constant" if walk.graph.nodes[node].op == CONST else "no edge leads back to it"
    elif node == len(walk.graph) - 1:
        reason = "" if walk.faulty else "it is the result itself"
    elif total == 0.0 and len(arrived) == len(arrivals) and not walk.faulty:
        reason = _cut_off(walk, node)
    begun = walk.begun.get(node, 0.0) if arrived and node != len(walk.graph) - 1 else 0.0
    awaited = len(arrivals) - len(arrived)
    return Ledger(walk.names[node], walk.names[-1], entries, total, awaited, reason, begun, walk.faulty)


def _cut_off(walk: Steps, node: int) -> str:
    """Where every way back to `node` meets a slope of 0, in words; "" if one does not: then its terms cancel."""
    live, cuts = {len(walk.graph) - 1}, dict[int, None]()
    for flow in walk.flows:
        if flow.node in live:
            if flow.slope != 0.0:
                live.add(flow.input)
            else:
                cuts[flow.node] = None
    if node in live:
        return ""
    nodes = [walk.graph.nodes[i] for i in cuts]
    cut = [f"{own_name(one.op) or one.op} at {walk.names[one.id]} = {short(one.data)}" for one in nodes]
    dead = (
        "every relu on the way is dead"
        if {one.op for one in nodes} == {"relu"}
        else "every way back meets a slope of 0"
    )
    return f"{dead}: {few(cut, 3)}"


def explain(root: Value | Graph, x: Value | str, names: Mapping[str, object] | None = None) -> Ledger:
    """The ledger of one variable: every contribution to its gradient, edge by edge, and their sum.

    Args:
        root: the result, or a graph of it.
        x: the variable: a Value (if `root` is one), or its label.
        names: labels for Values that have none, such as `locals()`.

    Raises:
        GraphError: if no node, or more than one, is called `x`.
        TypeError: if `x` is neither a Value nor a text.
        ValueError: if the Value `x` is not below `root`.

    >>> a = Value(3.0, "a")
    >>> print(explain(a + a, a))
    dv1/da = 2
      through v1, operand 1: 1 × 1 = 1
      through v1, operand 2: 1 × 1 = 1
      sum: 1 × 1 + 1 × 1 = 2
    """
    if not isinstance(x, (Value, str)):
        raise TypeError(f"explain takes a Value or its label (or v<id>), a text, got {described(x)}")
    walk = steps(root, names)
    if not isinstance(x, Value):
        return ledger(walk, walk.graph.find(x).id)
    order = topological_order(root) if isinstance(root, Value) else []
    found = next((i for i, v in enumerate(order) if v is x), None)
    if found is None:
        raise ValueError(f"{x!r} is not below {root!r}: the result does not depend on it")
    return ledger(walk, found)
