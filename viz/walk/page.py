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
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree

from ...engine.core.value import CONST
from ...engine.rules.notation import short
from ...engine.shown import visible
from ...engine.story.graph import Node, format_number
from ...engine.story.ledger import contribution_of, running_sums
from ...engine.story.steps import Step, Steps
from ..model.theme import css_variables
from ..render.svg import render_svg
from .source_pane import Place
from .walk import Walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PREFIX, TWIN_PREFIX = "g", "h"
"""Before every id of an SVG, so that none meets an id of the page, or of the other one."""
SCRIPTS: Final = ("model.js", "panes.js", "controls.js")
"""The parts of the page's one script, in order."""
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
    "through",
    "product",
    "slope",
    "contribution",
    "total",
    "sum",
    "answer",
)


def page(walk: Walk, twin: Walk | None = None, fault: Mapping[str, Any] = MappingProxyType({})) -> str:
    """The page of a walk as HTML.

    Args:
        walk: what is walked through.
        twin: the right pass, to go along with one that has a fault.
        fault: its name (`fault`), a line about it (`does`), beside each step that of the twin (`counterparts`), and
            which step (`first`) gives which node (`receiver`) the first wrong number.

    Raises:
        ValueError: if there are too many nodes for a page.
    """
    if len(walk.graph) > MAX_NODES:
        raise ValueError(
            f"{len(walk.graph):,} nodes are too many for a page (limit {MAX_NODES:,}): "
            "walk through one example or one part of the computation, or use .terminal()"
        )
    style = "\n".join([css_variables(), _asset("graph.css"), _asset("stepper.css")])
    script = "\n\n".join(map(_asset, SCRIPTS))
    return Template(_asset("stepper.html")).substitute(
        title=escape(visible(walk.title)),
        style=style,
        style_hash=_hash(style),
        script=script,
        script_hash=_hash(script),
        svg=render_svg(walk.drawing, prefix=PREFIX, interactive=True),
        twin=render_svg(twin.drawing, prefix=TWIN_PREFIX, interactive=True) if twin else "",
        fault=escape(fault.get("does", "")),
        data=_json(page_data(walk) | ({"twin": page_data(twin, TWIN_PREFIX)} if twin else {}) | dict(fault)),
    )


def page_data(walk: Walk, prefix: str = PREFIX) -> dict[str, Any]:
    """All that the page knows; numbers are spelled here, once, so that the page cannot spell them differently."""
    steps, pane, drawing = walk.steps, walk.source, walk.drawing
    parts: dict[tuple[Any, ...], int] = {}
    sums = [running_sums(steps, node.id) for node in walk.graph.nodes]
    return {
        "prefix": prefix,
        "faulty": steps.faulty,
        "begun": {i: short(x) for i, x in steps.begun.items()},
        "replaces": [i for i, flow in enumerate(steps.flows, len(steps.graph) + 1) if flow.replaces],
        "width": drawing.width,
        "height": drawing.height,
        "root": steps.names[-1],
        "derived": pane.derived,
        "excerpts": [{"title": e.title, "first": e.first, "lines": e.lines} for e in pane.excerpts],
        "node_fields": NODE_FIELDS,
        "nodes": [_node(node, name, pane.places.get(node.id)) for node, name in zip(walk.graph.nodes, steps.names)],
        "fields": STEP_FIELDS,
        "steps": [_row(steps, step, sums, parts) for step in steps],
        "parts": list(parts),
    }


def _node(node: Node, name: str, place: Place | None) -> tuple[Any, ...]:
    label = visible(node.label)
    return (
        name,
        label if label != name else "",
        name if node.label or not node.inputs else f"{name} ({node.op})",
        "" if node.op == CONST else node.op or "input",
        node.inputs,
        short(node.data),
        "" if node.grad is None else format_number(node.grad) if math.isfinite(node.grad) else str(node.grad),
        place,
    )


def static_picture(walk: Walk) -> tuple[str, str]:
    """The graph after the last step as SVG, and as an `<img>` that survives where scripts do not."""
    svg = render_svg(walk.drawing)
    coded = base64.b64encode(svg.encode("utf-8", "replace")).decode("ascii")
    words = f"graph of {visible(walk.title)}, with values and gradients"
    return (
        svg,
        f'<img alt="{escape(words)}" src="data:image/svg+xml;base64,{coded}" style="grid-area:1/1;max-width:100%">',
    )


def _row(steps: Steps, step: Step, sums: list[Iterator[str]], parts: dict[tuple[Any, ...], int]) -> tuple[Any, ...]:
    rule, numbers = (_part(ElementTree.fromstring(text), parts) for text in steps.mathml(step.index))  # noqa: S314  # our own
    node = steps.graph.nodes[step.node]
    through = product = slope = contribution = total = added = None
    exact = step.value if node.inputs else None
    if step.input is not None:
        entry = contribution_of(steps, steps.flow(step.index))
        through, product, contribution = entry.where, *entry.text.split(" = ")
        slope, total, added, exact = short(entry.slope), short(step.new or 0.0), next(sums[step.input]), step.new
    elif step.phase == "seed":
        total, exact = short(step.new or 0.0), None
    # Nobody is asked for infinity, or for what is given.
    answer = exact if exact is not None and math.isfinite(exact) else None
    return (
        step.phase,
        step.node,
        step.input,
        step.position,
        step.sentence,
        rule,
        numbers,
        through,
        product,
        slope,
        contribution,
        total,
        added,
        answer,
    )


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
