"""The page that walks through the steps: one self-contained HTML file, made of the assets beside this module.

The steps go in as data. The Content-Security-Policy allows the page's one script and one style, by their hashes,
and nothing else: no label, however it is spelled, can run or fetch anything.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from functools import cache
from html import escape
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree

from ...engine.core.value import CONST
from ...engine.rules.notation import short
from ...engine.rules.ops import OPS
from ...engine.story.graph import Graph, format_number
from ...engine.story.steps import Step, step_mathml, steps
from ..model.text import shorten, visible
from ..model.theme import css_variables
from ..render.svg import render_svg

if TYPE_CHECKING:
    from .stepper import Stepper

PREFIX: Final = "g"
"""Before every id of the SVG, so that none meets an id of the page."""
SCRIPTS: Final = ("model.js", "panes.js", "controls.js")
"""The parts of the page's one script, in order."""
LABEL_LENGTH: Final = 40
"""Characters of a label that sentences and formulas show; the tooltip of its box has all of it."""

MAX_NODES: Final = 5000
"""Above this the file would be larger than some 10 MB, and a step slower than the eye."""

NODE_FIELDS: Final = ("name", "full", "choice", "op", "inputs", "value", "gradient", "place")
STEP_FIELDS: Final = (
    "phase",
    "node",
    "input",
    "position",
    "sentence",
    "rule",
    "numbers",
    "upstream",
    "slope",
    "contribution",
    "total",
    "answer",
)


def page(stepper: Stepper) -> str:
    """The page of a `Stepper` as HTML.

    Raises:
        ValueError: if there are too many nodes for a page.
    """
    if len(stepper.graph) > MAX_NODES:
        raise ValueError(
            f"{len(stepper.graph):,} nodes are too many for a page (limit {MAX_NODES:,}): "
            "walk through one example or one part of the computation, or use .terminal()"
        )
    style = "\n".join([css_variables(), _asset("graph.css"), _asset("stepper.css")])
    script = "\n\n".join(map(_asset, SCRIPTS))
    return Template(_asset("stepper.html")).substitute(
        title=escape(visible(stepper.title)),
        style=style,
        style_hash=_hash(style),
        script=script,
        script_hash=_hash(script),
        svg=render_svg(stepper.drawing, prefix=PREFIX, interactive=True),
        data=_json(page_data(stepper)),
    )


def page_data(stepper: Stepper) -> dict[str, Any]:
    """All that the page knows; numbers are spelled here, once, so that the page cannot spell them differently."""
    graph, pane, drawing = stepper.graph, stepper.source, stepper.drawing
    shown = Graph.of(
        (node._replace(label=shorten(visible(node.label), LABEL_LENGTH)) for node in graph.nodes), graph.groups
    )
    parts: dict[tuple[Any, ...], int] = {}
    rows = [_row(shown, step, parts) for step in steps(shown)]
    return {
        "prefix": PREFIX,
        "width": drawing.width,
        "height": drawing.height,
        "root": shown.root.name,
        "derived": pane.derived,
        "excerpts": [{"title": e.title, "first": e.first, "lines": e.lines} for e in pane.excerpts],
        "node_fields": NODE_FIELDS,
        "nodes": [
            (
                node.name,
                visible(full.label) if full.label != node.label else "",
                node.name if node.label else f"{node.name} ({node.op})" if node.op in OPS else node.name,
                "" if node.op == CONST else node.op or "input",
                node.inputs,
                short(node.data),
                "" if node.grad is None else format_number(node.grad) if math.isfinite(node.grad) else str(node.grad),
                pane.places.get(node.id),
            )
            for node, full in zip(shown.nodes, graph.nodes)
        ],
        "fields": STEP_FIELDS,
        "steps": rows,
        "parts": list(parts),
    }


def static_picture(stepper: Stepper) -> tuple[str, str]:
    """The graph after the last step as SVG, and as an `<img>` that survives where scripts do not."""
    svg = render_svg(stepper.drawing)
    coded = base64.b64encode(svg.encode("utf-8", "replace")).decode("ascii")
    words = f"graph of {visible(stepper.title)}, with values and gradients"
    return (
        svg,
        f'<img alt="{escape(words)}" src="data:image/svg+xml;base64,{coded}" style="grid-area:1/1;max-width:100%">',
    )


def _row(graph: Graph, step: Step, parts: dict[tuple[Any, ...], int]) -> tuple[Any, ...]:
    rule, numbers = (_part(ElementTree.fromstring(text), parts) for text in step_mathml(graph, step))  # noqa: S314  # our own
    node = graph.nodes[step.node]
    total = None if step.new is None else short(step.new)
    exact = step.value if step.phase == "forward" and node.op in OPS else step.new if step.phase == "backward" else None
    answer = (
        exact if exact is not None and math.isfinite(exact) else None
    )  # nobody is asked for infinity, or what is given
    factors = [None if x is None else short(x) for x in (step.upstream, step.slope, step.contribution)]
    return (step.phase, step.node, step.input, step.position, step.sentence, rule, numbers, *factors, total, answer)


def _part(element: ElementTree.Element, parts: dict[tuple[Any, ...], int]) -> int:
    """The number of an element in the table of parts, (tag, attributes, children: an element by its number, or text).

    Formulas of one graph share most of their parts; each is written once.
    """
    children: list[Any] = [element.text] if element.text else []
    for child in element:
        children.append(_part(child, parts))
        children += [child.tail] if child.tail else []
    part = (element.tag, tuple(element.attrib.items()), *children)
    return parts.setdefault(part, len(parts))


@cache
def _asset(name: str) -> str:
    return files(__package__).joinpath("assets").joinpath(name).read_text(encoding="utf-8").strip()


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _json(data: dict[str, Any]) -> str:
    """JSON that can stand in a `<script>`: `<` is spelled so that no tag can begin."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
