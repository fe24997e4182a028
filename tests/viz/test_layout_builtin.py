from __future__ import annotations

import shutil
import subprocess
import sys
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glassgrad import Graph, Value
from glassgrad.viz.model.diagram import flatten
from glassgrad.viz.place import dot as layout_dot
from glassgrad.viz.place.dot import DotError
from glassgrad.viz.place.layered import MAX_PIECES, _separated, layered
from glassgrad.viz.place.layout import layout


@pytest.mark.parametrize("name", ["neuron", "2-3-1", "2-16-16-1"])
@pytest.mark.parametrize(("direction", "slopes"), [("LR", False), ("TB", True)])
def test_boxes_apart_and_edges_clear_and_forward(issue_graphs, check_layout, name, direction, slopes):
    check_layout(layout(issue_graphs[name], fold=False, engine="builtin", direction=direction, slopes=slopes))


@given(st.integers(2, 70), st.integers(0, 10_000), st.sampled_from(["LR", "TB"]))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])  # fixtures are pure functions
def test_random_graphs(random_graph, check_layout, size, seed, direction):
    check_layout(layout(random_graph(size, seed), fold=False, engine="builtin", direction=direction))


@pytest.mark.parametrize(("name", "most"), [("neuron", 0), ("2-3-1", 4), ("2-16-16-1", 2700)])
def test_few_crossings(issue_graphs, crossings, name, most):
    assert crossings(layout(issue_graphs[name], fold=False, engine="builtin")) <= most


@pytest.mark.dot
@pytest.mark.skipif(shutil.which("dot") is None, reason="no dot program here")
@pytest.mark.parametrize("name", ["neuron", "2-3-1", "2-16-16-1"])
def test_no_more_crossings_than_dot(issue_graphs, crossings, name):
    graph = issue_graphs[name]
    ours, dots = (layout(graph, fold=False, engine=engine) for engine in ("builtin", "dot"))
    assert crossings(ours) <= crossings(dots)
    assert dots.engine == "dot"


def test_sizes_of_the_graphs_of_the_issue(issue_graphs):
    assert {name: len(graph.nodes) for name, graph in issue_graphs.items()} == {
        "neuron": 10,
        "2-3-1": 40,
        "2-16-16-1": 983,
    }


def test_both_edges_of_x_plus_x_are_visible():
    x = Value(3.0, "x")
    for engine in ("builtin", *(["dot"] if shutil.which("dot") else [])):
        for direction in ("LR", "TB"):
            first, second = layout(Graph(x + x), engine=engine, direction=direction).edges
            assert (first.id, second.id) == ("e1-0", "e1-1")
            assert abs(first.points[-1][0] - second.points[-1][0]) + abs(first.points[-1][1] - second.points[-1][1]) > 6


def test_a_repeated_operand_further_away_has_two_arrowheads():
    x = Value(3.0, "x")
    y = x.tanh().exp() * x
    z = Graph(y.sin() * x * x)
    ends = [edge.points[-1] for edge in layout(z, engine="builtin").edges]
    assert len(set(ends)) == len(ends)


def test_operands_of_a_fan_keep_their_order():
    a, b, c = (Value(float(i), n) for i, n in enumerate("abc"))
    drawing = layout(Graph((a - b) * c), engine="builtin")
    tops = {box.label: box.y for box in drawing.boxes if box.label}
    assert tops["a"] < tops["b"] < tops["c"]


def test_edges_are_level_across_columns_and_bend_in_the_gaps(issue_graphs):
    drawing = layout(issue_graphs["2-16-16-1"], fold=False, engine="builtin")
    spans = sorted((box.x, box.x + box.width) for box in drawing.boxes)
    columns: list[list[float]] = []
    for left, right in spans:
        if columns and left < columns[-1][1]:
            columns[-1][1] = max(columns[-1][1], right)
        else:
            columns.append([left, right])
    for edge in drawing.edges:
        for a, b in zip(edge.points, edge.points[1:]):
            if a[1] != b[1]:
                assert not any(left + 0.5 < (a[0] + b[0]) / 2 < right - 0.5 for left, right in columns)


@pytest.mark.parametrize("size", [3_000])
def test_a_sum_of_thousands_is_laid_out(size):
    total = Value(0.0)
    for i in range(size):
        total = total + Value(float(i))
    drawing = layout(Graph(total), fold=False, engine="builtin")
    assert len(drawing.boxes) == 2 * size + 1
    assert drawing.messages == ()


def test_985_boxes_take_no_time_and_10000_little(mlp, issue_graphs):
    """Bounds far above what is measured (benchmarks/drawing.py): they catch a quadratic step, not a slow machine."""
    start = time.process_time()
    layout(issue_graphs["2-16-16-1"], fold=False, engine="builtin")
    assert time.process_time() - start < 5.0
    start = time.process_time()
    layout(Graph(mlp([2, 55, 55, 1])), fold=False, engine="builtin")
    assert time.process_time() - start < 40.0


def test_too_many_boxes_say_what_to_do():
    total = Value(0.0)
    for _ in range(10_001):
        total = total + Value(1.0)
    with pytest.raises(ValueError, match=r"20,003 boxes cannot be read as a picture \(limit 20,000\)"):
        layout(Graph(total), engine="builtin", fold=False)


def test_too_many_long_edges_say_what_to_do():
    hubs = 350
    chain = hubs + 2000
    links = (
        [(hubs + i, hubs + i + 1) for i in range(1999)]
        + [(h, chain - 1) for h in range(hubs)]
        + [(h, hubs) for h in range(hubs)]
    )
    assert hubs * 1999 > MAX_PIECES
    with pytest.raises(ValueError, match="cannot be drawn readably"):
        layered([(10.0, 10.0)] * chain, links)


def test_bad_options_say_what_is_allowed():
    graph = Graph(Value(1.0))
    with pytest.raises(ValueError, match=r"unknown direction 'RL' \(must be one of LR, TB\)"):
        layout(graph, direction="RL")
    with pytest.raises(ValueError, match=r"unknown layout 'neato' \(must be one of auto, dot, builtin\)"):
        layout(graph, engine="neato")


@given(
    st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(0.1, 10.0), st.floats(1.0, 50.0)), min_size=1, max_size=12),
)
@settings(max_examples=60)
def test_separation_keeps_distances_and_is_least_squares(rows):
    wanted, weights = [row[0] for row in rows], [row[1] for row in rows]
    offsets = [sum(row[2] for row in rows[:i]) for i in range(len(rows))]
    found = _separated(wanted, weights, offsets)
    for i in range(len(rows) - 1):
        assert found[i + 1] - found[i] >= offsets[i + 1] - offsets[i] - 1e-6

    def cost(places):
        return sum(w * (p - q) ** 2 for w, p, q in zip(weights, places, wanted))

    mean = sum(w * (p - o) for w, p, o in zip(weights, wanted, offsets)) / sum(weights)
    assert cost(found) <= cost([mean + o for o in offsets]) + 1e-6


def test_same_picture_in_every_process(issue_graphs):
    code = (
        "from glassgrad import Graph, Value\nfrom glassgrad.viz.place.layout import layout\n"
        "from glassgrad.viz.render.svg import render_svg\n"
        "x = Value(2.0, 'x'); v = x\nfor i in range(12): v = (v * x).tanh() + v\n"
        "import hashlib; print(hashlib.sha256(render_svg(layout(Graph(v), engine='builtin')).encode()).hexdigest())"
    )
    prints = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PATH": ""},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(prints) == 1


def test_without_dot_auto_is_builtin_and_dot_says_so(neuron, monkeypatch):
    monkeypatch.setenv("PATH", "")
    graph = Graph(neuron())
    assert layout(graph).engine == "builtin"
    assert layout(graph).messages == ()
    with pytest.raises(DotError, match="install Graphviz"):
        layout(graph, engine="dot")


@pytest.mark.skipif(sys.platform == "win32", reason="makes a POSIX script")
def test_a_dot_that_fails_is_passed_over_and_said(neuron, monkeypatch, tmp_path):
    fake = tmp_path / "dot"
    fake.write_text("#!/bin/sh\necho broken >&2\nexit 3\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    drawing = layout(Graph(neuron()))
    assert drawing.engine == "builtin"
    assert drawing.messages == ("placed by the built-in layout: dot failed with status 3: broken",)
    monkeypatch.setattr(layout_dot, "SECONDS", 0.2)
    fake.write_text("#!/bin/sh\nexec /bin/sleep 5\n")
    assert "took more than 0.2 s" in layout(Graph(neuron())).messages[0]


@pytest.mark.dot
@pytest.mark.skipif(shutil.which("dot") is None, reason="no dot program here")
@pytest.mark.parametrize("direction", ["LR", "TB"])
def test_dot_places_the_same_boxes_and_edges(neuron, direction):
    graph = Graph(neuron())
    ours, dots = (layout(graph, engine=engine, direction=direction, slopes=True) for engine in ("builtin", "dot"))
    assert [box._replace(x=0, y=0) for box in ours.boxes] == [box._replace(x=0, y=0) for box in dots.boxes]
    assert [edge._replace(curve=(), slope_at=(0, 0), mark_at=(0, 0)) for edge in ours.edges] == [
        edge._replace(curve=(), slope_at=(0, 0), mark_at=(0, 0)) for edge in dots.edges
    ]
    axis = 0 if direction == "LR" else 1
    assert all(edge.points[-1][axis] > edge.points[0][axis] for edge in dots.edges)


def test_flatten_ends_where_the_curve_ends():
    curve = ((0.0, 0.0), (5.0, 0.0), (5.0, 9.0), (10.0, 9.0), (12.0, 9.0), (14.0, 9.0), (16.0, 9.0))
    points = flatten(curve)
    assert (points[0], points[-1], len(points)) == ((0.0, 0.0), (16.0, 9.0), 10)
