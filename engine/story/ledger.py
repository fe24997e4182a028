"""The ledger of one variable: every contribution to its gradient, edge by edge, and their sum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ..core.backward import topological_order
from ..core.value import Value
from ..rules.notation import Text, short
from .graph import Graph
from .steps import steps


class Contribution(NamedTuple):
    """One entry of a ledger: the gradient that came back through one edge."""

    node: str
    position: int
    upstream: float
    slope: float
    contribution: float


class Ledger(NamedTuple):
    """Where the gradient of one variable comes from; `str()` writes it out."""

    name: str
    root: str
    contributions: tuple[Contribution, ...]
    total: float

    def __str__(self) -> str:
        head = f"∂{self.root}/∂{self.name} = {short(self.total)}"
        if not self.contributions:
            return f"{head}  ({'it is the result itself' if self.name == self.root else 'no edge leads back to it'})"
        style = Text("×")
        parts = [style.binary("*", style.number(c.upstream), style.number(c.slope)) for c in self.contributions]
        total = parts[0]
        for part in parts[1:]:
            total = style.binary("+", total, part)
        lines = [
            f"  through {c.node}: {text} = {short(c.contribution)}" for c, (text, _) in zip(self.contributions, parts)
        ]
        return "\n".join([head, *lines, f"  sum: {total[0]} = {short(self.total)}"])


def explain(root: Value | Graph, x: Value | str, names: Mapping[str, object] | None = None) -> Ledger:
    """The ledger of one variable: every contribution to its gradient, edge by edge, and their sum.

    Args:
        root: the result, or a graph of it.
        x: the variable: a Value (if `root` is one), or its label.
        names: labels for Values that have none, such as `locals()`.

    Raises:
        GraphError: if no node, or more than one, is called `x`.
        ValueError: if the Value `x` is not below `root`.

    >>> a = Value(3.0, "a")
    >>> print(explain(a + a, a))
    ∂v1/∂a = 2
      through v1: 1 × 1 = 1
      through v1: 1 × 1 = 1
      sum: 1 × 1 + 1 × 1 = 2
    """
    walk = steps(root, names)
    if isinstance(x, Value):
        order = topological_order(root) if isinstance(root, Value) else []
        found = next((i for i, v in enumerate(order) if v is x), None)
        if found is None:
            raise ValueError(f"{x!r} is not below {root!r}: the result does not depend on it")
    else:
        found = walk.graph.find(x).id
    nodes = walk.graph.nodes
    flows = [flow for flow in walk.flows if flow.input == found]
    entries = []
    for flow in flows:
        local = nodes[flow.node].slopes[flow.position]
        assert local is not None  # constants have no flow
        entries.append(Contribution(nodes[flow.node].name, flow.position, flow.upstream, local, flow.upstream * local))
    return Ledger(nodes[found].name, walk.graph.root.name, tuple(entries), walk.gradients()[found])
