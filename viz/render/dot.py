"""A `Diagram` as DOT text, for other tools to place.

Labels reach DOT only through `dot_text`, which leaves nothing in them that DOT would read as markup.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphviz import Digraph, nohtml  # type: ignore[import-untyped]  # it ships no types

from ..model.diagram import GRAD_KEY, Diagram, box_rows
from ..model.theme import LIGHT

if TYPE_CHECKING:
    from collections.abc import Iterable


def dot_text(lines: Iterable[str]) -> str:
    r"""Lines as the text of a DOT label: backslashes, entities and `<…>` are shown as they are.

    >>> print(dot_text(["a\\b", "<i>&amp;"]))
    a\\b\n<i>&amp;amp;
    """
    text: str = nohtml("\\n".join(line.replace("\\", "\\\\").replace("&", "&amp;") for line in lines))
    return text


def render_dot(diagram: Diagram) -> str:
    """The diagram as DOT text; it carries what the boxes and edges say, no places."""
    edges = {"color": LIGHT.forward, "fontname": "Helvetica", "fontsize": "10", "labeldistance": "1.5"}
    graph = Digraph(graph_attr={"rankdir": diagram.direction}, edge_attr=edges)
    graph.node_attr.update(fontname="Helvetica", fontsize="12", shape="box")
    for box in diagram.boxes:
        style = LIGHT.of(box.kind)
        rows = [
            f"{GRAD_KEY} {text}" if part == "grad" else text
            for part, text in box_rows(box, diagram.shows_values, diagram.shows_gradients)
        ]
        look = "filled" if box.kind == "leaf" else "filled,bold" if box.kind == "fold" else "filled,rounded"
        graph.node(
            box.id,
            label=dot_text(rows),
            tooltip=dot_text(box.tooltip.split("\n")),
            style=look,
            fillcolor=style.fill,
            color=LIGHT.border,
        )
    for edge in diagram.edges:
        texts = {"label": edge.slope, "headlabel": edge.mark}
        said = {name: dot_text([text]) for name, text in texts.items() if text}
        graph.edge(edge.source, edge.target, **said)
    return str(graph.source)
