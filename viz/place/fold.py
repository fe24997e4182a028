"""Which nodes share a box: folding of module calls, whole or by levels, and unfolding of single ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from ...engine.core.value import DETACHED, LEAF
from ...engine.shown import few, visible
from ...engine.story.graph import Graph

AUTO_LIMIT: Final = 150
"""With fold="auto", a graph of more boxes than this is folded."""
SHARED: Final = -1
"""In place of a group: parameters that several folded calls read."""
RUN: Final = -2
"""In place of a group: neighbours in the order of evaluation, in a large graph without calls."""
RUNS: Final = 40
READABLE: Final = 1_000
"""Up to this many nodes, a graph without calls is drawn in full; a larger one in `RUNS` boxes."""
FEW: Final = 3
"""This many shared parameters are still drawn one by one."""


class Unit(NamedTuple):
    """What one box shows: one node (`group` is None), the folded `Graph.groups[group]`, `SHARED` or `RUN`."""

    nodes: tuple[int, ...]
    group: int | None = None


class Folding(NamedTuple):
    """The units of a drawing, ordered by their last node; the unit of every node; what there is to say about it."""

    units: tuple[Unit, ...]
    unit_of: tuple[int, ...]
    messages: tuple[str, ...] = ()


def fold_graph(graph: Graph, fold: str | bool | Sequence[str] = "auto", unfold: Sequence[str] = ()) -> Folding:
    """Choose what is drawn as one box.

    Args:
        graph: what is drawn.
        fold: "auto" folds above 150 boxes, innermost calls first (without calls: runs of nodes, above 1,000); True
            folds the outermost calls; False none; a list the calls of these names or kinds (`["Neuron", "layers[0]"]`).
        unfold: names or kinds of calls to open, with the calls around them.

    Raises:
        ValueError: for another `fold`, or a name that no call has.
    """
    if not (
        isinstance(fold, bool)
        or fold == "auto"
        or (not isinstance(fold, str) and all(isinstance(n, str) for n in fold))
    ):
        raise ValueError(
            f'fold={fold!r}: give "auto", True, False, or a list of names or kinds of calls such as ["Neuron"]'
        )
    opened = _with_outer(graph, _called(graph, [unfold] if isinstance(unfold, str) else unfold, "unfold"))
    every = set(range(len(graph.groups)))
    if fold is False:
        return _units(graph, set())
    if fold is True:
        return _told(graph, _units(graph, every - opened), "")
    if fold != "auto":
        return _told(graph, _units(graph, _called(graph, fold, "fold") - opened), "")
    if len(graph.nodes) <= AUTO_LIMIT:
        return _units(graph, set())
    if not graph.groups:
        return _without_calls(graph)
    depth = _depths(graph)
    best: Folding | None = None
    for level in range(max(depth), -1, -1):
        found = _units(graph, {g for g in every if depth[g] >= level} - opened)
        if best is None or len(found.units) < len(best.units):
            best = found
        if len(found.units) <= AUTO_LIMIT:
            break
    assert best is not None
    return _told(graph, best, f"more than {AUTO_LIMIT} boxes, so ")


def _without_calls(graph: Graph) -> Folding:
    """All nodes, or in a graph that nobody could read so, runs of neighbours in the order of evaluation."""
    count = len(graph.nodes)
    if count <= READABLE:
        text = f"all {count:,} nodes are drawn: the graph has no module calls to fold"
        return Folding(tuple(Unit((i,)) for i in range(count)), tuple(range(count)), (text,))
    size = -(-count // RUNS)
    units = tuple(Unit(tuple(range(i, min(i + size, count))), RUN) for i in range(0, count, size))
    text = (
        f"more than {READABLE:,} nodes and no module calls to fold, so folded: runs of {size:,} nodes in the order "
        f"of evaluation ({count:,} nodes in {len(units):,} boxes; fold=False draws all)"
    )
    return Folding(units, tuple(i // size for i in range(count)), (text,))


def outputs_of_run(graph: Graph, first: int, last: int) -> tuple[int, ...]:
    """The nodes from `first` to `last` that a later one uses, or the root."""
    used = {u for node in graph.nodes[last + 1 :] for u in node.inputs if first <= u <= last}
    return tuple(sorted(used)) or (last,)


def _called(graph: Graph, names: Sequence[str], argument: str) -> set[int]:
    found: set[int] = set()
    for name in names:
        those = {g for g, group in enumerate(graph.groups) if name in (group.name, group.kind)}
        if not those:
            known = list(dict.fromkeys(text for group in graph.groups for text in (group.kind, group.name)))
            none = "none; the graph was made without modules"
            raise ValueError(f"{argument}: no call is named {name!r} (there are: {few(known, 12) or none})")
        found |= those
    return found


def _with_outer(graph: Graph, chosen: Collection[int]) -> set[int]:
    """`chosen` and every call around one of them."""
    found = set(chosen)
    for node in graph.nodes if chosen else ():
        inner = [k for k, g in enumerate(node.groups) if g in chosen]
        found.update(node.groups[: inner[-1]] if inner else ())
    return found


def _depths(graph: Graph) -> list[int]:
    depth = [0] * len(graph.groups)
    for node in graph.nodes:
        for k, g in enumerate(node.groups):
            depth[g] = max(depth[g], k)
    return depth


def _units(graph: Graph, folded: set[int]) -> Folding:
    """Fold the calls `folded`, the outer one where they are nested; open those that would make a cycle."""
    while True:
        home: list[int | None] = [next((g for g in node.groups if g in folded), None) for node in graph.nodes]
        _part_with_shared(graph, home)
        members: dict[int, list[int]] = {}
        for i, g in enumerate(home):
            if g is not None:
                members.setdefault(g, []).append(i)
        units = [Unit((i,)) for i, g in enumerate(home) if g is None]
        units += [Unit(tuple(nodes), g) for g, nodes in members.items()]
        units.sort(key=lambda unit: unit.nodes[-1])
        unit_of = [0] * len(home)
        for u, unit in enumerate(units):
            for i in unit.nodes:
                unit_of[i] = u
        tangled = {units[u].group for u in _on_cycles(graph, unit_of, len(units))} - {None, SHARED}
        if not tangled:
            return Folding(tuple(units), tuple(unit_of))
        folded = folded - tangled


def _part_with_shared(graph: Graph, home: list[int | None]) -> None:
    """Take leaves that other boxes read too out of their folded call, else every call would hang on the first one."""
    shared = {
        u
        for u, i, _ in graph.edges
        if home[u] is not None and home[i] != home[u] and graph.nodes[u].op in (LEAF, DETACHED)
    }
    for u in sorted(shared):
        home[u] = SHARED if len(shared) > FEW else None


def _on_cycles(graph: Graph, unit_of: Sequence[int], count: int) -> list[int]:
    """Units that lie on a cycle, or between two."""
    links = {(unit_of[u], unit_of[i]) for u, i, _ in graph.edges if unit_of[u] != unit_of[i]}
    left = set(range(count))
    for forward in (True, False):
        after: dict[int, list[int]] = {}
        waiting = Counter[int]()
        for a, b in sorted(links):
            if a in left and b in left:
                first, second = (a, b) if forward else (b, a)
                after.setdefault(first, []).append(second)
                waiting[second] += 1
        ready = [u for u in left if not waiting[u]]
        while ready:
            u = ready.pop()
            left.discard(u)
            for v in after.get(u, ()):
                waiting[v] -= 1
                if not waiting[v]:
                    ready.append(v)
    return sorted(left)


def _told(graph: Graph, folding: Folding, why: str) -> Folding:
    groups = [unit.group for unit in folding.units if unit.group is not None]
    if not groups:
        return folding
    kinds = Counter("shared parameters" if g == SHARED else graph.groups[g].kind for g in groups)
    calls = ", ".join(kind if kind == "shared parameters" else f"{n} {visible(kind)}" for kind, n in kinds.items())
    some = next((graph.groups[g].name for g in groups if g != SHARED), None)
    opening = f'; unfold=["{visible(some)}"] opens one, fold=False all' if some is not None else ""
    text = f"{why}folded: {calls} ({len(graph.nodes):,} nodes in {len(folding.units):,} boxes{opening})"
    return folding._replace(messages=(text,))
