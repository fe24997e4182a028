"""A `Diagram` as SVG: no style sheet, no script, every id prefixed, every text escaped.

In a page (`interactive=True`) the parts carry class names and no colours of their own, so that the page's CSS can show
states; alone, colours are presentation attributes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from html import escape
from types import MappingProxyType
from typing import Final, Literal

from ..model.diagram import FONT_SIZE, GRAD_KEY, KEY_SIZE, SLOPE_SIZE, Box, Diagram, Edge, Point, Rule
from ..model.text import right_to_left
from ..model.theme import AUTO, DARK, LIGHT, Palette

NO_STATES: Final[Mapping[str, str]] = MappingProxyType({})
FONT: Final = "Helvetica, Arial, 'DejaVu Sans', sans-serif"


def render_svg(
    diagram: Diagram,
    *,
    prefix: str | None = None,
    dark: bool | Literal["auto"] = False,
    interactive: bool = False,
    states: Mapping[str, str] = NO_STATES,
) -> str:
    """The diagram as SVG text.

    Args:
        diagram: what to render.
        prefix: starts every id, so that several diagrams can share a page; by default one made from the diagram.
        dark: light colours on dark, or "auto": whatever the page has (its text colour, no background), for a page
            that chooses by `prefers-color-scheme`.
        interactive: give class names (box, edge, title, value, grad, slope, mark, note, arrow) instead of colours.
        states: with `interactive`, the `data-state` of boxes and edges, by their ids.

    >>> from ..model.diagram import Box
    >>> box = Box("n0", "leaf", 8, 8, 60, 55, "<b>", "", "2", "", "", (0,), "<b>")
    >>> svg = render_svg(Diagram(76, 71, (box,), ()), prefix="d1-")
    >>> 'id="d1-n0"' in svg and "&lt;b&gt;" in svg and "<b>" not in svg
    True
    """
    prefix = own_prefix(diagram) if prefix is None else prefix
    theme = None if interactive else DARK if dark is True else AUTO if dark == "auto" else LIGHT
    return "\n".join(_lines(diagram, escape(prefix), theme, states)) + "\n"


def own_prefix(diagram: Diagram) -> str:
    """A prefix that differs between different diagrams, and is the same in every process."""
    return "gg" + sha256(repr((diagram.boxes, diagram.edges, diagram.direction)).encode()).hexdigest()[:8] + "-"


def _lines(diagram: Diagram, prefix: str, theme: Palette | None, states: Mapping[str, str]) -> Iterator[str]:
    w, h = _number(diagram.width), _number(diagram.height)
    role = "img" if theme else "group"  # inside an img, nothing could take the focus
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="{role}" '
        f'aria-labelledby="{prefix}summary" font-family="{FONT}" font-size="{FONT_SIZE:g}" text-anchor="middle">'
    )
    yield f'<title id="{prefix}summary">{escape(diagram.summary)}</title>'
    if theme is not None and theme.panel != "none":
        yield f'<rect width="{w}" height="{h}" fill="{theme.panel}"/>'
    yield f"<defs>{_markers(prefix, theme)}</defs>"
    shared = f' fill="none" stroke="{theme.forward}" stroke-width="1.3"' if theme else ' fill="none"'
    yield f'<g class="edges"{shared}>'
    for edge in diagram.edges:
        yield _edge(edge, prefix, theme, _state(states, edge.id))
    yield "</g>"
    for box in diagram.boxes:
        yield from _box(diagram, box, prefix, theme, _state(states, box.id))
    yield from _texts_of_edges("mark", [(e, e.mark, e.mark_at) for e in diagram.edges if e.mark], prefix, theme)
    yield from _texts_of_edges("slope", [(e, e.slope, e.slope_at) for e in diagram.edges if e.slope], prefix, theme)
    yield "</svg>"


def _texts_of_edges(
    part: str, texts: list[tuple[Edge, str, Point]], prefix: str, theme: Palette | None
) -> Iterator[str]:
    if texts:
        size = f' font-size="{SLOPE_SIZE:g}"' if part == "slope" else ""
        colour = f' fill="{theme.text_of("op", part)}"' if theme else ""
        yield f"<g{size}{colour}>"
        for edge, text, (x, y) in texts:
            place = f'id="{prefix}{edge.id}-{part}" class="{part}" x="{_number(x)}" y="{_number(y)}"'
            yield f"<text {place}>{escape(text)}</text>"
        yield "</g>"


def _state(states: Mapping[str, str], part: str) -> str:
    return f' data-state="{states[part]}"' if part in states else ""


def _markers(prefix: str, theme: Palette | None) -> str:
    """Arrowheads: `forward` for the end of an edge, `backward` for its start."""
    shape = 'viewBox="0 0 8 8" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" refY="4" orient="auto"'
    forward = f' fill="{theme.forward}"' if theme else ""
    heads = (
        f'<marker id="{prefix}forward" refX="8" {shape}><path class="arrow" d="M0 .5 8 4 0 7.5z"{forward}/></marker>'
    )
    if theme is None:
        head = '<path class="arrow backward" d="M8 .5 0 4 8 7.5z"/>'
        heads += f'<marker id="{prefix}backward" refX="0" {shape}>{head}</marker>'
    return heads


def _edge(edge: Edge, prefix: str, theme: Palette | None, state: str) -> str:
    data = "" if theme else f' data-input="{edge.input}" data-node="{edge.node}" data-position="{edge.position}"'
    head = f'marker-end="url(#{prefix}forward)"'
    return f'<path id="{prefix}{edge.id}" class="edge"{data}{state} d="{svg_path(edge.curve)}" {head}/>'


def svg_path(curve: tuple[Point, ...]) -> str:
    """The `d` of a path along a curve, straight pieces as lines."""
    words = [f"M{_point(curve[0])}"]
    for i in range(0, len(curve) - 1, 3):
        a, b, c, d = curve[i : i + 4]
        if a[1] == b[1] == c[1] == d[1] or a[0] == b[0] == c[0] == d[0]:
            words.append(f"L{_point(d)}")
        else:
            words.append(f"C{_point(b)} {_point(c)} {_point(d)}")
    return "".join(words)


def _box(diagram: Diagram, box: Box, prefix: str, theme: Palette | None, state: str) -> Iterator[str]:
    data = "" if theme else f' data-nodes="{" ".join(map(str, box.nodes))}"'
    yield f'<g id="{prefix}{box.id}" class="box {box.kind}"{data}{state}>'
    yield f"<title>{escape(box.tooltip)}</title>"
    yield _frame(box, theme)
    for rule in diagram.rules(box):
        yield _rule(rule, theme)
    for text in diagram.texts(box):
        colour = f' fill="{theme.text_of(box.kind, text.part)}"' if theme else ""
        own_id = f' id="{prefix}{box.id}-{text.part}"' if text.part != "title" else ""
        body = _title(box) if text.part == "title" else escape(text.text)
        if text.part == "grad":  # the word says which number this is; the id is the number's
            key = f' fill="{theme.quiet}"' if theme else ""
            body = f'<tspan class="key" font-size="{KEY_SIZE:g}"{key}>{GRAD_KEY} </tspan><tspan{own_id}>{body}</tspan>'
            own_id = ""
        yield f'<text{own_id} class="{text.part}" x="{_number(text.x)}" y="{_number(text.y)}"{colour}>{body}</text>'
    yield "</g>"


def _title(box: Box) -> str:
    """The title; a label that is written from right to left does not turn what follows it."""
    if not right_to_left(box.label):
        return escape(box.title)
    rest = box._replace(label="\0").title.partition("\0")[2]
    return f'<tspan direction="rtl" unicode-bidi="isolate">{escape(box.label)}</tspan>{escape(rest)}'


def _frame(box: Box, theme: Palette | None) -> str:
    place = f'x="{_number(box.x)}" y="{_number(box.y)}" width="{_number(box.width)}" height="{_number(box.height)}"'
    if theme is None:
        return f'<rect class="frame" {place} rx="{LIGHT.of(box.kind).radius:g}"/>'
    style = theme.of(box.kind)
    look = f'rx="{style.radius:g}" fill="{style.fill}" stroke="{theme.border}" stroke-width="{style.line:g}"'
    return f"<rect {place} {look}/>"


def _rule(rule: Rule, theme: Palette | None) -> str:
    dash = ' stroke-dasharray="3 2"' if rule.dashed else ""
    colour = f' stroke="{theme.border}" stroke-width=".7"' if theme else ""
    return f'<path class="rule" d="M{_point(rule.start)}L{_point(rule.end)}"{dash}{colour}/>'


def _point(point: Point) -> str:
    return f"{_number(point[0])} {_number(point[1])}"


def _number(x: float) -> str:
    text = f"{x:.1f}"
    return text[:-2] if text.endswith(".0") else text
