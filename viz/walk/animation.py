"""The steps as an animated GIF (extra `png`), for slides and READMEs: one frame a step."""

from __future__ import annotations

import io
import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from ...engine.rules.notation import short
from ..model.text import shorten, visible
from .terminal import known_gradients

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ...engine.story.steps import Step
    from ..model.diagram import Box, Diagram, Edge, Point
    from .stepper import Stepper

MAX_FRAMES: Final = 300
MILLISECONDS: Final = 1300
LAST_MILLISECONDS: Final = 4000
SCALE: Final = 2
"""Frames are painted this much larger and then made smaller, which smooths them."""
NARROWEST: Final = 640.0
HEAD: Final = 34.0
FOOT: Final = 92.0
COLOURS: Final = 64

PAPER, INK, QUIET, IDLE = "#ffffff", "#1b1f24", "#57606a", "#c3c9d0"
FORWARD, BACKWARD, FORWARD_WASH, BACKWARD_WASH = "#0072b2", "#d55e00", "#dcecf7", "#fbe6d8"
BACKWARD_TEXT: Final = "#a34700"
PHASES: Final = {"forward": "forward →", "seed": "turning round", "backward": "← backward"}


def animation(stepper: Stepper) -> bytes:
    """The GIF of a `Stepper`.

    Raises:
        ImportError: without Pillow.
        ValueError: if there are too many steps for an animation.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError('a GIF needs Pillow: pip install "glassgrad[png]"') from error
    if len(stepper.steps) > MAX_FRAMES:
        raise ValueError(f"{len(stepper.steps)} steps are too many for a GIF (limit {MAX_FRAMES}): save them as .html")
    frames = [_frame(stepper, step) for step in stepper.steps]
    # One palette for all keeps colours still and the file small; the result and the end have every colour.
    both = Image.new("RGB", (frames[0].width, 2 * frames[0].height))
    both.paste(frames[len(stepper.graph) - 1])
    both.paste(frames[-1], (0, frames[0].height))
    palette = both.quantize(COLOURS, dither=Image.Dither.NONE)
    reduced = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    times = [MILLISECONDS] * (len(frames) - 1) + [LAST_MILLISECONDS]
    buffer = io.BytesIO()
    reduced[0].save(buffer, "GIF", save_all=True, append_images=reduced[1:], duration=times, loop=0, optimize=True)
    return buffer.getvalue()


class _Painter:
    """Pillow in CSS pixels: every length is scaled on its way."""

    def __init__(self, width: float, height: float) -> None:
        from PIL import Image, ImageDraw

        self.image = Image.new("RGB", (round(width * SCALE), round(height * SCALE)), PAPER)
        self.draw = ImageDraw.Draw(self.image)

    def rectangle(
        self, x: float, y: float, width: float, height: float, fill: str, line: str, thick: float, radius: float = 6.0
    ) -> None:
        corners = [round(n * SCALE) for n in (x, y, x + width, y + height)]
        self.draw.rounded_rectangle(corners, radius * SCALE, fill, line, round(thick * SCALE))

    def text(
        self, x: float, y: float, text: str, colour: str, size: float, anchor: str = "ls", mono: bool = False
    ) -> None:
        self.draw.text((x * SCALE, y * SCALE), text, colour, _font(size, mono), anchor=anchor)

    def note(self, x: float, y: float, text: str, colour: str, size: float) -> None:
        """Text in the middle of an edge, with paper behind it."""
        half = self.width(text, size) / 2 + 2
        self.rectangle(x - half, y - size / 2 - 1, 2 * half, size + 2, PAPER, PAPER, 0, 2)
        self.text(x, y, text, colour, size, "mm")

    def width(self, text: str, size: float, mono: bool = False) -> float:
        return float(self.draw.textlength(text, _font(size, mono))) / SCALE

    def line(self, points: Sequence[Point], colour: str, thick: float) -> None:
        self.draw.line([(x * SCALE, y * SCALE) for x, y in points], colour, round(thick * SCALE), joint="curve")

    def arrow(self, tip: Point, tail: Point, colour: str, size: float = 8.0) -> None:
        angle = math.atan2(tip[1] - tail[1], tip[0] - tail[0])
        corners = [tip] + [
            (tip[0] - size * math.cos(angle + turn), tip[1] - size * math.sin(angle + turn)) for turn in (0.42, -0.42)
        ]
        self.draw.polygon([(x * SCALE, y * SCALE) for x, y in corners], colour)


def _font(size: float, mono: bool) -> Any:
    from PIL import ImageFont

    try:
        return ImageFont.truetype("DejaVuSansMono.ttf" if mono else "DejaVuSans.ttf", round(size * SCALE))
    except OSError:  # not installed here
        return ImageFont.load_default(round(size * SCALE))


def _frame(stepper: Stepper, step: Step) -> Any:
    drawing = stepper.drawing
    width = max(drawing.width, NARROWEST)
    painter = _Painter(width, drawing.height + HEAD + FOOT)
    colour = FORWARD if step.phase == "forward" else BACKWARD
    painter.text(14, 23, PHASES[step.phase], colour, 14)
    painter.text(width / 2, 23, shorten(visible(stepper.title), 60), INK, 14, "ms", mono=True)
    painter.text(width - 14, 23, f"{step.index + 1} of {len(stepper.steps)}", QUIET, 13, "rs")
    shift = ((width - drawing.width) / 2, HEAD)
    gradients = known_gradients(stepper.steps, step.index)
    arrived = {(s.node, s.position) for s in stepper.steps[len(stepper.graph) : step.index + 1]}
    for edge in drawing.edges:
        _edge(painter, edge, step, (edge.node, edge.position) in arrived, shift)
    for box in drawing.boxes:
        _box(painter, drawing, box, step, gradients, shift)
    _foot(painter, stepper, step, colour, width, drawing.height + HEAD)
    size = (painter.image.width // SCALE, painter.image.height // SCALE)
    return painter.image.resize(size, resample=1)  # 1: Lanczos


def _edge(painter: _Painter, edge: Edge, step: Step, back: bool, shift: Point) -> None:
    points = [(x + shift[0], y + shift[1]) for x, y in edge.points]
    current = (step.phase == "forward" and step.node == edge.node) or (step.node, step.position) == (
        edge.node,
        edge.position,
    )
    thick = 3.0 if current else 1.6
    if back:
        for dash in _dashes(points, 6.0, 4.0):
            painter.line(dash, BACKWARD, thick)
        painter.arrow(points[0], points[1], BACKWARD)
        if edge.slope:
            painter.note(edge.slope_at[0] + shift[0], edge.slope_at[1] + shift[1], edge.slope, BACKWARD_TEXT, 10)
    else:
        colour = FORWARD if edge.node <= step.index else IDLE
        painter.line(points, colour, thick)
        painter.arrow(points[-1], points[-2], colour)


def _box(painter: _Painter, drawing: Diagram, box: Box, step: Step, gradients: dict[int, float], shift: Point) -> None:
    node = box.nodes[0]
    focus = step.node if step.input is None else step.input
    known = node in gradients
    computed = node <= step.index
    fill = BACKWARD_WASH if known else FORWARD_WASH if computed else PAPER
    line = BACKWARD if known else FORWARD if computed else IDLE
    thick = 3.0 if node == focus else 1.4
    painter.rectangle(
        box.x + shift[0], box.y + shift[1], box.width, box.height, fill, INK if node == focus else line, thick
    )
    shown = {"value": box.value if computed else "", "grad": short(gradients[node]) if known else ""}
    for text in drawing.texts(box):
        colour = {"value": FORWARD, "grad": BACKWARD_TEXT}.get(text.part, INK if computed else QUIET)
        painter.text(text.x + shift[0], text.y + shift[1], shown.get(text.part, text.text), colour, 12, "ms")


def _foot(painter: _Painter, stepper: Stepper, step: Step, colour: str, width: float, top: float) -> None:
    place = stepper.source.places.get(step.node)
    if place is not None:
        line = stepper.source.excerpts[place.excerpt].lines[place.line]
        indent = len(line) - len(line.lstrip())
        start, end = max(place.start - indent, 0), (len(line) if place.end is None else place.end) - indent
        text = shorten(line.strip(), 90)
        painter.rectangle(14, top + 4, width - 28, 26, "#f3f5f7", "#f3f5f7", 0)
        painter.text(24, top + 21, text, INK, 13, mono=True)
        left, right = (24 + painter.width(text[:n], 13, mono=True) for n in (start, end))
        if right > left:
            painter.line([(left, top + 26), (right, top + 26)], colour, 2)
    painter.text(width / 2, top + 55, shorten(step.numbers, 90), colour, 16, "ms")
    painter.text(width / 2, top + 79, shorten(step.sentence, 110), QUIET, 12, "ms")


def _dashes(points: Sequence[Point], on: float, off: float) -> Iterator[list[Point]]:
    """A polyline cut into dashes."""
    dash, left, drawing = [points[0]], on, True
    for (x0, y0), (x1, y1) in pairwise(points):
        length = math.hypot(x1 - x0, y1 - y0)
        done = 0.0
        while length - done > left:
            done += left
            at = (x0 + (x1 - x0) * done / length, y0 + (y1 - y0) * done / length)
            if drawing:
                yield [*dash, at]
            dash, drawing = [at], not drawing
            left = on if drawing else off
        left -= length - done
        dash.append((x1, y1))
    if drawing and len(dash) > 1:
        yield dash
