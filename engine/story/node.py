"""What a graph is made of: its nodes, the module calls they belong to, and where in the source they were made."""

from __future__ import annotations

from typing import NamedTuple

from ..core.value import CONST


class SourceLine(NamedTuple):
    """A place in the user's own source: file (or cell) name, line counted from 1, columns counted from 0."""

    file: str
    line: int
    start: int = 0
    end: int | None = None


class Node(NamedTuple):
    """One node of a `Graph`.

    Attributes:
        id: its position in topological order, from 0.
        op: name of the op; `""` for a leaf, `"const"` for a plain number.
        data: the number.
        grad: ∂root/∂node, or None while it is not computed.
        label: the user's name for it, or `""`.
        inputs: ids of the operands in order; twice where used twice.
        slopes: ∂node/∂operand for each, as stored at forward time; None for a constant.
        groups: indices into `Graph.groups` of the calls it belongs to, outermost first.
        source: where the user's code made it, if that was recorded.
        now: the number that the Value has now, if it was changed after it was used here (`data` is the one used).
    """

    id: int
    op: str
    data: float
    grad: float | None
    label: str
    inputs: tuple[int, ...]
    slopes: tuple[float | None, ...]
    groups: tuple[int, ...] = ()
    source: SourceLine | None = None
    now: float | None = None

    @property
    def name(self) -> str:
        """The label, or `v<id>`; a constant's name is its number. No two nodes of a graph have the same."""
        return self.label or (format_number(self.data) if self.op == CONST else f"v{self.id}")


class Group(NamedTuple):
    """One module call: `name`, `kind`, and the ids of its `inputs` (outside), `outputs` and all `nodes` inside."""

    name: str
    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    nodes: tuple[int, ...]


def format_number(x: float) -> str:
    """A number as short as it can be said exactly: `2`, not `2.0`."""
    return str(int(x)) if x.is_integer() and abs(x) < 1e15 else repr(x)
