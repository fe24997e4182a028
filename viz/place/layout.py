"""From a `Graph` to a `Diagram`: how large each box is, and where everything goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from ...engine.choices import one_of
from ...engine.story.graph import Graph
from ..model.diagram import (
    DIRECTIONS,
    FONT_SIZE,
    PADDING,
    ROW,
    SLOPE_SIZE,
    Box,
    Diagram,
    Direction,
    Edge,
    Point,
    box_rows,
    row_width,
)
from ..model.text import text_width
from .boxes import boxes_and_edges, changed_since, summary
from .dot import DotError, dot_found, dot_placed
from .fold import fold_graph
from .layered import Placed, layered

Engine = Literal["auto", "dot", "builtin"]
ENGINES: Final[tuple[Engine, ...]] = ("auto", "dot", "builtin")
MARGIN: Final = 12.0
NARROWEST: Final = 56.0
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
    names: Sequence[str] | None = None,
    room: Sequence[str] = (),
) -> Diagram:
    """The diagram of a graph.

    Args:
        graph: what to draw.
        fold, unfold: which module calls become one box; see `draw`.
        direction: "LR" from left to right, "TB" from top to bottom.
        values, gradients, slopes: which numbers are shown.
        engine: who places the boxes: "dot" (Graphviz), "builtin", or "auto": dot if it is installed and the
            drawing is small enough for it.
        names: what every box of one node is called, by id; by default its label, if it has one.
        room: for every node, by id, a gradient for which its box is to have room, such as the longest partial sum.

    Raises:
        ValueError: for an unknown direction, engine or call, or a graph too large to be read as a picture.

    >>> from glassgrad import Graph, Value
    >>> x = Value(3.0, "x")
    >>> diagram = layout(Graph(x + x), engine="builtin")
    >>> [(box.title, box.value) for box in diagram.boxes], [edge.id for edge in diagram.edges]
    ([('x', '3'), ('+', '6')], ['e1-0', 'e1-1'])
    """
    one_of(DIRECTIONS, "direction", direction)
    one_of(ENGINES, "layout", engine)
    folding = fold_graph(graph, fold, unfold)
    if len(folding.units) > MAX_BOXES:
        raise ValueError(
            f"{len(folding.units):,} boxes cannot be read as a picture (limit {MAX_BOXES:,}): "
            'fold="auto" or True folds, or draw the graph of a part of the result'
        )
    boxes, edges = boxes_and_edges(graph, folding, values, gradients, slopes, names)
    words = summary(graph, len(boxes))
    messages = (*folding.messages, *changed_since(graph))
    return placed_diagram(boxes, edges, (values, gradients), direction, engine, messages, words, room)


def placed_diagram(
    boxes: list[Box],
    edges: list[Edge],
    shows: tuple[bool, bool],
    direction: Direction,
    engine: Engine,
    messages: tuple[str, ...],
    summary: str,
    room: Sequence[str] = (),
) -> Diagram:
    """Size and place boxes that have their texts, and route the edges between them."""
    across = direction == "TB"
    boxes = _with_pins(boxes, edges, across)
    sizes = _sizes(boxes, edges, shows[0], shows[1], across, room)
    number = {box.id: i for i, box in enumerate(boxes)}
    links = [(number[edge.source], number[edge.target]) for edge in edges]
    stubs = [text_width(edge.slope, SLOPE_SIZE) for edge in edges if edge.slope]
    placed: Placed | None = None
    if engine == "dot" or (engine == "auto" and len(boxes) <= DOT_LIMIT and dot_found()):
        ports = [edge.position if boxes[v].pins else None for edge, (_, v) in zip(edges, links)]
        try:
            placed = dot_placed(sizes, links, [edge.slope for edge in edges], ports, across)
        except DotError as error:
            if engine == "dot":
                raise
            messages = (*messages, f"placed by the built-in layout: {error}")
    used: Literal["builtin", "dot"] = "builtin" if placed is None else "dot"
    if placed is None:
        stub = (16.0 if across else max(stubs) + 12.0) if stubs else 0.0
        placed = layered([(h, w) if across else (w, h) for w, h in sizes], links, stub)
        if across:
            placed = _turned(placed)
    return _diagram(boxes, edges, sizes, placed, shows, direction, used, messages, summary)


# -- how large the boxes are --------------------------------------------------------------------------------


def _with_pins(boxes: list[Box], edges: list[Edge], across: bool) -> list[Box]:
    """The boxes with room for the marks of the edges that enter them."""
    widest: dict[str, float] = {}
    for edge in edges:
        if edge.mark:
            widest[edge.target] = max(widest.get(edge.target, 0.0), text_width(edge.mark, FONT_SIZE))
    room = {box: FONT_SIZE + 2.0 if across else wide + 7.0 for box, wide in widest.items()}
    return [box._replace(pins=room[box.id]) if box.id in room else box for box in boxes]


def _sizes(
    boxes: list[Box], edges: list[Edge], values: bool, gradients: bool, across: bool, room: Sequence[str]
) -> list[Point]:
    """Width and height of each box: room for its text, and for the ends of its edges to be told apart."""
    entering: dict[str, int] = {}
    pitch: dict[str, float] = {}
    for edge in edges:
        entering[edge.target] = entering.get(edge.target, 0) + 1
        needed = 3.0 if not edge.slope else text_width(edge.slope, SLOPE_SIZE) + 10.0 if across else 15.0
        if edge.mark:
            needed = max(needed, text_width(edge.mark, FONT_SIZE) + 4.0 if across else FONT_SIZE)
        pitch[edge.target] = max(pitch.get(edge.target, 0.0), needed)
    sizes = []
    for box in boxes:
        rows = box_rows(box, values, gradients)
        widths = [row_width(part, text) for part, text in rows]
        if room and len(box.nodes) == 1 and ("grad", box.grad) in rows:
            widths.append(row_width("grad", room[box.nodes[0]]))
        width = max(widths, default=0.0) + 2 * PADDING
        width = max(width, 30.0 if box.kind == "const" else NARROWEST)
        height = max(1, len(rows)) * ROW + 4.0
        ends = (entering.get(box.id, 0) + 1) * pitch.get(box.id, 0.0)
        sizes.append((max(width, ends), height + box.pins) if across else (width + box.pins, max(height, ends)))
    return sizes


# -- where they go ------------------------------------------------------------------------------------------


def _turned(placed: Placed) -> Placed:
    """Swap the axes."""
    curves = [tuple([(y, x) for x, y in curve]) for curve in placed.curves]
    return Placed([(y, x) for x, y in placed.middles], curves, (placed.size[1], placed.size[0]))


def _diagram(
    boxes: list[Box],
    edges: list[Edge],
    sizes: list[Point],
    placed: Placed,
    shows: tuple[bool, bool],
    direction: Direction,
    engine: Literal["builtin", "dot"],
    messages: tuple[str, ...],
    summary: str,
) -> Diagram:
    set_boxes = [
        box._replace(x=_px(x - w / 2 + MARGIN), y=_px(y - h / 2 + MARGIN), width=_px(w), height=_px(h))
        for box, (x, y), (w, h) in zip(boxes, placed.middles, sizes)
    ]
    spots = placed.slope_spots or [
        _slope_spot(curve, edge.slope, direction) for edge, curve in zip(edges, placed.curves)
    ]
    pins = {box.id: box.pins for box in boxes}
    set_edges = [
        edge._replace(
            curve=tuple([(_px(x + MARGIN), _px(y + MARGIN)) for x, y in curve]),
            slope_at=(_px(sx + MARGIN), _px(sy + MARGIN)),
            mark_at=_mark_spot(curve[-1], pins[edge.target], direction) if edge.mark else edge.mark_at,
        )
        for edge, curve, (sx, sy) in zip(edges, placed.curves, spots)
    ]
    return Diagram(
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


def _mark_spot(tip: Point, pins: float, direction: Direction) -> Point:
    """Inside the box, where the edge ends."""
    x, y = tip[0] + MARGIN, tip[1] + MARGIN
    return (_px(x + pins / 2), _px(y + 4.0)) if direction == "LR" else (_px(x), _px(y + FONT_SIZE - 1.0))
