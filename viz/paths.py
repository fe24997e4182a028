"""Every path from a variable to the result, drawn: slopes multiply along a path, and the paths add up.

The view of "Calculus on Computational Graphs: Backpropagation" (C. Olah, 2015). There can be exponentially many paths;
that backpropagation adds up at every node instead of walking them is its whole point.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from functools import partial, reduce
from math import fsum, prod
from typing import Final, NamedTuple

from ..engine.core.chain import topological_order
from ..engine.core.value import Value
from ..engine.rules.dialect import write
from ..engine.rules.notation import NO_DIGITS, Text, call, number, short, times
from ..engine.shown import visible
from ..engine.story.equation import digits_for
from ..engine.story.flow import flows
from ..engine.story.graph import Graph
from .drawing import Drawing
from .model.diagram import Box, Direction, Edge
from .model.text import shorten
from .picture import graph_of
from .place.boxes import changed_since, node_box
from .place.layout import Engine, placed_diagram
from .place.operands import operand_marks

LIMIT: Final = 16
LONGEST: Final = 12
"""Nodes of one path that are drawn; of a longer one the middle is folded."""
ENDS: Final = 5
"""Nodes at each end of a folded path that are drawn."""
WIDEST: Final = 60
"""Characters of a product in its box; a wider one is in words only."""


class Path(NamedTuple):
    """One path: the node ids from variable to result, the argument position and slope of each edge, their product."""

    nodes: tuple[int, ...]
    positions: tuple[int, ...]
    slopes: tuple[float, ...]
    product: float


def paths(graph: Graph, start: int) -> Iterator[Path]:
    """Every path from node `start` to the root, depth first, earlier users first.

    >>> x = Value(3.0, "x")
    >>> [path.slopes for path in paths(Graph(x * x + x), 0)]
    [(3.0, 1.0), (3.0, 1.0), (1.0,)]
    """
    users = _users(graph)
    trail: list[tuple[int, int, float]] = []
    stack: list[tuple[int, int, int, float]] = [(0, start, -1, 1.0)]  # depth, node, and the edge that led to it
    while stack:
        depth, node, position, slope = stack.pop()
        del trail[depth:]
        trail.append((node, position, slope))
        if node == graph.root.id:
            slopes = tuple([s for _, _, s in trail[1:]])
            yield Path(tuple([n for n, _, _ in trail]), tuple([k for _, k, _ in trail[1:]]), slopes, prod(slopes))
        stack.extend((depth + 1, i, k, s) for i, k, s in reversed(users[node]))


def count_paths(graph: Graph, start: int) -> int:
    """How many paths there are, without walking them.

    >>> x = v = Value(1.0)
    >>> for _ in range(100): v = v + v
    >>> count_paths(Graph(v), 0) == 2**100
    True
    """
    counts = [0] * len(graph.nodes)
    counts[start] = 1
    for i, following in enumerate(_users(graph)):
        for j, _, _ in following if counts[i] else ():
            counts[j] += counts[i]
    return counts[-1]


def _users(graph: Graph) -> list[list[tuple[int, int, float]]]:
    """For each node its uses: (node, argument position, slope)."""
    users: list[list[tuple[int, int, float]]] = [[] for _ in graph.nodes]
    for u, i, k in graph.edges:
        slope = graph.nodes[i].slopes[k]
        if slope is not None:
            users[u].append((i, k, slope))
    return users


def _gradient(graph: Graph, start: int) -> float:
    arrived = [flow.new for flow in flows(graph) if flow.input == start]
    return arrived[-1] if arrived else float(start == graph.root.id)


def draw_paths(
    root: Value | Graph,
    x: Value | str,
    names: Mapping[str, object] | None = None,
    limit: int = LIMIT,
    direction: Direction = "LR",
    layout: Engine = "builtin",
) -> Drawing:
    """Draw droot/dx: every path from `x` to `root`, the product of the slopes along it, and the sum of the products.

    Args:
        root: the result, or a `Graph`.
        x: the variable: a Value, or its label.
        names: variables whose names become labels, such as `locals()`; by default the caller's own, `{}` for none.
        limit: so many paths are drawn at most; what the others add up to is said.
        direction: "LR" or "TB".
        layout: "builtin", "dot" or "auto".

    Raises:
        GraphError: if no node, or more than one, is called `x`.
        ValueError: if the result does not depend on `x`, or `limit` is less than 1.

    >>> x = Value(3.0)
    >>> y = x * x + x
    >>> print("\\n".join(draw_paths(y, x).messages))
    x → * → y: 3 × 1 = 3
    x → * → y: 3 × 1 = 3
    x → y: 1 = 1
    """
    if limit < 1:
        raise ValueError(f"limit={limit!r}: must be at least 1")
    graph = graph_of(root, names, sys._getframe(1))
    start = _start(graph, root, x)
    ends = {start, graph.root.id}  # the title speaks of them by name, so that their boxes must have it
    graph = Graph.of((n._replace(label=n.name) if n.id in ends else n for n in graph.nodes), graph.groups)
    count, total = count_paths(graph, start), _gradient(graph, start)
    if not count:
        raise ValueError(f"{_short(graph, graph.root.id)} does not depend on {_short(graph, start)}: there is no path")
    shown = [path for path, _ in zip(paths(graph, start), range(limit))]
    messages = [_in_words(graph, path) for path in shown]
    if count > limit:
        rest = total - fsum(path.product for path in shown)
        messages.append(
            f"{limit} of {_many(count)} paths are drawn (limit={limit}); the others add up to {short(rest)}. "
            "Backpropagation does not walk them one by one: it adds up at every node"
        )
    messages += changed_since(graph)
    boxes, edges = _parts(graph, shown, count, total)
    what = f"d{_short(graph, graph.root.id)}/d{_short(graph, start)} = {short(total)}"
    summary = f"{what}: {'1 path' if count == 1 else f'the sum over {_many(count)} paths'}"
    return Drawing.of(placed_diagram(boxes, edges, (True, False), direction, layout, tuple(messages), summary))


explain = draw_paths
"""Its former name; `gg.explain` is something else."""


def _many(count: int) -> str:
    """A count that may have hundreds of digits."""
    if count < 10**15:
        return f"{count:,}"
    return f"about {count:.3g}".replace("e+", " × 10^") if count < 10**300 else "more than 10^300"


def _start(graph: Graph, root: Value | Graph, x: Value | str) -> int:
    if isinstance(x, str):
        return graph.find(x).id
    if not isinstance(root, Value):
        raise TypeError("draw_paths of a Graph takes the label of the variable, not a Value")
    place = next((i for i, v in enumerate(topological_order(root)) if v is x), None)
    if place is None:
        raise ValueError(f"{x!r} is not below {root!r}: the result does not depend on it")
    return place


def _short(graph: Graph, node: int) -> str:
    return shorten(visible(graph.nodes[node].name))


def _in_words(graph: Graph, path: Path) -> str:
    named = [
        box.label or box.symbol or _short(graph, n) for n in path.nodes for box in [node_box(graph, n, True, False)]
    ]
    if len(named) > LONGEST:
        named[ENDS:-ENDS] = ["…"]
    return f"{' → '.join(named)}: {_factors(path.slopes)} = {short(path.product)}"


def _factors(slopes: tuple[float, ...], ends: int = ENDS) -> str:
    """The product of the slopes with the digits it takes to hold; of a long one the ends, and what is between.

    Where multiplying in another order would give another result, every factor is written.
    """
    if not slopes:
        return "1"
    every = [number(slope) for slope in slopes]
    ways = [every]
    if len(slopes) >= 2 * ends + 2:
        inner = slopes[ends:-ends]
        left_out = call("more", ast.Name(str(len(inner))), number(prod(inner)))  # a word: it is never rounded
        ways.insert(0, [*every[:ends], left_out, *every[-ends:]])
    for factors in ways:
        tree = reduce(times, factors)
        digits = digits_for([(tree, prod(slopes))])
        if digits is not None:
            break
    return write(tree, Text("×", NO_DIGITS if digits is None else digits))[0]


def _parts(graph: Graph, shown: list[Path], count: int, total: float) -> tuple[list[Box], list[Edge]]:
    """The variable, a row of boxes for each path with its product at the end, and the sum of them."""
    start = shown[0].nodes[0]
    boxes = [node_box(graph, start, True, False)]
    edges: list[Edge] = []
    products: list[Box] = []
    for p, path in enumerate(shown):
        last = boxes[0]
        for run in _runs(path):
            box = _run_box(graph, path, run)._replace(id=f"p{p}n{path.nodes[run[-1]]}")
            edges.append(_edge(graph, f"p{p}", last, box, path, run[0] - 1))
            boxes.append(box)
            last = box
        factors = next((text for text in map(partial(_factors, path.slopes), (ENDS, 2, 1)) if len(text) <= WIDEST), "…")
        tooltip = f"{_in_words(graph, path)}\n{path.product!r}"
        product = Box(f"p{p}", "fold", 0, 0, 0, 0, factors, "", short(path.product), "", "", (), tooltip)
        edges.append(
            Edge(f"p{p}-product", last.id, product.id, path.nodes[-1], path.nodes[-1], 0, (), "", (0.0, 0.0), ())
        )
        boxes.append(product)
        products.append(product)
    label = f"d{_short(graph, graph.root.id)}/d{_short(graph, start)}"
    note = f"and {_many(count - len(shown))} more paths" if count > len(shown) else ""
    result = Box(
        "sum",
        "op",
        0,
        0,
        0,
        0,
        label,
        "Σ" if count > 1 else "",
        short(total),
        "",
        note,
        (),
        f"{label} = {total!r}",
    )
    for p, product in enumerate(products):
        root = graph.root.id
        edges.append(Edge(f"p{p}-sum", product.id, "sum", root, root, p, (), "", (0.0, 0.0), ()))
    return [*boxes, result], edges


def _runs(path: Path) -> list[range]:
    """The places along the path (its start left out) that get a box: one each, or all of a long path's middle."""
    n = len(path.nodes)
    if n <= LONGEST:
        return [range(i, i + 1) for i in range(1, n)]
    head = [range(i, i + 1) for i in range(1, ENDS)]
    return [*head, range(ENDS, n - ENDS), *[range(i, i + 1) for i in range(n - ENDS, n)]]


def _run_box(graph: Graph, path: Path, run: range) -> Box:
    if len(run) == 1:
        return node_box(graph, path.nodes[run[0]], True, False)
    inner = path.slopes[run[0] : run[-1]]
    text = f"{len(run):,} nodes in a row; the slopes between them multiply to {prod(inner)!r}"
    nodes = tuple(path.nodes[i] for i in run)
    return Box("", "fold", 0, 0, 0, 0, "…", "", f"× {short(prod(inner))}", "", f"{len(run):,} nodes", nodes, text)


def _edge(graph: Graph, prefix: str, source: Box, target: Box, path: Path, k: int) -> Edge:
    u, i, position = path.nodes[k], path.nodes[k + 1], path.positions[k]
    node, slope = graph.nodes[i], short(path.slopes[k])
    mark = operand_marks(node.op, len(node.inputs))[position] if target.kind == "op" else ""
    pair = ((i, position),)
    return Edge(f"{prefix}e{i}-{position}", source.id, target.id, u, i, position, (), slope, (0.0, 0.0), pair, mark)
