"""Two different graphs never have the same drawing: drawings are read back, by what is seen on them alone.

Seen are the boxes with their kinds and texts, the edges from box to box, and the mark where an edge ends; ids, tooltips
and exact places are not looked at. All numbers are equal here, so that none of them gives anything away.
"""

from __future__ import annotations

import random
import re
import shutil
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import glassgrad as gg
from glassgrad import OPS, Graph, Value
from glassgrad.engine.story.graph import Node
from glassgrad.viz.place.layout import layout
from glassgrad.viz.place.operands import operand_marks
from glassgrad.viz.render.dot import render_dot
from glassgrad.viz.render.svg import render_svg

SVG = "{http://www.w3.org/2000/svg}"
SYMMETRIC = {"add", "mul", "max", "min", "sum"}
NO_DOT = pytest.mark.skipif(shutil.which("dot") is None, reason="no dot program here")
LAYOUTS = ["builtin", pytest.param("dot", marks=[pytest.mark.dot, NO_DOT])]


def refined(colours: list[object], edges: list[tuple[int, int, str]]) -> tuple[int, ...]:
    """What a labelled graph looks like from its nodes, whatever they are called (Weisfeiler and Leman 1968)."""
    known = [hash(colour) for colour in colours]
    for _ in colours:
        into: list[list[tuple[str, int]]] = [[] for _ in known]
        out: list[list[tuple[str, int]]] = [[] for _ in known]
        for source, target, mark in edges:
            into[target].append((mark, known[source]))
            out[source].append((mark, known[target]))
        known = [hash((c, tuple(sorted(i)), tuple(sorted(o)))) for c, i, o in zip(known, into, out)]
    return tuple(sorted(known))


def meant(graph: Graph) -> tuple[int, ...]:
    """The graph itself, with the order of operands where it matters."""
    colours = [(node.op, node.label, node.data) for node in graph.nodes]
    edges = [(u, i, "" if graph.nodes[i].op in SYMMETRIC else str(k)) for u, i, k in graph.edges]
    return refined(colours, edges)


def seen(svg: str) -> tuple[int, ...]:
    """The same of a drawing."""
    root = ET.fromstring(svg)
    boxes, colours = [], []
    for group in root.iter(f"{SVG}g"):
        kind = (group.get("class") or "").split()
        if kind[:1] == ["box"]:
            frame = group.find(f"{SVG}rect")
            boxes.append([float(frame.get(name)) for name in ("x", "y", "width", "height")])
            texts = [(text.get("class"), "".join(text.itertext())) for text in group.iter(f"{SVG}text")]
            colours.append((kind[1], tuple(texts)))

    def at(x: float, y: float) -> int:
        (found,) = [
            i for i, (left, top, w, h) in enumerate(boxes) if -0.6 < x - left < w + 0.6 and -0.6 < y - top < h + 0.6
        ]
        return found

    ends = []
    for path in root.iter(f"{SVG}path"):
        if path.get("class") == "edge":
            numbers = [float(number) for number in re.findall(r"-?[\d.]+", path.get("d"))]
            ends.append((at(*numbers[:2]), at(*numbers[-2:]), *numbers[-2:]))
    marks = [""] * len(ends)
    for text in root.iter(f"{SVG}text"):
        if text.get("class") == "mark":
            x, y = float(text.get("x")), float(text.get("y")) - 4.0
            box = at(x, y)
            here = [e for e, end in enumerate(ends) if end[1] == box]
            nearest = sorted(here, key=lambda e: abs(ends[e][2] - x) + abs(ends[e][3] - y))
            apart = [abs(ends[e][2] - x) + abs(ends[e][3] - y) for e in nearest]
            assert apart[0] < 16
            assert len(apart) == 1 or apart[1] > apart[0] + 5  # nobody could mistake whose mark it is
            assert not marks[nearest[0]]
            marks[nearest[0]] = text.text or ""
    return refined(colours, [(source, target, mark) for (source, target, *_), mark in zip(ends, marks)])


def drawn(graph: Graph, engine: str, direction: str = "LR", **options) -> tuple[int, ...]:
    return seen(render_svg(layout(graph, engine=engine, direction=direction, fold=False, **options)))


def applied(name: str, operands: list[Value]):
    if OPS[name].variadic:  # of those whose order matters, dot alone
        return gg.dot(operands[:2], operands[2:4], operands[4])
    return getattr(gg, name)(*operands)


ORDERED = [
    (name, 5 if op.variadic else len(op.names))
    for name, op in OPS.items()
    if name not in SYMMETRIC and len(op.names) > 1 and all(rule is not None for rule in op.slopes)
]


@pytest.mark.parametrize("engine", LAYOUTS)
@pytest.mark.parametrize("direction", ["LR", "TB"])
@pytest.mark.parametrize(("name", "count"), ORDERED, ids=[name for name, _ in ORDERED])
def test_swapped_operands_are_seen(name, count, direction, engine):
    leaves = [Value(1.5, label) for label in "pqrst"[:count]]
    straight = Graph(applied(name, leaves), {})
    for k in range(count - 1):
        swapped = Graph(applied(name, [*leaves[:k], leaves[k + 1], leaves[k], *leaves[k + 2 :]]), {})
        for slopes in (False, True):
            pair = [drawn(graph, engine, direction, slopes=slopes) for graph in (straight, swapped)]
            assert pair[0] != pair[1], k


@pytest.mark.parametrize("engine", LAYOUTS)
@pytest.mark.parametrize("direction", ["LR", "TB"])
def test_the_pairs_that_looked_alike(engine, direction):
    x, y = Value(2.0, "x"), Value(2.0, "y")
    one = Value(1.0, "x")
    pairs = [
        (1 - one.exp(), one.exp() - 1),
        (x**y, y**x),
        (x**2, 2**x),
        (x - y, y - x),
        ((x - y) - x, x - (y - x)),
        (x - x * y, x * y - x),
        (x.leaky_relu(2.0), gg.leaky_relu(x, 0.5)),
        (x.detach() * y, Value(2.0, "x") * y),
    ]
    for first, second in pairs:
        assert drawn(Graph(first, {}), engine, direction) != drawn(Graph(second, {}), engine, direction)
    assert drawn(Graph(x + y, {}), engine, direction) == drawn(Graph(y + x, {}), engine, direction)


def made(size: int, seed: int) -> list[Node]:
    """Nodes of a graph whose numbers are all 1."""
    rng = random.Random(seed)
    nodes = [Node(i, "", 1.0, None, "ab"[i], (), ()) for i in range(2)]
    nodes.append(Node(2, "const", 1.0, None, "", (), ()))
    while len(nodes) < size:
        op = rng.choice(["add", "sub", "mul", "div", "pow", "tanh", "neg", "where", "max"])
        if op not in OPS:
            continue
        inputs = tuple(rng.randrange(len(nodes)) for _ in OPS[op].names)
        nodes.append(Node(len(nodes), op, 1.0, None, "", inputs, (1.0,) * len(inputs)))
    return nodes


def reachable(nodes: list[Node]) -> Graph:
    """The part of it behind its last node."""
    wanted = {len(nodes) - 1}
    for node in reversed(nodes):
        if node.id in wanted:
            wanted.update(node.inputs)
    place = {old: new for new, old in enumerate(sorted(wanted))}
    kept = [nodes[old] for old in place]
    return Graph.of(node._replace(id=place[node.id], inputs=tuple(place[u] for u in node.inputs)) for node in kept)


def changed(nodes: list[Node], rng: random.Random) -> list[Node]:
    """The same graph with one node's operands in another order, from elsewhere, or of another op."""
    node = nodes[rng.randrange(3, len(nodes))]
    inputs = list(node.inputs)
    what = rng.choice(["order", "order", "rewire", "op"])
    if what == "order":
        rng.shuffle(inputs)
    elif what == "rewire":
        inputs[rng.randrange(len(inputs))] = rng.randrange(node.id)
    others = {1: ["tanh", "neg"], 2: ["sub", "div", "pow", "add", "mul", "max"]}.get(len(inputs), [node.op])
    op = rng.choice(others) if what == "op" else node.op
    return [*nodes[: node.id], node._replace(op=op, inputs=tuple(inputs)), *nodes[node.id + 1 :]]


def check_pair(size: int, seed: int, direction: str, engine: str) -> bool:
    nodes = made(size, seed)
    first, second = reachable(nodes), reachable(changed(nodes, random.Random(seed)))
    same = meant(first) == meant(second)
    assert (drawn(first, engine, direction) == drawn(second, engine, direction)) == same
    return same


@given(st.integers(4, 9), st.integers(0, 10**6), st.sampled_from(["LR", "TB"]))
@settings(max_examples=200, deadline=None)
def test_random_pairs(size, seed, direction):
    check_pair(size, seed, direction, "builtin")


@pytest.mark.dot
@NO_DOT
@pytest.mark.parametrize("direction", ["LR", "TB"])
def test_random_pairs_placed_by_dot(direction):
    results = [check_pair(4 + seed % 5, seed, direction, "dot") for seed in range(25)]
    assert set(results) == {True, False}  # both kinds of pairs came


def test_only_ops_whose_operands_must_not_be_swapped_are_marked():
    for name, op in OPS.items():
        count = 5 if op.variadic else len(op.names)
        marks = operand_marks(name, count)
        assert len(marks) == count
        assert any(marks) == (count > 1 and name not in SYMMETRIC), name
        assert len(set(marks)) == count or not any(marks), name


def test_marks_of_ops_that_are_not_in_the_table():
    assert operand_marks("-", 2) == ("", "−")
    assert operand_marks("+", 2) == ("", "")
    assert operand_marks("myop", 3) == ("1", "2", "3")
    assert operand_marks("myop", 1) == ("",)


def test_dot_text_has_a_field_for_every_operand_that_must_not_be_swapped():
    x = Value(1.0, "x")
    source = render_dot(layout(Graph(1 - x.exp(), {}), engine="builtin"))
    assert 'label="{ { <0> |<1> − } | −' in source
    assert [line.strip() for line in source.splitlines() if "->" in line] == ["n0 -> n1", "n2 -> n3:0", "n1 -> n3:1"]
    other = render_dot(layout(Graph(x.exp() - 1, {}), engine="builtin"))
    assert {line.strip() for line in other.splitlines() if "->" in line} == {"n0 -> n1", "n1 -> n3:0", "n2 -> n3:1"}


@pytest.mark.parametrize("engine", LAYOUTS)
def test_marks_do_not_overlap(engine):
    w, x = [Value(1.0) for _ in range(6)], [Value(1.0) for _ in range(6)]
    for direction, axis in (("LR", 1), ("TB", 0)):
        edges = layout(Graph(gg.dot(w, x, Value(0.0)), {}), engine=engine, direction=direction).edges
        places = sorted(edge.mark_at[axis] for edge in edges)
        assert all(b - a > 9 for a, b in pairwise(places))


def test_every_gradient_says_that_it_is_one(neuron):
    o = neuron()
    o.backward()
    root = ET.fromstring(render_svg(layout(Graph(o), engine="builtin")))
    grads = ["".join(text.itertext()) for text in root.iter(f"{SVG}text") if text.get("class") == "grad"]
    assert len(grads) == 10
    assert all(text.startswith("grad ") for text in grads)


def test_a_value_changed_since_is_drawn_as_it_was_used_and_said():
    x, y = Value(3.0, "x"), Value(2.0, "y")
    z = x * y
    x.data = 5.0
    drawing = gg.viz.draw(z, {}, layout="builtin")
    assert [box.value for box in drawing.boxes] == ["3", "2", "6"]
    assert "value 3.0 when it was used, now 5.0" in drawing.boxes[0].tooltip
    assert drawing.messages == ("drawn with the numbers that were used; changed since: x is now 5",)
    assert gg.viz.draw_paths(z, y, {}).messages[-1] == drawing.messages[0]


def test_folding_hides_no_order_of_an_op_that_is_drawn():
    net = gg.nn.MLP(2, [2, 2], seed=1, expand=True)
    for swap in (False, True):
        first, second = reversed(net([Value(1.0), Value(2.0)])) if swap else net([Value(1.0), Value(2.0)])
        result = (first - second) / 2.0
        edges = layout(Graph(result, {}), engine="builtin", fold=True).edges
        assert [edge.mark for edge in edges if edge.target.startswith("n")] == ["", "−", "", "/"]
