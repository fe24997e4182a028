"""The walk as an animated GIF (extra `png`), for slides and READMEs: one frame a step, drawn as the page draws it."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from ...engine.shown import visible
from ...engine.story.moment import Moment, moment
from ..model.diagram import Box, Diagram, Edge
from ..model.text import shorten
from ..model.theme import LIGHT, with_colours
from ..render.gif import render_gif
from ..render.svg import render_svg
from .page import PREFIX

if TYPE_CHECKING:
    from ...engine.story.steps import Step
    from .walk import Walk

MAX_FRAMES: Final = 300
MILLISECONDS: Final = 1300
LAST_MILLISECONDS: Final = 4000
NARROWEST: Final = 640.0
HEAD: Final = 34.0
FOOT: Final = 92.0
SANS: Final = "Helvetica, Arial, 'DejaVu Sans', sans-serif"
MONO: Final = "'DejaVu Sans Mono', Menlo, Consolas, 'Liberation Mono', monospace"
PHASES: Final = {"forward": "forward →", "seed": "turning round", "backward": "← backward"}


def animation(walk: Walk) -> bytes:
    """The GIF of a walk.

    Raises:
        ImportError: without resvg-py or Pillow (when this module is imported).
        ValueError: if there are too many steps for an animation.
    """
    count = len(walk.steps)
    if count > MAX_FRAMES:
        raise ValueError(f"{count} steps are too many for a GIF (limit {MAX_FRAMES}): save them as .html")
    frames = [frame(walk, moment(walk.steps, index)) for index in range(count)]
    css = with_colours(files(__package__).joinpath("assets/graph.css").read_text(encoding="utf-8"), LIGHT)
    times = [MILLISECONDS] * (count - 1) + [LAST_MILLISECONDS]
    return render_gif(frames, css, times, richest=[len(walk.graph) - 1, count - 1])


def frame(walk: Walk, now: Moment) -> str:
    """One step as SVG, coloured by `graph.css`: a head line, the graph, the source line, the formula, the sentence."""
    drawing, step = walk.drawing, now.step
    width = max(drawing.width, NARROWEST)
    height = drawing.height + HEAD + FOOT
    top = drawing.height + HEAD
    graph = render_svg(shown(drawing, now), prefix=PREFIX, interactive=True, states=states(drawing, now))
    colour = LIGHT.forward if step.phase == "forward" else LIGHT.backward_text
    place = f'<svg x="{(width - drawing.width) / 2:g}" y="{HEAD:g}" '
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" font-family="{SANS}">',
            f'<rect width="{width:g}" height="{height:g}" fill="{LIGHT.panel}"/>',
            _text(14, 23, 14, PHASES[step.phase], colour, "start"),
            _text(width / 2, 23, 14, shorten(visible(walk.title), 60), LIGHT.text, mono=True),
            _text(width - 14, 23, 13, f"{step.index + 1} of {len(walk.steps)}", LIGHT.quiet, "end"),
            graph.replace("<svg ", place, 1),
            *_source_line(walk, step, colour, width, top),
            _text(width / 2, top + 55, 16, shorten(visible(step.numbers), 90), colour),
            _text(width / 2, top + 79, 12, shorten(visible(step.sentence), 110), LIGHT.quiet),
            "</svg>",
        ]
    )


def shown(diagram: Diagram, now: Moment) -> Diagram:
    """The diagram as far as it is known: no number before its step, a partial sum with an ellipsis."""
    return replace(
        diagram,
        boxes=tuple(_box(box, now) for box in diagram.boxes),
        edges=tuple(_edge(edge, now) for edge in diagram.edges),
    )


def _box(box: Box, now: Moment) -> Box:
    state = now.node(box.nodes[0])
    return box._replace(value=box.value if state.computed else "", grad=state.gradient_text)


def _edge(edge: Edge, now: Moment) -> Edge:
    slope = now.edge(edge.node, edge.position).slope
    return edge._replace(slope="" if slope is None else edge.slope)


def states(diagram: Diagram, now: Moment) -> dict[str, str]:
    """What `graph.css` is to show of every box and edge, by id."""
    found = {}
    for box in diagram.boxes:
        node = now.node(box.nodes[0])
        words = ["computed" if node.computed else "idle"]
        words += ["known" if node.complete else "partial"] if node.arrived else []
        words += ["current"] if node.current else ["sender"] if node.sender else []
        found[box.id] = " ".join(words)
    for line in diagram.edges:
        edge = now.edge(line.node, line.position)
        words = [word for word, true in (("computed", edge.forward), ("back", edge.backward)) if true] or ["idle"]
        found[line.id] = " ".join([*words, "current"] if edge.current else words)
    return found


def _source_line(walk: Walk, step: Step, colour: str, width: float, top: float) -> list[str]:
    """The line of the learner's code that made the node, the part that did it underlined."""
    place = walk.source.places.get(step.node)
    if place is None:
        return []
    line = walk.source.excerpts[place.excerpt].lines[place.line]
    end = len(line) if place.end is None else place.end
    if len(line.strip()) > 90:  # shortened in the middle, where the part may be
        body = escape(shorten(visible(line.strip()), 90))
    else:
        pieces = (line[: place.start].lstrip(), line[place.start : end], line[end:])
        before, part, after = (escape(visible(text)) for text in pieces)
        body = f'{before}<tspan text-decoration="underline" fill="{colour}">{part}</tspan>{after}'
    return [
        f'<rect x="14" y="{top + 4:g}" width="{width - 28:g}" height="26" fill="none" stroke="{LIGHT.line}"/>',
        f'<text x="24" y="{top + 21:g}" font-size="13" font-family="{MONO}" fill="{LIGHT.text}">{body}</text>',
    ]


def _text(x: float, y: float, size: float, text: str, fill: str, anchor: str = "middle", mono: bool = False) -> str:
    family = f' font-family="{MONO}"' if mono else ""
    place = f'x="{x:g}" y="{y:g}" font-size="{size:g}" text-anchor="{anchor}"'
    return f'<text {place} fill="{fill}"{family}>{escape(text)}</text>'
