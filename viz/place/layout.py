"""From a `Graph` to a `Drawing`: what each box says and how large it is, and where everything goes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from ...engine.core.value import CONST, DETACHED, LEAF
from ...engine.rules.ops import OPS
from ...engine.story.graph import Graph, Node
from ..model.drawing import DIRECTIONS, FONT_SIZE, PADDING, ROW, Box, Direction, Drawing, Edge, Kind, Point, box_rows
from ..model.text import number_text, shorten, text_width, visible
from .fold import RUN, SHARED, Folding, Unit, fold_graph, outputs_of_run
from .layered import Placed, layered

Engine = Literal["auto", "dot", "builtin"]
ENGINES: Final[tuple[Engine, ...]] = ("auto", "dot", "builtin")
MARGIN: Final = 12.0
NARROWEST: Final = 56.0
SLOPE_SIZE: Final = 10.0
DOT_LIMIT: Final = 400
"""With layout="auto", larger drawings are placed by the built-in layout: dot would take too long."""
MAX_BOXES: Final = 20_000


def layout(
    graph: Graph,
    *,
    fold: str | bool | Sequence[str] = "auto",
    unfold: Sequence[str] = (),
    direction: Direction = "LR",
    values: bool = True,
    gradients: bool = True,
    slopes: bool = False,
    engine: Engine = "auto",
) -> Drawing:
    """The drawing of a graph.

    Args:
        graph: what to draw.
        fold, unfold: which module calls become one box; see `draw`.
        direction: "LR" from left to right, "TB" from top to bottom.
        values, gradients, slopes: which numbers are shown.
        engine: who places the boxes: "dot" (Graphviz), "builtin", or "auto": dot if it is installed and the
            drawing is small enough for it.

    Raises:
        ValueError: for an unknown direction, engine or call, or a graph too large to be read as a picture.

    >>> from glassgrad import Graph, Value
    >>> x = Value(3.0, "x")
    >>> drawing = layout(Graph(x + x), engine="builtin")
    >>> [(box.title, box.value) for box in drawing.boxes], [edge.id for edge in drawing.edges]
    ([('x', '3'), ('+', '6')], ['e1-0', 'e1-1'])
    """
    if direction not in DIRECTIONS:
        raise ValueError(f"direction={direction!r}: must be one of {', '.join(DIRECTIONS)}")
    if engine not in ENGINES:
        raise ValueError(f"layout={engine!r}: must be one of {', '.join(ENGINES)}")
    folding = fold_graph(graph, fold, unfold)
    if len(folding.units) > MAX_BOXES:
        raise ValueError(
            f"{len(folding.units):,} boxes cannot be read as a picture (limit {MAX_BOXES:,}): "
            'fold="auto" or True folds, or draw the graph of a part of the result'
        )
    boxes = [_box(graph, unit, values, gradients) for unit in folding.units]
    edges = _edges(graph, folding, boxes, slopes)
    return placed_drawing(
        boxes, edges, (values, gradients, slopes), direction, engine, folding.messages, _summary(graph, len(boxes))
    )


def placed_drawing(
    boxes: list[Box],
    edges: list[Edge],
    shows: tuple[bool, bool, bool],
    direction: Direction,
    engine: Engine,
    messages: tuple[str, ...],
    summary: str,
) -> Drawing:
    """Size and place boxes that have their texts, and route the edges between them."""
    across = direction == "TB"
    sizes = _sizes(boxes, edges, shows[0], shows[1], across)
    number = {box.id: i for i, box in enumerate(boxes)}
    links = [(number[edge.source], number[edge.target]) for edge in edges]
    room = [text_width(edge.slope, SLOPE_SIZE) for edge in edges if edge.slope]
    placed: Placed | None = None
    if engine == "dot" or (engine == "auto" and len(boxes) <= DOT_LIMIT):
        from .dot import DotError, dot_found, dot_placed

        if engine == "dot" or dot_found():
            try:
                placed = dot_placed(sizes, links, [edge.slope for edge in edges], across)
            except DotError as error:
                if engine == "dot":
                    raise
                messages = (*messages, f"placed by the built-in layout: {error}")
    used: Literal["builtin", "dot"] = "builtin" if placed is None else "dot"
    if placed is None:
        stub = (16.0 if across else max(room) + 12.0) if room else 0.0
        placed = layered([(h, w) if across else (w, h) for w, h in sizes], links, stub)
        if across:
            placed = _turned(placed)
    return _drawing(boxes, edges, sizes, placed, shows, direction, used, messages, summary)


# -- what the boxes say -------------------------------------------------------------------------------------


def _box(graph: Graph, unit: Unit, values: bool, gradients: bool) -> Box:
    if unit.group is not None:
        return _folded_box(graph, unit, values, gradients)
    return node_box(graph, unit.nodes[0], values, gradients)


def node_box(graph: Graph, number: int, values: bool, gradients: bool) -> Box:
    """The box of one node, with its texts but no place yet."""
    node = graph.nodes[number]
    if node.op == CONST:
        kind: Kind = "const"
        label = symbol = ""
    else:
        kind = "leaf" if node.op in (LEAF, DETACHED) else "op"
        label = shorten(visible(node.label))
        symbol = "" if kind == "leaf" else op_symbol(node.op)
        if not (label or symbol or values):
            label = node.name
    value = number_text(node.data) if values or kind == "const" else ""
    grad = number_text(node.grad) if gradients and kind != "const" else ""
    return Box(f"n{node.id}", kind, 0, 0, 0, 0, label, symbol, value, grad, "", (number,), _tooltip(graph, node))


def op_symbol(op: str) -> str:
    """What a drawing writes for an op: its symbol in the table, made visible."""
    return shorten(visible(OPS[op].symbol)) if op in OPS else visible(op)


def _tooltip(graph: Graph, node: Node) -> str:
    if node.op == CONST:
        return f"the number {node.data!r}"
    lines = [visible(node.name)]
    if node.op not in (LEAF, DETACHED):
        operands = ", ".join(shorten(visible(graph.nodes[i].name)) for i in node.inputs[:8])
        lines[0] += f" = {node.op}({operands}{', …' if len(node.inputs) > 8 else ''})"
    elif node.op == DETACHED:
        lines[0] += " (detached)"
    lines.append(f"value {node.data!r}")
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
        value, shown = (number_text(node.data) if values else ""), (number_text(node.grad) if gradients else "")
    else:
        note += f", {len(outputs)} outputs"
    return Box(box_id, "fold", 0, 0, 0, 0, label, symbol, value, shown, note, unit.nodes, "\n".join(lines))


def _edges(graph: Graph, folding: Folding, boxes: list[Box], slopes: bool) -> list[Edge]:
    """One edge per operand; between two boxes of which one is folded, one for all."""
    parts: dict[object, list[tuple[int, int, int]]] = {}
    for u, i, k in graph.edges:
        a, b = folding.unit_of[u], folding.unit_of[i]
        if a != b:
            folded = folding.units[a].group is not None or folding.units[b].group is not None
            parts.setdefault((a, b) if folded else (i, k, None), []).append((u, i, k))
    edges = []
    for these in parts.values():
        u, i, k = these[0]
        slope = number_text(graph.nodes[i].slopes[k]) if slopes and len(these) == 1 else ""
        source, target = boxes[folding.unit_of[u]], boxes[folding.unit_of[i]]
        pairs = tuple((node, position) for _, node, position in these)
        edges.append(Edge(f"e{i}-{k}", source.id, target.id, u, i, k, (), slope, (0.0, 0.0), pairs))
    edges.sort(key=lambda edge: (edge.node, edge.position))
    return edges


def _sizes(boxes: list[Box], edges: list[Edge], values: bool, gradients: bool, across: bool) -> list[Point]:
    """Width and height of each box: room for its text, and for the ends of its edges to be told apart."""
    entering: dict[str, int] = {}
    pitch: dict[str, float] = {}
    for edge in edges:
        entering[edge.target] = entering.get(edge.target, 0) + 1
        needed = 3.0 if not edge.slope else text_width(edge.slope, SLOPE_SIZE) + 10.0 if across else 15.0
        pitch[edge.target] = max(pitch.get(edge.target, 0.0), needed)
    sizes = []
    for box in boxes:
        rows = box_rows(box, values, gradients)
        width = max([text_width(text, FONT_SIZE) for _, text in rows] + [0.0]) + 2 * PADDING
        width = max(width, 30.0 if box.kind == "const" else NARROWEST)
        height = max(1, len(rows)) * ROW + 4.0
        ends = (entering.get(box.id, 0) + 1) * pitch.get(box.id, 0.0)
        sizes.append((max(width, ends), height) if across else (width, max(height, ends)))
    return sizes


# -- where they go ------------------------------------------------------------------------------------------


def _turned(placed: Placed) -> Placed:
    """Swap the axes."""
    curves = [tuple([(y, x) for x, y in curve]) for curve in placed.curves]
    return Placed([(y, x) for x, y in placed.middles], curves, (placed.size[1], placed.size[0]))


def _drawing(
    boxes: list[Box],
    edges: list[Edge],
    sizes: list[Point],
    placed: Placed,
    shows: tuple[bool, bool, bool],
    direction: Direction,
    engine: Literal["builtin", "dot"],
    messages: tuple[str, ...],
    summary: str,
) -> Drawing:
    set_boxes = [
        box._replace(x=_px(x - w / 2 + MARGIN), y=_px(y - h / 2 + MARGIN), width=_px(w), height=_px(h))
        for box, (x, y), (w, h) in zip(boxes, placed.middles, sizes)
    ]
    spots = placed.slope_spots or [
        _slope_spot(curve, edge.slope, direction) for edge, curve in zip(edges, placed.curves)
    ]
    set_edges = [
        edge._replace(
            curve=tuple([(_px(x + MARGIN), _px(y + MARGIN)) for x, y in curve]),
            slope_at=(_px(sx + MARGIN), _px(sy + MARGIN)),
        )
        for edge, curve, (sx, sy) in zip(edges, placed.curves, spots)
    ]
    return Drawing(
        _px(placed.size[0] + 2 * MARGIN),
        _px(placed.size[1] + 2 * MARGIN),
        tuple(set_boxes),
        tuple(set_edges),
        *shows,
        direction,
        engine,
        messages,
        summary,
    )


def _px(x: float) -> float:
    return round(x, 1)


def _slope_spot(curve: tuple[Point, ...], slope: str, direction: Direction) -> Point:
    """On the straight piece before the arrowhead: above it, or to its right where edges go down."""
    x, y = curve[-1]
    wide = text_width(slope, SLOPE_SIZE)
    return (x - wide / 2 - 9.0, y - 3.5) if direction == "LR" else (x + wide / 2 + 3.0, y - 12.0)


def _summary(graph: Graph, boxes: int) -> str:
    root = graph.root
    name = shorten(visible(root.label)) or "result"
    known = sum(node.grad is not None for node in graph.nodes)
    folded = f" in {boxes:,} boxes" if boxes != len(graph.nodes) else ""
    counts = (
        f"{_counted(len(graph.nodes), 'node', 'nodes')}{folded}, {_counted(len(graph.edges), 'edge', 'edges')}, "
        f"{_counted(len(graph.leaves), 'leaf', 'leaves')}"
    )
    return f"graph of {name} = {number_text(root.data)}: {counts}, gradients {'' if known else 'not '}computed"


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"
