"""Graphs that several tests draw, and what can be measured on a drawing."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest

from glassgrad import Graph, Value
from glassgrad.viz.model.diagram import Box, Diagram, Edge, Point


def _neuron() -> Value:
    x1, x2, w1, w2, b = (
        Value(v, n) for v, n in ((2.0, "x1"), (0.0, "x2"), (-3.0, "w1"), (1.0, "w2"), (6.8813735870195432, "b"))
    )
    n = x1 * w1 + x2 * w2 + b
    n.label = "n"
    o = n.tanh()
    o.label = "o"
    return o


def _mlp(sizes: Sequence[int], loss: bool = True) -> Value:
    """An MLP of plain Values: per neuron a chain of products and sums, and tanh."""
    rng = random.Random(1)
    activations = [Value(rng.uniform(-1, 1), f"x{i}") for i in range(sizes[0])]
    for k, (before, after) in enumerate(zip(sizes, sizes[1:])):
        outputs = []
        for _ in range(after):
            weights = [Value(rng.uniform(-1, 1)) for _ in range(before)]
            total = Value(0.1)
            for w, a in zip(weights, activations):
                total = total + w * a
            outputs.append(total.tanh() if k < len(sizes) - 2 else total)
        activations = outputs
    return (activations[0] - 1.0) ** 2 if loss else activations[0]


@pytest.fixture
def neuron() -> Callable[[], Value]:
    return _neuron


@pytest.fixture
def mlp() -> Callable[..., Value]:
    return _mlp


@pytest.fixture
def issue_graphs() -> dict[str, Graph]:
    """The tanh neuron (10 nodes), the 2-3-1 MLP with loss, the 2-16-16-1 MLP."""
    return {"neuron": Graph(_neuron()), "2-3-1": Graph(_mlp([2, 3, 1])), "2-16-16-1": Graph(_mlp([2, 16, 16, 1]))}


@pytest.fixture
def random_graph() -> Callable[[int, int], Graph]:
    def make(size: int, seed: int) -> Graph:
        rng = random.Random(seed)
        values = [Value(rng.uniform(-1, 1), f"v{i}") for i in range(1 + size // 8)]
        while len(values) < size:
            a, b = rng.choice(values), rng.choice(values[-10:])
            values.append(
                rng.choice([lambda a, b: a + b, lambda a, b: a * b, lambda a, b: a - b, lambda a, b: b.tanh()])(a, b)
            )
        total = values[-1]
        for v in rng.sample(values, min(4, len(values))):
            total = total * v
        return Graph(total)

    return make


def _side(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def count_crossings(drawing: Diagram) -> int:
    """Crossings of the polylines of edges that share neither source nor target."""
    pieces = []
    for edge in drawing.edges:
        for a, b in zip(edge.points, edge.points[1:]):
            pieces.append((min(a[0], b[0]), max(a[0], b[0]), min(a[1], b[1]), max(a[1], b[1]), a, b, edge))
    pieces.sort(key=lambda piece: piece[0])
    found, active = 0, []
    for piece in pieces:
        left, _, top, bottom, a, b, edge = piece
        active = [other for other in active if other[1] > left]
        for _, _, upper, lower, c, d, other in active:
            if (
                upper < bottom
                and top < lower
                and edge.source != other.source
                and edge.target != other.target
                and _side(a, b, c) * _side(a, b, d) < 0
                and _side(c, d, a) * _side(c, d, b) < 0
            ):
                found += 1
        active.append(piece)
    return found


@pytest.fixture
def crossings() -> Callable[[Diagram], int]:
    return count_crossings


def _inside(box: Box, point: Point, slack: float = 1.0) -> bool:
    return (
        box.x + slack < point[0] < box.x + box.width - slack and box.y + slack < point[1] < box.y + box.height - slack
    )


@pytest.fixture
def check_layout() -> Callable[[Diagram], None]:
    """No box overlaps another or leaves the picture, no edge runs through a foreign box or backwards."""

    def check(drawing: Diagram) -> None:
        assert len({box.id for box in drawing.boxes}) == len(drawing.boxes)
        assert len({edge.id for edge in drawing.edges}) == len(drawing.edges)
        boxes = sorted(drawing.boxes, key=lambda box: box.x)
        for i, box in enumerate(boxes):
            assert box.x >= 0
            assert box.y >= 0
            assert box.x + box.width <= drawing.width
            assert box.y + box.height <= drawing.height
            for other in boxes[i + 1 :]:
                if other.x >= box.x + box.width:
                    break
                assert other.y >= box.y + box.height or box.y >= other.y + other.height, f"{box.id} overlaps {other.id}"
        axis = 0 if drawing.direction == "LR" else 1
        by_id = {box.id: box for box in drawing.boxes}
        columns: dict[int, list[Box]] = {}
        for box in boxes:
            for c in range(int(box.x // 100), int((box.x + box.width) // 100) + 1):
                columns.setdefault(c, []).append(box)
        for edge in drawing.edges:
            _check_edge(edge, by_id, columns, axis)

    return check


def _check_edge(edge: Edge, by_id: dict[str, Box], columns: dict[int, list[Box]], axis: int) -> None:
    points = edge.points
    for a, b in zip(points, points[1:]):
        assert b[axis] >= a[axis] - 0.11, f"{edge.id} runs backwards"
        for k in range(3):
            at = (a[0] + (b[0] - a[0]) * k / 2, a[1] + (b[1] - a[1]) * k / 2)
            for box in columns.get(int(at[0] // 100), ()):
                assert box.id in (edge.source, edge.target) or not _inside(box, at), f"{edge.id} runs through {box.id}"
    source, target = by_id[edge.source], by_id[edge.target]
    for box, (x, y), name in ((source, points[0], "start"), (target, points[-1], "end")):
        assert box.x - 0.2 <= x <= box.x + box.width + 0.2, f"{edge.id}: its {name} is not at {box.id}"
        assert box.y - 0.2 <= y <= box.y + box.height + 0.2, f"{edge.id}: its {name} is not at {box.id}"
