"""The graph as data: an immutable snapshot of everything below one Value, with JSON in and out.

Steps, drawings and checks read this and know nothing of each other.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..core.chain import topological_order
from ..core.origin import number_used, origin, same
from ..core.own import own_name
from ..core.value import CONST, DETACHED, LEAF, Value
from ..errors import GraphError
from ..rules.ops import OPS
from ..shown import visible
from .naming import distinct, next_free, numbered, subscript
from .scope import Call

FORMAT = "glassgrad graph 1"


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

    __slots__ = ("groups", "nodes")

    nodes: tuple[Node, ...]
    groups: tuple[Group, ...]

    def __init__(
        self, root: Value, names: Mapping[str, object] | None = None, sources: Mapping[Value, SourceLine] | None = None
    ) -> None:
        if not isinstance(root, Value):
            raise TypeError(f"Graph takes the Value to look behind, got {type(root).__name__} {root!r}")
        order = topological_order(root)
        ids = {v: i for i, v in enumerate(order)}
        labels: dict[Value, str] = {}
        for name, v in (names or {}).items():
            if isinstance(v, Value) and not name.startswith("_"):
                labels.setdefault(v, name)  # the first name: a loop variable comes later
        groups, paths = _groups(order, ids)
        used = _numbers_used(order)
        object.__setattr__(self, "groups", groups)
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
    def of(cls, nodes: Iterable[Node], groups: Iterable[Group] = ()) -> Graph:
        """A graph of nodes that are in topological order already, such as those of another graph with new labels.

        >>> graph = Graph(Value(2.0, "x") * 3)
        >>> Graph.of(node._replace(grad=0.0) for node in graph.nodes).root.grad
        0.0
        """
        graph = object.__new__(cls)
        object.__setattr__(graph, "nodes", _each_its_name(nodes))
        object.__setattr__(graph, "groups", tuple(groups))
        return graph

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
        """
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
        nodes = [
            {
                "op": node.op,
                "data": _number_out(node.data),
                "grad": _number_out(node.grad),
                "label": node.label,
                "inputs": node.inputs,
                "slopes": [_number_out(s) for s in node.slopes],
                "groups": node.groups,
                "source": node.source,
                **({} if node.now is None else {"now": _number_out(node.now)}),
            }
            for node in self.nodes
        ]
        return json.dumps({"format": FORMAT, "nodes": nodes, "groups": self.groups}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Graph:
        """Read what `to_json` wrote.

        Raises:
            GraphError: if the text is no JSON, no graph, names an unknown op, or is not in topological order
                (which a cycle cannot be).
        """
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise GraphError(f"not a JSON text: {error}") from None
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise GraphError(f'not a graph: expected an object with "format": "{FORMAT}"')
        rows = document.get("nodes")
        if not isinstance(rows, list) or not rows:
            raise GraphError('"nodes" must be a list of at least one node')
        groups = _groups_in(document.get("groups", []), len(rows))
        return cls.of((_node_in(i, row, len(groups)) for i, row in enumerate(rows)), groups)


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


def format_number(x: float) -> str:
    """A number as short as it can be said exactly: `2`, not `2.0`."""
    return str(int(x)) if x.is_integer() and abs(x) < 1e15 else repr(x)


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


def _number_out(x: float | None) -> float | str | None:
    return x if x is None or math.isfinite(x) else repr(x)


def _number_in(x: Any, where: str) -> float:
    if isinstance(x, str) and x in ("inf", "-inf", "nan"):
        return float(x)
    if isinstance(x, bool) or not isinstance(x, (int, float)):
        raise GraphError(f"{where} must be a number, got {x!r}")
    return float(x)


def _ids_in(given: Any, limit: int, where: str) -> tuple[int, ...]:
    if not isinstance(given, list) or not all(type(i) is int and 0 <= i < limit for i in given):
        raise GraphError(f"{where} must be a list of numbers from 0 to {limit - 1}, got {given!r}")
    return tuple(given)


def _node_in(i: int, row: Any, groups: int) -> Node:
    where = f"node {i}"
    if not isinstance(row, dict):
        raise GraphError(f"{where} must be an object, got {row!r}")
    missing = {"op", "data", "inputs", "slopes"} - row.keys()
    if missing:
        raise GraphError(f"{where} lacks {', '.join(sorted(missing))}")
    op, label, source = row["op"], row.get("label", ""), row.get("source")
    own = isinstance(op, str) and own_name(op)
    if not own and op not in OPS and op not in (LEAF, CONST, DETACHED):
        raise GraphError(f"{where} has unknown op {op!r} (known: {', '.join(OPS)})")
    if not isinstance(label, str):
        raise GraphError(f"{where}: label must be a text, got {label!r}")
    inputs = row["inputs"]
    if isinstance(inputs, list) and any(type(j) is int and j >= i for j in inputs):
        raise GraphError(
            f"{where} reads node {max(inputs)}, which is not before it: the graph is cyclic or not in topological order"
        )
    ids = _ids_in(inputs, i, f"{where}: inputs")
    slopes = row["slopes"]
    if not isinstance(slopes, list) or len(slopes) != len(ids):
        raise GraphError(f"{where} has {len(ids)} inputs, so it needs {len(ids)} slopes, got {slopes!r}")
    if op in OPS and not OPS[op].variadic and len(ids) != len(OPS[op].inputs):
        raise GraphError(f"{where}: {op} takes {len(OPS[op].inputs)} inputs, got {len(ids)}")
    if op not in OPS and ids and not own:
        raise GraphError(f"{where}: a leaf has no inputs, got {list(ids)}")
    if source is not None and not (isinstance(source, list) and len(source) == 4 and isinstance(source[0], str)):
        raise GraphError(f"{where}: source must be [file, line, start, end], got {source!r}")
    return Node(
        i,
        op,
        _number_in(row["data"], f"{where}: data"),
        None if row.get("grad") is None else _number_in(row["grad"], f"{where}: grad"),
        label,
        ids,
        tuple(None if s is None else _number_in(s, f"{where}: slope") for s in slopes),
        _ids_in(row.get("groups", []), groups, f"{where}: groups"),
        SourceLine(*source) if source else None,
        None if row.get("now") is None else _number_in(row["now"], f"{where}: now"),
    )


def _groups_in(given: Any, nodes: int) -> list[Group]:
    if not isinstance(given, list):
        raise GraphError(f'"groups" must be a list, got {given!r}')
    groups = []
    for i, row in enumerate(given):
        if not isinstance(row, list) or len(row) != 5 or not all(isinstance(text, str) for text in row[:2]):
            raise GraphError(f"group {i} must be [name, kind, inputs, outputs, nodes], got {row!r}")
        groups.append(Group(row[0], row[1], *(_ids_in(ids, nodes, f"group {i}") for ids in row[2:])))
    return groups
