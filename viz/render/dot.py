"""A `Diagram` as DOT text, for other tools to place.

Labels reach DOT only through `dot_text`, which leaves nothing in them that DOT would read as markup.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphviz import Digraph, nohtml  # type: ignore[import-untyped]  # it ships no types

from ..model.diagram import GRAD_KEY, Diagram, Edge, box_rows
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


def record_text(text: str) -> str:
    """One line as the text of a field of a record: its own signs are escaped on top of DOT's."""
    shown = "".join(f"\\{c}" if c in "{}|<>" else c for c in dot_text([text]))
    return shown if shown.isascii() else shown.replace(" ", "&#160;")  # dot 2.43 loses a blank after such a letter


def render_dot(diagram: Diagram) -> str:
    """The diagram as DOT text; it carries what the boxes and edges say, no places.

    A box whose operands are marked is a record, in which each operand has its field.
    """
    edges = {"color": LIGHT.forward, "fontname": "Helvetica", "fontsize": "10"}
    graph = Digraph(graph_attr={"rankdir": diagram.direction}, edge_attr=edges)
    graph.node_attr.update(fontname="Helvetica", fontsize="12", shape="box")
    entering: dict[str, list[Edge]] = {box.id: [] for box in diagram.boxes}
    for edge in diagram.edges:
        entering[edge.target].append(edge)
    for box in diagram.boxes:
        style = LIGHT.of(box.kind)
        rows = [
            f"{GRAD_KEY} {text}" if part == "grad" else text
            for part, text in box_rows(box, diagram.shows_values, diagram.shows_gradients)
        ]
        look = "filled" if box.kind == "leaf" else "filled,bold" if box.kind == "fold" else "filled,rounded"
        marked = {"shape": "record"} if box.pins else {}
        graph.node(
            box.id,
            label=_record(rows, entering[box.id]) if box.pins else dot_text(rows),
            tooltip=dot_text(box.tooltip.split("\n")),
            style=look,
            fillcolor=style.fill,
            color=LIGHT.border,
            **marked,
        )
    pins = {box.id: box.pins for box in diagram.boxes}
    for edge in diagram.edges:
        target = f"{edge.target}:{edge.position}" if pins[edge.target] else edge.target
        graph.edge(edge.source, target, label=dot_text([edge.slope]) if edge.slope else None)
    return str(graph.source)


def _record(rows: list[str], operands: list[Edge]) -> str:
    fields = "|".join(f"<{edge.position}> {record_text(edge.mark)}" for edge in operands)
    text = "\\n".join(map(record_text, rows))
    return f"{{ {{ {fields} }} | {text} }}"
