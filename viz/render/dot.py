"""DOT text: of a `Drawing`, and the `trace` and `draw_dot` of micrograd's notebook.

Labels reach DOT only through `dot_text`, which leaves nothing in them that DOT would read as markup.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphviz import Digraph, ExecutableNotFound, nohtml  # type: ignore[import-untyped]  # it ships no types

from ...engine.core.value import CONST, Value
from ...engine.story.graph import Graph
from ..model.drawing import DIRECTIONS, Drawing, box_rows
from ..model.text import shorten, visible
from ..model.theme import LIGHT
from ..place.layout import op_symbol

if TYPE_CHECKING:
    from collections.abc import Iterable


def dot_text(lines: Iterable[str]) -> str:
    r"""Lines as the text of a DOT label: backslashes, entities and `<…>` are shown as they are.

    >>> print(dot_text(["a\\b", "<i>&amp;"]))
    a\\b\n<i>&amp;amp;
    """
    text: str = nohtml("\\n".join(line.replace("\\", "\\\\").replace("&", "&amp;") for line in lines))
    return text


def dot_source(drawing: Drawing) -> str:
    """The drawing as DOT text, for other tools to place; it carries what the boxes and edges say, no places."""
    graph = Digraph(graph_attr={"rankdir": drawing.direction}, edge_attr={"color": LIGHT.forward, "fontsize": "10"})
    graph.node_attr.update(fontname="Helvetica", fontsize="12", shape="box")
    for box in drawing.boxes:
        style = LIGHT.of(box.kind)
        rows = [text for _, text in box_rows(box, drawing.shows_values, drawing.shows_gradients)]
        look = "filled" if box.kind == "leaf" else "filled,bold" if box.kind == "fold" else "filled,rounded"
        graph.node(
            box.id,
            label=dot_text(rows),
            tooltip=dot_text(box.tooltip.split("\n")),
            style=look,
            fillcolor=style.fill,
            color=LIGHT.border,
        )
    for edge in drawing.edges:
        graph.edge(edge.source, edge.target, label=dot_text([edge.slope]) if edge.slope else None)
    return str(graph.source)


class DotDigraph(Digraph):  # type: ignore[misc]  # as above
    """A `graphviz.Digraph` that says what to do where the dot program is missing."""

    def _pipe_legacy(self, *arguments: Any, **options: Any) -> Any:
        with _Explained():
            return super()._pipe_legacy(*arguments, **options)

    def render(self, *arguments: Any, **options: Any) -> Any:
        """Write the source and render it with dot; see graphviz.

        Raises:
            ExecutableNotFound: if there is no dot program.
        """
        with _Explained():
            return super().render(*arguments, **options)


class MissingDot(ExecutableNotFound):  # type: ignore[misc]  # as above
    """Graphviz's error about the missing program, saying what to do."""

    def __str__(self) -> str:
        return (
            "drawing this needs the dot program of Graphviz, which was not found: install it (apt install graphviz, "
            "brew install graphviz, or https://graphviz.org/download), or use glassgrad.viz.draw(root), "
            "which needs no dot"
        )


class _Explained:
    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ExecutableNotFound):
            raise MissingDot(["dot"]) from None


def trace(root: Value) -> tuple[set[Value], set[tuple[Value, Value]]]:
    """The nodes and edges (input, result) below `root`, as in micrograd's notebook.

    A set holds an edge once: the two of `x + x` are one here. `Graph(root).edges` has both.

    >>> x = Value(2.0)
    >>> nodes, edges = trace(x * x)
    >>> len(nodes), len(edges)
    (2, 1)
    """
    nodes: set[Value] = set()
    edges: set[tuple[Value, Value]] = set()
    stack = [root]
    while stack:
        v = stack.pop()
        if v not in nodes:
            nodes.add(v)
            edges.update((u, v) for u in v.inputs)
            stack.extend(v.inputs)
    return nodes, edges


def draw_dot(root: Value, format: str = "svg", rankdir: str = "LR") -> Digraph:
    """The drawing of micrograd's notebook: a record with data and grad for each Value, an oval for each op.

    Args:
        root: the result.
        format: what `render()` writes, such as "svg" or "png".
        rankdir: "LR" or "TB".

    Returns:
        A `graphviz.Digraph`; showing or rendering it needs the dot program, `draw` does not.

    Raises:
        ValueError: for another rankdir, or a format that Graphviz does not know.

    >>> x = Value(2.0, "x")
    >>> print(draw_dot(x + 1).source.splitlines()[2].strip())
    n0 [label="{ x | data 2.0000 | grad 0.0000 }" shape=record]
    """
    if rankdir not in DIRECTIONS:
        raise ValueError(f"rankdir={rankdir!r}: must be one of {', '.join(DIRECTIONS)}")
    graph = Graph(root)
    dot = DotDigraph(format=format, graph_attr={"rankdir": rankdir})
    for node in graph.nodes:
        label = shorten(visible(node.label))
        grad = f"grad {node.grad or 0.0:.4f}" if node.op != CONST else ""
        cells = [label, f"data {node.data:.4f}", grad]
        dot.node(f"n{node.id}", label=_record([cell for cell in cells if cell]), shape="record")
        if node.inputs:
            dot.node(f"n{node.id}op", label=dot_text([op_symbol(node.op)]))
            dot.edge(f"n{node.id}op", f"n{node.id}")
    for u, i, _ in graph.edges:
        dot.edge(f"n{u}", f"n{i}op")
    return dot


def _record(cells: list[str]) -> str:
    """The cells of a record: its own signs are escaped on top of DOT's."""
    shown = []
    for cell in cells:
        text = "".join(f"\\{c}" if c in "{}|<>" else c for c in dot_text([cell]))
        shown.append(
            text if text.isascii() else text.replace(" ", "&#160;")
        )  # dot 2.43 loses a blank after such a letter
    record: str = nohtml("{ " + " | ".join(shown) + " }")
    return record
