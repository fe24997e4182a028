"""A `Drawing` as plain shapes with their colours, for renderers that have no notion of a box: PDF and PNG."""

from __future__ import annotations

from collections.abc import Iterator
from math import hypot
from typing import Final, NamedTuple

from .drawing import FONT_SIZE, Box, Drawing, Point
from .theme import Theme

ARROW: Final = 8.0
SLOPE_SIZE: Final = 10.0


class Panel(NamedTuple):
    """A rectangle with rounded corners."""

    x: float
    y: float
    width: float
    height: float
    radius: float
    fill: str
    stroke: str
    line: float


class Stroke(NamedTuple):
    """Joined cubic Bézier curves (1 + 3k points)."""

    curve: tuple[Point, ...]
    stroke: str
    line: float
    dashed: bool = False


class Filled(NamedTuple):
    """A filled polygon."""

    points: tuple[Point, ...]
    fill: str


class Words(NamedTuple):
    """Text; (x, y) is the middle of its baseline."""

    text: str
    x: float
    y: float
    size: float
    fill: str


def shapes(drawing: Drawing, theme: Theme) -> Iterator[Panel | Stroke | Filled | Words]:
    """Everything that is to be seen, back to front."""
    for edge in drawing.edges:
        yield Stroke(edge.curve, theme.forward, 1.3)
        yield Filled(arrowhead(edge.curve), theme.forward)
    for box in drawing.boxes:
        yield from _box(drawing, box, theme)
    for edge in drawing.edges:
        if edge.slope:
            yield Words(edge.slope, *edge.slope_at, SLOPE_SIZE, theme.quiet)


def arrowhead(curve: tuple[Point, ...]) -> tuple[Point, ...]:
    """The triangle at the end of a curve."""
    (x0, y0), (x1, y1) = curve[-2], curve[-1]
    length = hypot(x1 - x0, y1 - y0) or 1.0
    dx, dy = (x1 - x0) / length * ARROW, (y1 - y0) / length * ARROW
    half = 0.44
    return ((x1, y1), (x1 - dx - dy * half, y1 - dy + dx * half), (x1 - dx + dy * half, y1 - dy - dx * half))


def _box(drawing: Drawing, box: Box, theme: Theme) -> Iterator[Panel | Stroke | Words]:
    style = theme.of(box.kind)
    yield Panel(box.x, box.y, box.width, box.height, style.radius, style.fill, theme.border, style.line)
    for y, dashed in drawing.rules(box):
        left, right = box.x, box.x + box.width
        yield Stroke(((left, y), (left, y), (right, y), (right, y)), theme.border, 0.7, dashed)
    for part, text, x, y in drawing.texts(box):
        yield Words(text, x, y, FONT_SIZE, theme.text_of(box.kind, part))
