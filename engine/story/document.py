"""A graph as JSON: what is written, and the checks that what is read is a graph that could have been recorded.

A document may come from anywhere. Whatever passes the checks can be drawn, walked through and explained.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

from ..core.own import own_name
from ..core.value import CONST, DETACHED, LEAF
from ..errors import GraphError
from ..rules.ops import OPS
from ..shown import clipped
from .node import Group, Node, SourceLine

FORMAT: Final = "glassgrad graph 1"
_NEEDED: Final = ("op", "data", "inputs", "slopes")
_OPTIONAL: Final = ("grad", "label", "groups", "source", "now")


def written(nodes: Sequence[Node], groups: Sequence[Group]) -> str:
    """The text for nodes in topological order and the calls they belong to."""
    rows = [
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
        for node in nodes
    ]
    return json.dumps({"format": FORMAT, "nodes": rows, "groups": groups}, ensure_ascii=False)


def read(text: str) -> tuple[list[Node], list[Group]]:
    """The nodes and calls of a text that `written` made.

    Raises:
        GraphError: one sentence, for whatever could not have been recorded.
    """
    try:
        document = json.loads(text, parse_constant=_no_number, object_pairs_hook=object_once)
    except (ValueError, TypeError, RecursionError) as error:
        raise GraphError(f"not a JSON text: {error}") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise GraphError(f'not a graph: expected an object with "format": "{FORMAT}"')
    rows = document.get("nodes")
    if not isinstance(rows, list) or not rows:
        raise GraphError('"nodes" must be a list of at least one node')
    groups = _groups(document.get("groups", []), len(rows))
    nodes: list[Node] = []
    for i, row in enumerate(rows):
        _check_order(i, row, rows)
        nodes.append(_node(i, row, nodes, len(groups)))
    _check_uses(nodes)
    _check_groups(nodes, groups)
    return nodes, groups


def _no_number(text: str) -> None:
    raise GraphError(f'{text} is no JSON: infinities and NaN are texts here, "inf", "-inf", "nan"')


def object_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object each of whose keys stands there once, as the `object_pairs_hook` of a reader."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        raise GraphError(f"{clipped(repr(twice), 40)} stands twice in one object")
    return found


def _number_out(x: float | None) -> float | str | None:
    return x if x is None or math.isfinite(x) else repr(x)


def _number(x: Any, where: str) -> float:
    if isinstance(x, str) and x in ("inf", "-inf", "nan"):
        return float(x)
    if isinstance(x, bool) or not isinstance(x, (int, float)):
        raise GraphError(f"{where} must be a number, got {_shown(x)}")
    try:
        found = float(x)
    except OverflowError:
        found = math.inf
    if math.isinf(found):
        raise GraphError(f"{where} is larger than 1.8e308, the largest float: {_shown(x)}")
    return found


def _shown(given: Any) -> str:
    return clipped(repr(given))


def _ids(given: Any, limit: int, where: str) -> tuple[int, ...]:
    if not isinstance(given, list) or not all(type(i) is int and 0 <= i < limit for i in given):
        allowed = f"numbers from 0 to {limit - 1}" if limit else "no numbers"
        raise GraphError(f"{where} must be a list of {allowed}, got {_shown(given)}")
    return tuple(given)


# -- nodes ----------------------------------------------------------------------------------------------------


def _node(i: int, row: Any, before: Sequence[Node], groups: int) -> Node:
    where = f"node {i}"
    if not isinstance(row, dict):
        raise GraphError(f"{where} must be an object, got {_shown(row)}")
    for problem, names in (
        ("lacks", [name for name in _NEEDED if name not in row]),
        ("has unknown", [name for name in row if name not in _NEEDED and name not in _OPTIONAL]),
    ):
        if names:
            raise GraphError(f"{where} {problem} {clipped(', '.join(names))}")
    op, label = row["op"], row.get("label", "")
    if not isinstance(label, str):
        raise GraphError(f"{where}: label must be a text, got {_shown(label)}")
    inputs = _ids(row["inputs"], i, f"{where}: inputs")
    _check_op(op, len(inputs), where)
    slopes = row["slopes"]
    if not isinstance(slopes, list) or len(slopes) != len(inputs):
        raise GraphError(f"{where} has {len(inputs)} inputs, so it needs {len(inputs)} slopes, got {_shown(slopes)}")
    read = tuple(None if s is None else _number(s, f"{where}: slope {k}") for k, s in enumerate(slopes))
    _check_slopes(op, [before[j] for j in inputs], read, where)
    grad, now = row.get("grad"), row.get("now")
    return Node(
        i,
        op,
        _number(row["data"], f"{where}: data"),
        None if grad is None else _number(grad, f"{where}: grad"),
        label,
        inputs,
        read,
        _ids(row.get("groups", []), groups, f"{where}: groups"),
        _source(row.get("source"), where),
        None if now is None else _number(now, f"{where}: now"),
    )


def _check_op(op: Any, count: int, where: str) -> None:
    if not isinstance(op, str) or (op not in OPS and op not in (LEAF, CONST, DETACHED) and not own_name(op)):
        raise GraphError(f"{where} has unknown op {_shown(op)} (known: {', '.join(OPS)})")
    if op in OPS and not OPS[op].variadic and count != len(OPS[op].inputs):
        raise GraphError(f"{where}: {op} takes {len(OPS[op].inputs)} inputs, got {count}")
    if (op in OPS or own_name(op)) and not count:
        raise GraphError(f"{where}: {op} takes at least one input, got none")
    if op in (LEAF, CONST, DETACHED) and count:
        raise GraphError(f"{where}: a {op or 'leaf'} has no inputs, got {count}")


def _check_slopes(op: str, inputs: Sequence[Node], slopes: Sequence[float | None], where: str) -> None:
    plain = [one.constant for one in OPS[op].inputs] if op in OPS and not OPS[op].variadic else [False] * len(inputs)
    for k, (node, slope) in enumerate(zip(inputs, slopes)):
        if plain[k] and node.op != CONST:
            raise GraphError(f"{where}: input {k} of {op} is a plain number, and node {node.id} is none")
        if (slope is None) != (node.op == CONST) and not own_name(op):
            needed = "no slope, for it is a constant" if node.op == CONST else "a slope"
            raise GraphError(f"{where}: input {k} needs {needed}, got {_shown(slope)}")


def _source(given: Any, where: str) -> SourceLine | None:
    if given is None:
        return None
    if isinstance(given, list) and len(given) == 4 and isinstance(given[0], str):
        _, line, start, end = given
        if all(type(n) is int and 0 <= n < 1 << 31 for n in (line, start, start if end is None else end)) and line:
            return SourceLine(*given)
    raise GraphError(f"{where}: source must be [file, line, start, end], got {_shown(given)}")


def _check_order(i: int, row: Any, rows: Sequence[Any]) -> None:
    """A node reads nodes before it alone; where it does not, a circle is spelled out if there is one."""
    later = [j for j in _inputs(row) if i <= j < len(rows)]
    if not later:
        return
    circle = _circle(i, rows)
    if circle:
        shown = circle if len(circle) <= 8 else [*circle[:6], "…", circle[-1]]
        raise GraphError(
            f"node {i} would be computed from itself: {' ← '.join(f'node {j}' if j != '…' else j for j in shown)}"
        )
    raise GraphError(f"node {i} reads node {later[0]}, which is not before it: the nodes are not in topological order")


def _inputs(row: Any) -> list[int]:
    given = row.get("inputs") if isinstance(row, dict) else None
    return [j for j in given if type(j) is int] if isinstance(given, list) else []


def _circle(start: int, rows: Sequence[Any]) -> list[Any]:
    """A way from a node over what it reads back to it, both ends included; empty if there is none."""
    trail, seen = [start], {start}
    open_: list[Iterator[int]] = [iter(_inputs(rows[start]))]
    while open_:
        for j in open_[-1]:
            if j == start:
                return [*trail, start]
            if 0 <= j < len(rows) and j not in seen:
                seen.add(j)
                trail.append(j)
                open_.append(iter(_inputs(rows[j])))
                break
        else:
            open_.pop()
            trail.pop()
    return []


def _check_uses(nodes: Sequence[Node]) -> None:
    used = {j for node in nodes for j in node.inputs}
    for node in nodes[:-1]:
        if node.id not in used:
            raise GraphError(f"node {node.id} is not behind the result, which is the last: nothing is computed from it")


# -- module calls -----------------------------------------------------------------------------------------------


def _groups(given: Any, nodes: int) -> list[Group]:
    if not isinstance(given, list):
        raise GraphError(f'"groups" must be a list, got {_shown(given)}')
    groups = []
    for i, row in enumerate(given):
        if not isinstance(row, list) or len(row) != 5 or not all(isinstance(text, str) for text in row[:2]):
            raise GraphError(f"group {i} must be [name, kind, inputs, outputs, nodes], got {_shown(row)}")
        groups.append(Group(row[0], row[1], *(_ids(ids, nodes, f"group {i}") for ids in row[2:])))
    return groups


def _check_groups(nodes: Sequence[Node], groups: Sequence[Group]) -> None:
    """A node belongs to calls that have it, the outer ones first."""
    members = [frozenset(group.nodes) for group in groups]
    nested: set[tuple[int, int]] = set()  # a pair stands at many nodes, and is compared once
    for node in nodes:
        for g in node.groups:
            if node.id not in members[g]:
                raise GraphError(f"node {node.id} belongs to group {g}, which does not have it")
        for outer, inner in zip(node.groups, node.groups[1:]):
            if (outer, inner) not in nested and not members[inner] <= members[outer]:
                raise GraphError(f"node {node.id}: group {inner} is not inside of group {outer}")
            nested.add((outer, inner))
