from __future__ import annotations

import math
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import glassgrad as gg
from glassgrad import Graph, Value, viz
from glassgrad.engine.errors import GraphError
from glassgrad.engine.rules.notation import short
from glassgrad.viz.cli.main import main
from glassgrad.viz.paths import count_paths, paths


def fork() -> tuple[Value, Value]:
    x = Value(3.0, "x")
    a = x * x
    a.label = "a"
    y = a * x + a
    y.label = "y"
    return x, y


def test_all_paths_and_their_sum(check_layout):
    x, y = fork()
    drawing = viz.draw_paths(y, x, {})
    check_layout(drawing)
    assert drawing.summary == "dy/dx = 33: the sum over 5 paths"
    assert drawing.messages == (
        "x → a → * → y: 3 × 3 × 1 = 9",
        "x → a → y: 3 × 1 = 3",
        "x → a → * → y: 3 × 3 × 1 = 9",
        "x → a → y: 3 × 1 = 3",
        "x → * → y: 9 × 1 = 9",
    )
    products = [box for box in drawing.boxes if box.kind == "fold"]
    assert [(box.label, box.value) for box in products] == [
        ("3 × 3 × 1", "9"),
        ("3 × 1", "3"),
        ("3 × 3 × 1", "9"),
        ("3 × 1", "3"),
        ("9 × 1", "9"),
    ]
    assert (drawing.boxes[-1].title, drawing.boxes[-1].value) == ("dy/dx = Σ", "33")
    assert {edge.target for edge in drawing.edges if edge.source == drawing.boxes[0].id} == {
        "p0n1",
        "p1n1",
        "p2n1",
        "p3n1",
        "p4n2",
    }


@given(st.lists(st.floats(-3, 3), min_size=1, max_size=40), st.booleans())
@settings(max_examples=150, deadline=None)
def test_products_shown_are_what_they_multiply_to(factors, tiny):
    v = x = Value(1.0, "x")
    for factor in factors:
        v = v * (factor * 1e-3 if tiny else factor)
    drawing = viz.draw_paths(v, x, {}, layout="builtin")
    product = next(box for box in drawing.boxes if box.kind == "fold" and box.id == "p0")
    assert product.label != "…" or len(drawing.messages[0]) > 60
    for text in (drawing.messages[0].partition(": ")[2], f"{product.label} = {product.value}"):
        if text.startswith("… ="):
            continue
        left, _, right = text.rpartition(" = ")
        left = re.sub(r"… \d+ more: (\S+) …", r"\1", left)
        factors_shown = [float(part.strip("() ").replace("−", "-")) for part in left.split("×")]
        assert short(math.prod(factors_shown)) == right


def test_the_former_name_still_works():
    assert viz.explain is viz.draw_paths


def test_golden_paths(golden):
    x, y = fork()
    golden("viz/paths.svg", viz.draw_paths(y, x, {}).svg)


@given(st.integers(4, 22), st.integers(0, 1000))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])  # a pure function
def test_products_of_all_paths_add_up_to_the_gradient(random_graph, size, seed):
    graph = random_graph(size, seed)
    steps = [arrived[-1][1] if arrived else 0.0 for arrived in gg.steps(graph).arrivals]
    for leaf in graph.leaves:
        count = count_paths(graph, leaf.id)
        if count < 3000:
            found = list(paths(graph, leaf.id))
            assert len(found) == count
            total = math.fsum(path.product for path in found)
            assert total == pytest.approx(steps[leaf.id], rel=1e-9, abs=1e-9)
            assert len({(path.nodes, path.positions) for path in found}) == count


def test_too_many_paths_say_what_is_left_out(check_layout):
    x = v = Value(1.0, "x")
    for _ in range(100):
        v = v + v
    v.label = "y"
    drawing = viz.draw_paths(v, x, {}, limit=3)
    check_layout(drawing)
    assert drawing.messages[-1].startswith(
        "3 of about 1.27 × 10^30 paths are drawn (limit=3); the others add up to 1.268e+30."
    )
    assert "→ … →" in drawing.messages[0]
    assert drawing.boxes[-1].note == "and about 1.27 × 10^30 more paths"
    assert [box.note for box in drawing.boxes if box.label == "…"] == ["91 nodes"] * 3
    assert sum(len(box.nodes) for box in drawing.boxes if box.id.startswith("p0n")) == 100


def test_count_beyond_every_float():
    x = v = Value(0.0, "x")
    for _ in range(1100):
        v = v + v
    assert count_paths(Graph(v), 0) == 2**1100
    assert "more than 10^300" in viz.draw_paths(v, x, {}, limit=1).messages[-1].partition(" paths")[0]


def test_a_chain_of_thirty_thousand_nodes():
    x = v = Value(0.5, "x")
    for _ in range(30_000):
        v = -v
    drawing = viz.draw_paths(v, x, {})
    assert drawing.summary.endswith("= 1: 1 path")
    assert len(drawing.boxes) == 1 + 4 + 1 + 5 + 2


def test_one_path_the_variable_itself_and_none():
    x = Value(2.0, "x")
    assert viz.draw_paths(x.tanh(), "x", {}).summary.endswith("1 path")
    assert viz.draw_paths(x, x, {}).messages == ("x: 1 = 1",)
    with pytest.raises(ValueError, match="does not depend on it"):
        viz.draw_paths(x.tanh(), Value(1.0, "z"), {})
    with pytest.raises(GraphError, match="no nodes are called 'z'"):
        viz.draw_paths(x.tanh(), "z", {})
    with pytest.raises(ValueError, match="limit=0: must be at least 1"):
        viz.draw_paths(x.tanh(), x, {}, limit=0)
    with pytest.raises(TypeError, match="takes the label"):
        viz.draw_paths(Graph(x.tanh()), x)


def test_no_path_through_a_constant():
    x = Value(2.0, "x")
    y = x**2
    graph = Graph(y)
    constant = next(node for node in graph.nodes if node.op == "const")
    with pytest.raises(ValueError, match="there is no path"):
        viz.draw_paths(graph, f"{constant.name}")


# -- the command --------------------------------------------------------------------------------------------


def test_command_draws_to_a_file(tmp_path, capsys):
    path = tmp_path / "neuron.svg"
    assert (
        main(
            ["draw", "n = x*w + b; tanh(n)", "x=2", "w=-3", "b=6.5", "-o", str(path), "--slopes", "--layout", "builtin"]
        )
        == 0
    )
    out = capsys.readouterr().out
    assert out.startswith(f"wrote {path}: graph of ")
    svg = path.read_text(encoding="utf-8")
    assert ">n = +<" in svg
    assert '-slope"' in svg


def test_command_prints_svg_without_a_file(capsys):
    assert main(["draw", "x*x", "x=3", "--no-gradients"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("<svg")
    assert out.endswith("</svg>\n")
    assert "gradients not computed" in out
    assert '-grad"' not in out


def test_command_explains(tmp_path, capsys):
    assert main(["draw", "a = x*x; a + x", "x=3", "--explain", "x", "-o", str(tmp_path / "p.html")]) == 0
    wrote, *paths = capsys.readouterr().out.splitlines()
    assert wrote.endswith("= 7: the sum over 3 paths")
    assert paths == ["x → a → v2: 3 × 1 = 3", "x → a → v2: 3 × 1 = 3", "x → v2: 1 = 1"]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["x*x", "x=3", "-o", "g.gif"], "unknown ending '.gif' (must be one of .svg"),
        (["x*x", "x=3", "-o", "no/such/folder/g.svg"], "cannot write"),
        (["x*x", "x=3", "--explain", "q"], "no nodes are called 'q'"),
        (["x*x", "x=3", "--explain", "x", "--limit", "0"], "limit=0"),
        (["x*(", "x=3"], ""),
    ],
)
def test_command_errors_are_one_line_and_status_2(words, error, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["draw", *words]) == 2
    out, err = capsys.readouterr()
    assert err.startswith("glassgrad: error: ")
    assert error in err
    assert "Traceback" not in err
    assert out == ""


def test_a_product_whose_middle_would_overflow_is_written_out():
    x = v = gg.Value(1.0, "x")
    for slope in [1e-60] * 5 + [1e60] * 6 + [1e-60] * 5:
        v = v * slope
    (message,) = gg.viz.draw_paths(v, x, names={}).messages
    factors, product = message.rpartition(": ")[2].split(" = ")
    assert "inf" not in message
    assert len(factors.split(" × ")) == 16
    assert product == "1e−240"


def test_the_number_of_slopes_that_are_left_out_is_exact():
    x = v = gg.Value(1.0, "x")
    for _ in range(12_357):
        v = v * 1.0
    (message,) = gg.viz.draw_paths(v, x, names={}).messages
    assert "… 12347 more: 1 …" in message
