"""The graph as data: an immutable snapshot of everything below one Value, with JSON in and out.

Steps, drawings and checks read this and know nothing of each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from ..core.chain import topological_order, why_no_slopes
from ..core.origin import number_used, origin, same
from ..core.value import CONST, DETACHED, LEAF, Value
from ..errors import GraphError
from ..shown import described, visible
from .document import read, written
from .naming import distinct, next_free, numbered, subscript
from .node import Group, Node, SourceLine, format_number
from .scope import Call

__all__ = ["Graph", "Group", "Node", "SourceLine", "format_number"]


class Graph:
    """A snapshot of the computation behind one Value.

    A name stands for one node: a label that several have (a variable that was assigned again) is numbered in order of
    evaluation, x₁, x₂.

    Args:
        root: the result.
        names: labels for Values that have none, such as `locals()`; what is no Value in it is passed over.
        sources: where Values were made, from `record_source()`.

    >>> x = Value(2.0, "x")
    >>> g = Graph(x * x)
    >>> [(n.id, n.op, n.inputs) for n in g.nodes]
    [(0, '', ()), (1, 'mul', (0, 0))]
    >>> Graph.from_json(g.to_json()) == g
    True
    """

    __slots__ = ("groups", "nodes", "reasons")

    nodes: tuple[Node, ...]
    groups: tuple[Group, ...]
    reasons: Mapping[int, str]

    def __init__(
        self, root: Value, names: Mapping[str, object] | None = None, sources: Mapping[Value, SourceLine] | None = None
    ) -> None:
        if not isinstance(root, Value):
            raise TypeError(f"Graph takes the Value to look behind, got {described(root)}")
        order = topological_order(root)
        ids = {v: i for i, v in enumerate(order)}
        labels: dict[Value, str] = {}
        for name, v in (names or {}).items():
            if isinstance(v, Value) and not name.startswith("_"):
                labels.setdefault(v, name)  # the first name: a loop variable comes later
        groups, paths = _groups(order, ids)
        used = _numbers_used(order)
        object.__setattr__(self, "groups", groups)
        object.__setattr__(self, "reasons", {ids[v]: why for v in order if (why := why_no_slopes(v))})
        object.__setattr__(
            self,
            "nodes",
            _each_its_name(
                Node(
                    i,
                    v.op,
                    used.get(v, v.data),
                    float(v.grad) if v.has_grad else None,
                    v.label or labels.get(v, ""),
                    tuple(ids[u] for u in v.inputs),
                    v.slopes,
                    paths[i],
                    sources.get(v) if sources else None,
                    None if same(used.get(v, v.data), v.data) else v.data,
                )
                for i, v in enumerate(order)
            ),
        )

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Graph is immutable; {name!r} cannot be set")

    @classmethod
    def of(
        cls, nodes: Iterable[Node], groups: Iterable[Group] = (), reasons: Mapping[int, str] = MappingProxyType({})
    ) -> Graph:
        """A graph of nodes that are in topological order already, such as those of another graph with new labels.

        >>> graph = Graph(Value(2.0, "x") * 3)
        >>> Graph.of(node._replace(grad=0.0) for node in graph.nodes).root.grad
        0.0
        """
        graph = object.__new__(cls)
        object.__setattr__(graph, "nodes", _each_its_name(nodes))
        object.__setattr__(graph, "groups", tuple(groups))
        object.__setattr__(graph, "reasons", reasons)
        return graph

    def __reduce__(self) -> tuple[Any, ...]:  # how it is copied and pickled, as it cannot be set
        return Graph.of, (self.nodes, self.groups, dict(self.reasons))

    @property
    def root(self) -> Node:
        """The result: the last node."""
        return self.nodes[-1]

    @property
    def leaves(self) -> tuple[Node, ...]:
        """The inputs of the computation, plain numbers left out."""
        return tuple(node for node in self.nodes if node.op in (LEAF, DETACHED))

    @property
    def edges(self) -> tuple[tuple[int, int, int], ...]:
        """Every edge as (input id, node id, argument position), in order."""
        return tuple((u, node.id, k) for node in self.nodes for k, u in enumerate(node.inputs))

    def find(self, name: str) -> Node:
        """The node labelled `name` (or `v<id>`).

        Raises:
            GraphError: if there is none, or more than one.
            TypeError: if `name` is no text.
        """
        if not isinstance(name, str):
            raise TypeError(f"a node is found by its label or v<id>, a text, got {described(name)}")
        found = [node for node in self.nodes if node.name == name]
        if len(found) == 1:
            return found[0]
        several = found or [node for node in self.nodes if numbered(name, node.name)]
        if several:
            listed = ", ".join(f"{node.name} = {format_number(node.data)}" for node in several[:20])
            raise GraphError(f"{len(several)} nodes are called {name!r}, so each has a number: choose one of {listed}")
        known = ", ".join(node.label for node in self.nodes if node.label)
        raise GraphError(
            f"no nodes are called {name!r} (labels: {known or 'none'}; any node: v0 … v{len(self.nodes) - 1})"
        )

    def __len__(self) -> int:
        return len(self.nodes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Graph) and self._computation == other._computation

    def __hash__(self) -> int:
        return hash(self._computation)

    @property
    def _computation(self) -> tuple[object, ...]:
        """All but what happened to the Values afterwards."""
        return tuple(node._replace(now=None) for node in self.nodes), self.groups

    def __repr__(self) -> str:
        return f"Graph({len(self.nodes)} nodes, root={visible(self.root.name)}={self.root.data!r})"

    # -- JSON ---------------------------------------------------------------------------------------------

    def to_json(self) -> str:
        """The graph as one JSON text; numbers survive bit for bit, infinities and NaN as strings."""
        return written(self.nodes, self.groups)

    @classmethod
    def from_json(cls, text: str) -> Graph:
        """Read what `to_json` wrote; lines of source are shown only of files that ran in this process.

        Raises:
            GraphError: if the text is no JSON, or no graph that could have been recorded.
        """
        return cls.of(*read(text))


def _numbers_used(order: list[Value]) -> dict[Value, float]:
    """The number of each node that others were computed from, as they used it.

    Raises:
        GraphError: if they used different ones, or nobody knows any more which.
    """
    used: dict[Value, float] = {}
    users: dict[Value, Value] = {}
    for node in order:
        for v in node.inputs:
            x = number_used(v, node)
            if not same(used.setdefault(v, x), x):
                raise GraphError(
                    f"{v!r} was changed between two uses: {users[v]!r} was computed with {used[v]!r}, {node!r} with "
                    f"{x!r}; compute the result again"
                )
            users.setdefault(v, node)
    return used


def _each_its_name(given: Iterable[Node]) -> tuple[Node, ...]:
    nodes = tuple(given)
    labels = distinct([node.label for node in nodes])
    taken = set(labels)
    for node in nodes:  # an unnamed node gives way to a label that looks like its name
        if not node.label and node.op != CONST and node.name in taken:
            labels[node.id] = node.name + subscript(next_free(node.name, taken))
            taken.add(labels[node.id])
    return tuple(node if node.label == label else node._replace(label=label) for node, label in zip(nodes, labels))


def _groups(order: list[Value], ids: Mapping[Value, int]) -> tuple[tuple[Group, ...], list[tuple[int, ...]]]:
    calls: dict[int, tuple[Call, list[int]]] = {}
    for i, v in enumerate(order):
        for call in origin(v).calls:
            calls.setdefault(id(call), (call, []))[1].append(i)
    found: list[Group] = []
    for call, outputs in calls.values():
        border = {ids[v] for v in call.inputs if v in ids}
        inside: set[int] = set()
        stack = [i for i in outputs if i not in border]
        while stack:
            i = stack.pop()
            if i not in inside:
                inside.add(i)
                stack.extend(j for j in (ids[v] for v in order[i].inputs) if j not in border and j not in inside)
        found.append(Group(call.name, call.kind, tuple(sorted(border)), tuple(outputs), tuple(sorted(inside))))
    found.sort(key=lambda group: (-len(group.nodes), group.outputs))  # outer calls before the calls inside them
    paths: list[list[int]] = [[] for _ in order]
    members = [frozenset(group.nodes) for group in found]
    for g, group in enumerate(found):
        for i in group.nodes:  # a parameter that several calls share stays with the first of them
            if not paths[i] or members[g] <= members[paths[i][-1]]:
                paths[i].append(g)
    return tuple(found), [tuple(path) for path in paths]
