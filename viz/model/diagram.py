"""A diagram: boxes, edges and text with their places and ids, as data; built once, rendered many times.

`viz/place` makes it, `viz/render` renders it; nothing here knows how it will look.
Lengths are CSS pixels; x grows to the right, y downwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from .text import text_width

Point = tuple[float, float]
Kind = Literal["leaf", "op", "const", "fold"]
Direction = Literal["LR", "TB"]
DIRECTIONS: Final[tuple[Direction, ...]] = ("LR", "TB")

FONT_SIZE: Final = 12.0
ROW: Final = 17.0
"""Height of one line of text in a box."""
PADDING: Final = 8.0
"""Between a box's border and its text, left and right."""
SLOPE_SIZE: Final = 10.0
GRAD_KEY: Final = "grad"
"""The word before a gradient, which says that this number is one."""
KEY_SIZE: Final = 9.0


class Box(NamedTuple):
    """One box.

    Attributes:
        id: `n<node id>`; `g<group index>` for a folded group, `shared` for the parameters that folded groups share,
            `r<first node id>` for a run of nodes.
        kind: "leaf", "op", "const" or "fold".
        x, y: left upper corner.
        width, height: size.
        label: the user's name as shown (shortened with an ellipsis), or "".
        symbol: what the op (or the folded call) is; "" for a leaf.
        value: the number as shown, or "" if it is not shown.
        grad: the gradient as shown; "" while it is not computed or not shown.
        note: a last line, such as how many nodes are folded into this box; usually "".
        nodes: ids of the nodes the box stands for: one, or all that are folded into it.
        tooltip: everything in full: the whole label, numbers with all their digits.
        pins: room inside the box, where its edges enter, for the marks that tell its operands apart; usually 0.
    """

    id: str
    kind: Kind
    x: float
    y: float
    width: float
    height: float
    label: str
    symbol: str
    value: str
    grad: str
    note: str
    nodes: tuple[int, ...]
    tooltip: str
    pins: float = 0.0

    @property
    def title(self) -> str:
        """Label and op symbol in one line: `o = tanh`, `layers[0] (Layer)`."""
        if not (self.label and self.symbol) or self.label == self.symbol:
            return self.label or self.symbol
        return f"{self.label} ({self.symbol})" if self.kind == "fold" else f"{self.label} = {self.symbol}"


class Edge(NamedTuple):
    """One edge, from an input to the node that uses it.

    Attributes:
        id: `e<node id>-<position>`: the operand at `position` of node `node`.
        source: id of the box it leaves.
        target: id of the box it enters.
        input: id of the node at its start.
        node: id of the node at its end.
        position: which operand of `node` this is, from 0.
        curve: control points of cubic Bézier curves joined end to end: 1 + 3k points.
        slope: the local derivative as shown, or "" if it is not shown (or there is none).
        slope_at: where the middle of the slope's text goes.
        stands_for: every (node id, position) it stands for: one, or all that run between two boxes when one of the
            boxes is folded.
        mark: which operand of a box whose operands must not be swapped this is, such as "−" for what is subtracted;
            "" where order does not matter, and for a first operand that needs no mark.
        mark_at: where the middle of the mark's baseline goes: inside the target, at the end of the edge.
    """

    id: str
    source: str
    target: str
    input: int
    node: int
    position: int
    curve: tuple[Point, ...]
    slope: str
    slope_at: Point
    stands_for: tuple[tuple[int, int], ...]
    mark: str = ""
    mark_at: Point = (0.0, 0.0)

    @property
    def points(self) -> tuple[Point, ...]:
        """The curve as a polyline."""
        return flatten(self.curve)


class Text(NamedTuple):
    """One line of text of a box: `part` is "title", "value", "grad" or "note"; (x, y) is the middle of its baseline."""

    part: str
    text: str
    x: float
    y: float


class Rule(NamedTuple):
    """A line that parts two texts of a box, or its marks from its texts."""

    start: Point
    end: Point
    dashed: bool = False


@dataclass(frozen=True)
class Diagram:
    """What there is to draw of a graph, and where.

    Attributes:
        width, height: size of the picture.
        boxes: in topological order of the (last) node they stand for.
        edges: in order of the consuming node, then of its operands.
        shows_values, shows_gradients: which texts have their place in it.
        direction: "LR" or "TB".
        engine: who placed the boxes: "builtin" or "dot".
        messages: what was done that was not asked for, such as folding; shown below the picture in notebooks.
        summary: the picture in words, one line, for `text/plain` and screen readers.
    """

    width: float
    height: float
    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]
    shows_values: bool = True
    shows_gradients: bool = True
    direction: Direction = "LR"
    engine: Literal["builtin", "dot"] = "builtin"
    messages: tuple[str, ...] = ()
    summary: str = ""

    def texts(self, box: Box) -> tuple[Text, ...]:
        """The lines of `box` with their places; a value or gradient that is not known yet has its line, empty."""
        rows = box_rows(box, self.shows_values, self.shows_gradients)
        left, above = (box.pins, 0.0) if self.direction == "LR" else (0.0, box.pins)
        middle = box.x + (box.width + left) / 2
        top = box.y + (box.height + above - ROW * len(rows)) / 2
        return tuple(Text(part, text, middle, top + ROW * (i + 1) - 4.5) for i, (part, text) in enumerate(rows))

    def rules(self, box: Box) -> tuple[Rule, ...]:
        """The lines that part the texts of `box`, dashed above the gradient, and one along its marks."""
        texts = self.texts(box)
        right, bottom = box.x + box.width, box.y + box.height
        left, top = (box.x + box.pins, box.y) if self.direction == "LR" else (box.x, box.y + box.pins)
        along = [Rule((left, top), (left, bottom) if self.direction == "LR" else (right, top))] if box.pins else []
        return (
            *along,
            *(
                Rule((left, upper.y + 4.5), (right, upper.y + 4.5), lower.part == "grad")
                for upper, lower in zip(texts, texts[1:])
                if upper.part in ("title", "value") and lower.part in ("value", "grad")
            ),
        )


def box_rows(box: Box, values: bool, gradients: bool) -> list[tuple[str, str]]:
    """The lines of `box` from above: (part, text)."""
    if box.kind == "const":
        return [("value", box.value)]
    rows = [("title", box.title)] if box.title else []
    one = box.kind != "fold" or bool(box.value or box.grad)  # what is folded may have no one result
    if values and one:
        rows.append(("value", box.value))
    if gradients and one:
        rows.append(("grad", box.grad))
    if box.note:
        rows.append(("note", box.note))
    return rows


def row_width(part: str, text: str) -> float:
    """How much room a line of a box needs."""
    key = text_width(f"{GRAD_KEY} ", KEY_SIZE) if part == "grad" else 0.0
    return key + text_width(text, FONT_SIZE)


def flatten(curve: tuple[Point, ...], steps: int = 8) -> tuple[Point, ...]:
    """Joined cubic Bézier curves as a polyline of `steps` pieces each; a straight piece stays one.

    >>> flatten(((0.0, 0.0), (1.0, 0.0), (2.0, 0.0), (3.0, 0.0)))
    ((0.0, 0.0), (3.0, 0.0))
    """
    points = [curve[0]]
    for i in range(0, len(curve) - 1, 3):
        (x0, y0), (x1, y1), (x2, y2), (x3, y3) = curve[i : i + 4]
        if not y0 == y1 == y2 == y3 and not x0 == x1 == x2 == x3:
            for k in range(1, steps):
                t = k / steps
                s = 1 - t
                a, b, c, d = s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t
                points.append((a * x0 + b * x1 + c * x2 + d * x3, a * y0 + b * y1 + c * y2 + d * y3))
        points.append((x3, y3))
    return tuple(points)
