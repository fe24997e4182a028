"""The `trace` and `draw_dot` of micrograd's notebook, for those who followed it."""

from __future__ import annotations

from typing import Any

from graphviz import Digraph, ExecutableNotFound  # type: ignore[import-untyped]  # it ships no types

from ..engine.choices import one_of
from ..engine.core.value import CONST, Value
from ..engine.shown import visible
from ..engine.story.graph import Graph
from .model.diagram import DIRECTIONS
from .model.text import shorten
from .place.operands import op_symbol
from .render.dot import dot_text, record_text


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
    one_of(DIRECTIONS, "rankdir", rankdir)
    graph = Graph(root)
    dot = DotDigraph(format=format, graph_attr={"rankdir": rankdir})
    for node in graph.nodes:
        label = shorten(visible(node.label))
        grad = f"grad {node.grad or 0.0:.4f}" if node.op != CONST else ""
        cells = [label, f"data {node.data:.4f}", grad]
        dot.node(
            f"n{node.id}", label="{ " + " | ".join(record_text(cell) for cell in cells if cell) + " }", shape="record"
        )
        if node.inputs:
            dot.node(f"n{node.id}op", label=dot_text([op_symbol(node.op)]))
            dot.edge(f"n{node.id}op", f"n{node.id}")
    for u, i, _ in graph.edges:
        dot.edge(f"n{u}", f"n{i}op")
    return dot
