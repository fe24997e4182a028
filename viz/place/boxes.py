"""What a drawing says: the texts of every box, the slope and mark of every edge, and the summary; not where they go."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...engine.core.value import CONST, DETACHED, LEAF
from ...engine.rules.notation import short
from ...engine.rules.ops import OPS
from ...engine.shown import counted, few, visible
from ...engine.story.graph import Graph, Node
from ..model.diagram import Box, Edge, Kind
from ..model.text import shorten
from .fold import RUN, SHARED, Folding, Unit, outputs_of_run
from .operands import op_symbol, operand_marks


def boxes_and_edges(
    graph: Graph,
    folding: Folding,
    values: bool,
    gradients: bool,
    slopes: bool,
    names: Sequence[str] | None = None,
) -> tuple[list[Box], list[Edge]]:
    """All boxes and edges with their texts but no places yet."""
    boxes = [_box(graph, unit, values, gradients, names) for unit in folding.units]
    return boxes, _edges(graph, folding, boxes, slopes)


def _box(graph: Graph, unit: Unit, values: bool, gradients: bool, names: Sequence[str] | None) -> Box:
    if unit.group is not None:
        return _folded_box(graph, unit, values, gradients)
    number = unit.nodes[0]
    return node_box(graph, number, values, gradients, names[number] if names else "")


def node_box(graph: Graph, number: int, values: bool, gradients: bool, name: str = "") -> Box:
    """The box of one node, with its texts but no place yet; `name` goes before its label."""
    node = graph.nodes[number]
    if node.op == CONST:
        kind: Kind = "const"
        label = symbol = ""
    else:
        kind = "leaf" if node.op in (LEAF, DETACHED) else "op"
        label = shorten(visible(name or node.label))
        symbol = "" if node.op == LEAF else op_symbol(node.op)
        if not (label or symbol or values):
            label = node.name
    value = _number(node.data) if values or kind == "const" else ""
    grad = _number(node.grad) if gradients and kind != "const" else ""
    return Box(f"n{node.id}", kind, 0, 0, 0, 0, label, symbol, value, grad, "", (number,), _tooltip(graph, node))


def _tooltip(graph: Graph, node: Node) -> str:
    if node.op == CONST:
        return f"the number {node.data!r}"
    lines = [visible(node.name)]
    if node.op not in (LEAF, DETACHED):
        operands = ", ".join(shorten(visible(graph.nodes[i].name)) for i in node.inputs[:8])
        lines[0] += f" = {node.op}({operands}{', …' if len(node.inputs) > 8 else ''})"
        if node.op in OPS and any(operand_marks(node.op, len(node.inputs))):
            lines.append(f"{node.op}({', '.join(OPS[node.op].names)}) = {OPS[node.op].forward}")
    elif node.op == DETACHED:
        lines[0] += " (detached)"
    since = "" if node.now is None else f" when it was used, now {node.now!r}"
    lines.append(f"value {node.data!r}{since}")
    lines.append("gradient not computed" if node.grad is None else f"gradient {node.grad!r}")
    if node.source is not None:
        lines.append(f"{visible(Path(node.source.file).name)}, line {node.source.line}")
    return "\n".join(lines)


def _folded_box(graph: Graph, unit: Unit, values: bool, gradients: bool) -> Box:
    note = f"{len(unit.nodes):,} nodes"
    if unit.group == SHARED:
        text = f"{len(unit.nodes):,} parameters that several calls read"
        return Box("shared", "fold", 0, 0, 0, 0, "shared parameters", "", "", "", note, unit.nodes, text)
    assert unit.group is not None
    if unit.group == RUN:
        first, last = unit.nodes[0], unit.nodes[-1]
        box_id, name, kind = f"r{first}", f"v{first} … v{last}", ""
        outputs = outputs_of_run(graph, first, last)
    else:
        group = graph.groups[unit.group]
        box_id, name, kind, outputs = f"g{unit.group}", visible(group.name), visible(group.kind), group.outputs
    label, symbol = shorten(name), shorten(kind)
    lines = [f"{name}{f' ({kind})' if kind else ''}, {note} folded"]
    for node in [graph.nodes[i] for i in outputs[:20]]:
        grad = "not computed" if node.grad is None else repr(node.grad)
        lines.append(f"{visible(node.name)}: value {node.data!r}, gradient {grad}")
    if len(outputs) > 20:
        lines.append(f"and {len(outputs) - 20} more outputs")
    shown = value = ""
    if len(outputs) == 1:
        node = graph.nodes[outputs[0]]
        value, shown = (_number(node.data) if values else ""), (_number(node.grad) if gradients else "")
    else:
        note += f", {len(outputs)} outputs"
    return Box(box_id, "fold", 0, 0, 0, 0, label, symbol, value, shown, note, unit.nodes, "\n".join(lines))


def _edges(graph: Graph, folding: Folding, boxes: list[Box], slopes: bool) -> list[Edge]:
    """One edge per operand; between two boxes of which one is folded, one for all whose order does not matter."""
    parts: dict[object, list[tuple[int, int, int]]] = {}
    marks = [
        ("",) * len(node.inputs) if folding.units[b].group is not None else operand_marks(node.op, len(node.inputs))
        for node, b in zip(graph.nodes, folding.unit_of)
    ]
    for u, i, k in graph.edges:
        a, b = folding.unit_of[u], folding.unit_of[i]
        if a != b:
            folded = folding.units[a].group is not None or folding.units[b].group is not None
            parts.setdefault((a, b) if folded and not any(marks[i]) else (i, k, None), []).append((u, i, k))
    edges = []
    for these in parts.values():
        u, i, k = these[0]
        slope = _number(graph.nodes[i].slopes[k]) if slopes and len(these) == 1 else ""
        source, target = boxes[folding.unit_of[u]], boxes[folding.unit_of[i]]
        pairs = tuple((node, position) for _, node, position in these)
        edges.append(Edge(f"e{i}-{k}", source.id, target.id, u, i, k, (), slope, (0.0, 0.0), pairs, marks[i][k]))
    edges.sort(key=lambda edge: (edge.node, edge.position))
    return edges


def changed_since(graph: Graph) -> tuple[str, ...]:
    """What to say of Values that were changed after the graph used them; the boxes show the numbers as used."""
    names = [(shorten(visible(node.name)), node.now) for node in graph.nodes]
    changed = [f"{name} is now {short(now)}" for name, now in names if now is not None]
    if not changed:
        return ()
    return (f"drawn with the numbers that were used; changed since: {few(changed, 4)}",)


def _number(x: float | None) -> str:
    return "" if x is None else short(x)


def summary(graph: Graph, boxes: int) -> str:
    """The drawing of `graph` in one line."""
    root = graph.root
    name = shorten(visible(root.label)) or "result"
    known = sum(node.grad is not None for node in graph.nodes)
    folded = f" in {counted(boxes, 'box')}" if boxes != len(graph.nodes) else ""
    edges, leaves = counted(len(graph.edges), "edge"), counted(len(graph.leaves), "leaf")
    counts = f"{counted(len(graph.nodes), 'node')}{folded}, {edges}, {leaves}"
    return f"graph of {name} = {short(root.data)}: {counts}, gradients {'' if known else 'not '}computed"
