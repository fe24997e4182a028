from __future__ import annotations

import base64
import io
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace

import graphviz
import pytest

from glassgrad import Graph, Value, nn, record_source, viz
from glassgrad.engine.rules.notation import short
from glassgrad.viz import Drawing
from glassgrad.viz import variables as names_module
from glassgrad.viz.model.diagram import Diagram
from glassgrad.viz.model.theme import DARK, LIGHT
from glassgrad.viz.place.layout import layout
from glassgrad.viz.render.dot import render_dot
from glassgrad.viz.render.svg import own_prefix, render_svg

SVG = "{http://www.w3.org/2000/svg}"


def box_of(drawing, node):
    """The box that shows a node: its own, or the one it is folded into."""
    return next(box for box in drawing.boxes if node in box.nodes)


@pytest.mark.parametrize("direction", ["LR", "TB"])
def test_golden_neuron(neuron, golden, direction):
    o = neuron()
    o.backward()
    golden(f"viz/neuron-{direction}.svg", viz.draw(o, {}, direction=direction, slopes=True, layout="builtin").svg)


def test_golden_mlp(mlp, golden):
    loss = mlp([2, 3, 1])
    golden("viz/mlp-2-3-1.svg", viz.draw(loss, {}, layout="builtin").svg)


def test_golden_dot(neuron, golden):
    o = neuron()
    o.backward()
    golden("viz/neuron.dot", render_dot(viz.draw(o, {}, layout="builtin")))
    golden("viz/neuron-micrograd.dot", viz.draw_dot(o).source)


def test_ids_that_a_page_can_address(neuron):
    o = neuron()
    drawing = viz.draw(o, {}, layout="builtin", slopes=True)
    root = ET.fromstring(render_svg(drawing, prefix="p-", interactive=True))
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(set(ids)) == len(ids)
    assert all(i.startswith("p-") for i in ids)
    graph = Graph(o)
    for node in graph.nodes:
        assert {f"p-n{node.id}", f"p-n{node.id}-value", f"p-n{node.id}-grad"} <= set(ids)
    for _, node_id, position in graph.edges:
        assert {f"p-e{node_id}-{position}", f"p-e{node_id}-{position}-slope"} <= set(ids)
    assert {"p-forward", "p-backward"} <= set(ids)
    classes = {name for element in root.iter() for name in (element.get("class") or "").split()}
    assert classes >= {"box", "leaf", "op", "edge", "title", "value", "grad", "key", "slope", "arrow", "rule", "frame"}
    assert not any(
        element.get("stroke", "none") != "none" or element.get("fill", "none") != "none" for element in root.iter()
    )


def test_the_svg_alone_has_its_colours_and_no_style(neuron):
    o = neuron()
    o.backward()
    light, dark = (render_svg(viz.draw(o, {}, layout="builtin"), dark=dark) for dark in (False, True))
    assert LIGHT.forward in light
    assert DARK.forward in dark
    assert DARK.backward in dark
    for svg in (light, dark):
        assert "<style" not in svg
        assert " style=" not in svg
    assert "currentColor" in render_svg(viz.draw(o, {}), dark="auto")


def test_values_and_gradients():
    x, y = Value(2.0, "x"), Value(-3.0, "y")
    z = x * y + 1
    before = viz.draw(z, {}, layout="builtin").boxes
    assert [(b.kind, b.title, b.value, b.grad) for b in before] == [
        ("leaf", "x", "2", ""),
        ("leaf", "y", "−3", ""),
        ("op", "*", "−6", ""),
        ("const", "", "1", ""),
        ("op", "+", "−5", ""),
    ]
    z.backward()
    assert [b.grad for b in viz.draw(z, {}, layout="builtin").boxes] == ["−3", "2", "1", "", "1"]
    bare = viz.draw(z, {}, layout="builtin", values=False, gradients=False)
    assert [(b.title, b.value, b.grad) for b in bare.boxes] == [
        ("x", "", ""),
        ("y", "", ""),
        ("*", "", ""),
        ("", "1", ""),
        ("+", "", ""),
    ]
    assert bare.height < viz.draw(z, {}, layout="builtin").height


def test_a_gradient_of_zero_is_not_a_blank_one():
    x, y = Value(2.0, "x"), Value(0.0, "y")
    z = x * y
    z.backward()
    assert box_of(viz.draw(z, {}), 0).grad == "0"


def test_slopes_are_written_on_edges():
    x, y = Value(2.0, "x"), Value(-3.0, "y")
    z = (x * y) ** 2
    drawing = viz.draw(z, {}, slopes=True, layout="builtin")
    assert [(e.id, e.slope) for e in drawing.edges] == [("e2-0", "−3"), ("e2-1", "2"), ("e4-0", "−12"), ("e4-1", "")]
    boxes = {box.id: box for box in drawing.boxes}
    for edge in drawing.edges:
        target = boxes[edge.target]
        assert not edge.slope or edge.slope_at[0] < target.x


def test_names_of_the_callers_variables():
    weights = [Value(1.0), Value(2.0)]
    bias, given = Value(0.5), Value(3.0, "kept")
    hidden = weights[0] * given + weights[1] * bias
    _private = hidden
    result = hidden.tanh()
    titles = {box.label for box in viz.draw(result).boxes}
    assert titles == {"weights[0]", "weights[1]", "bias", "kept", "", "hidden", "result"}
    assert {box.label for box in viz.draw(result, names=locals()).boxes} == titles
    assert {box.label for box in viz.draw(result, names={}).boxes} == {"kept", ""}
    assert {box.label for box in viz.draw(result, names={"r": result}).boxes} == {"kept", "r", ""}


def test_first_name_counts_and_strange_containers_are_passed_over():
    v, w = Value(1.0), Value(2.0)
    loop: list[object] = [v]
    loop.append(loop)
    found = names_module.variable_names(
        {"a": v, "b": v, "_c": w, "d": {"k": w, 3.5: v, (1,): v}, "loop": loop, "n": None}
    )
    assert found == {"a": v, "d['k']": w}


def test_a_value_that_is_none_is_refused():
    with pytest.raises(TypeError, match="draw takes a Value"):
        viz.draw(3.0)
    with pytest.raises(TypeError, match="draw takes a Value"):
        viz.draw_paths("x", "x")
    with pytest.raises(TypeError, match="a Graph has its labels"):
        viz.draw(Graph(Value(1.0)), {"x": Value(1.0)})


def test_graph_from_json_draws_the_same(neuron):
    graph = Graph(neuron())
    assert viz.draw(Graph.from_json(graph.to_json())) == viz.draw(graph)


def test_two_drawings_on_a_page_do_not_share_ids(neuron):
    a, b = viz.draw(neuron(), {}), viz.draw(neuron() * 2, {})
    assert own_prefix(a) != own_prefix(b)
    assert own_prefix(a) == own_prefix(viz.draw(neuron(), {}))
    assert re.findall(r"url\(#([^)]*)\)", a.svg)[0] == own_prefix(a) + "forward"


def test_mimebundle(neuron):
    drawing = viz.draw(neuron(), {})
    bundle = drawing._repr_mimebundle_()
    assert set(bundle) == {"text/html", "image/svg+xml", "text/plain"}
    source = re.search(r'src="data:image/svg\+xml;base64,([^"]*)"', bundle["text/html"])
    assert base64.b64decode(source[1]).decode() == bundle["image/svg+xml"] == drawing.svg
    assert bundle["text/plain"] == "graph of o = 0.7071: 10 nodes, 9 edges, 5 leaves, gradients not computed"
    assert str(drawing) == drawing.summary


@pytest.mark.parametrize("ending", ["svg", "html", "pdf", "dot", "png", "SVG"])
def test_save(neuron, tmp_path, ending):
    if ending in ("png", "pdf"):
        pytest.importorskip("resvg_py" if ending == "png" else "typst")
    path = viz.draw(neuron(), {}).save(tmp_path / f"g.{ending}")
    start = {"svg": b"<svg", "html": b"<!DOCTYPE html>", "pdf": b"%PDF-1.7", "dot": b"digraph", "png": b"\x89PNG"}[
        ending.lower()
    ]
    assert path.read_bytes().startswith(start)
    assert viz.draw(neuron(), {}).save(str(path)).read_bytes() == path.read_bytes()


def test_save_to_an_unknown_ending(neuron, tmp_path):
    with pytest.raises(
        ValueError, match=r"unknown ending '\.gif' \(must be one of \.svg, \.html, \.pdf, \.png, \.dot\)"
    ):
        viz.draw(neuron(), {}).save(tmp_path / "g.gif")
    with pytest.raises(ValueError, match="unknown ending ''"):
        viz.draw(neuron(), {}).save(tmp_path / "g")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("ending", "library"), [("png", "resvg_py"), ("pdf", "typst")])
def test_without_its_extra_a_format_says_what_to_install(neuron, tmp_path, monkeypatch, ending, library):
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, f"glassgrad.viz.render.{ending}", raising=False)
    with pytest.raises(ImportError, match=rf'pip install "glassgrad\[{ending}\]"'):
        viz.draw(neuron(), {}).save(tmp_path / f"g.{ending}")
    assert list(tmp_path.iterdir()) == []


def test_png_shows_every_box_in_its_place(neuron):
    pytest.importorskip("resvg_py")
    image_module = pytest.importorskip("PIL.Image")
    from glassgrad.viz.render.png import render_png

    diagram = layout(Graph(neuron()), engine="builtin")
    for dark, theme in ((False, LIGHT), (True, DARK)):
        image = image_module.open(io.BytesIO(render_png(diagram, scale=1.0, dark=dark))).convert("RGB")
        assert abs(image.size[0] - diagram.width) <= 1
        assert abs(image.size[1] - diagram.height) <= 1
        for box in diagram.boxes:
            spot = image.getpixel((round(box.x + 4), round(box.y + 28)))
            wanted = tuple(int(theme.of(box.kind).fill[i : i + 2], 16) for i in (1, 3, 5))
            assert max(abs(a - b) for a, b in zip(spot, wanted)) < 12


def test_png_of_a_large_drawing_is_reduced_and_says_so(mlp, monkeypatch):
    pytest.importorskip("resvg_py")
    from glassgrad.viz.render import png

    monkeypatch.setattr(png, "MOST_PIXELS", 1_000_000)
    diagram = layout(Graph(mlp([2, 3, 1])), engine="builtin")
    wide = replace(diagram, width=1_000.0, height=640.0)
    with pytest.warns(UserWarning, match=r"painted at scale 1\.25 instead of 2"):
        painted = png.render_png(wide)
    assert painted[16:24] == (1250).to_bytes(4, "big") + (800).to_bytes(4, "big")
    with pytest.raises(ValueError, match=r"too large for PNG: save it as \.svg or \.pdf"):
        png.render_png(replace(diagram, width=7_000.0, height=5_000.0))


def test_png_without_any_font_says_that_it_has_no_text(neuron, monkeypatch):
    pytest.importorskip("resvg_py")
    from glassgrad.viz.render import png

    painted = png.svg_to_bytes
    monkeypatch.setattr(png, "svg_to_bytes", lambda **options: painted(**options, skip_system_fonts=True))
    with pytest.warns(UserWarning, match="this machine has no font, so the picture has no text: install one"):
        png.render_png(layout(Graph(neuron()), engine="builtin"))


def test_drawing_a_value_as_svg_needs_the_standard_library_alone():
    code = (
        "import sys\n"
        "for name in ('numpy', 'rich', 'graphviz', 'PIL', 'resvg_py', 'typst', 'matplotlib'):\n"
        "    sys.modules[name] = None\n"
        "import glassgrad as gg\n"
        "x = gg.Value(3.0)\ny = 1 - x * x\ny.backward()\nd = gg.viz.draw(y, slopes=True)\n"
        "assert d.svg.startswith('<svg') and d._repr_mimebundle_()['text/html']\n"
        "assert gg.viz.draw_paths(y, x).svg.endswith('</svg>\\n')\nprint(d)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("graph of y = −8: 4 nodes")


def test_a_drawing_is_a_diagram_that_shows_itself(neuron):
    diagram = layout(Graph(neuron()), engine="builtin")
    drawing = viz.draw(neuron(), {}, layout="builtin")
    assert isinstance(drawing, Diagram)
    assert not hasattr(diagram, "save")
    assert drawing == Drawing.of(diagram)
    assert drawing.svg == render_svg(diagram)


def test_drawing_is_data(neuron):
    drawing = viz.draw(neuron(), {})
    assert isinstance(drawing, Drawing)
    with pytest.raises(AttributeError):
        drawing.width = 3
    assert box_of(drawing, 9).label == "o"


def test_draw_dot_and_trace_as_in_micrograds_notebook():
    x = Value(2.0, "x")
    y = x * x + 1
    nodes, edges = viz.trace(y)
    assert len(nodes) == 4
    assert edges == {(x, y.inputs[0]), (y.inputs[0], y), (y.inputs[1], y)}
    dot = viz.draw_dot(y, format="png", rankdir="TB")
    assert isinstance(dot, graphviz.Digraph)
    assert dot.format == "png"
    assert dot.source.count("n0 -> n1op") == 2
    with pytest.raises(ValueError, match=r"unknown rankdir 'XY' \(must be one of LR, TB\)"):
        viz.draw_dot(y, rankdir="XY")
    with pytest.raises(ValueError, match="unknown format"):
        viz.draw_dot(y, format="nope")


def test_draw_dot_without_dot_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "")
    dot = viz.draw_dot(Value(1.0) + Value(2.0))
    for show in (dot._repr_mimebundle_, dot.pipe, lambda: dot.render(tmp_path / "x")):
        with pytest.raises(
            graphviz.ExecutableNotFound,
            match=r"install it \(apt install graphviz.*viz\.draw\(root\), which needs no dot",
        ):
            show()


# -- folding ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def network():
    net = nn.MLP(2, [16, 16, 1], activation="tanh", seed=1, expand=True)
    loss = (net([Value(0.5, "a"), Value(-1.0, "b")]) - 1.0) ** 2
    loss.backward()
    return loss


def counted(drawing: Diagram) -> list[int]:
    return sorted(node for box in drawing.boxes for node in box.nodes)


@pytest.mark.parametrize(
    ("options", "boxes", "said"),
    [
        ({}, 39, "more than 150 boxes, so folded: 32 Neuron, 1 Layer ("),
        ({"fold": True}, 7, "folded: 1 MLP ("),
        ({"fold": False}, None, None),
        ({"fold": ["Neuron"]}, 39, "folded: 33 Neuron ("),
        ({"fold": ["layers[0]", "layers[1]"]}, 57, "folded: 2 Layer ("),
        ({"unfold": ["layers[0].neurons[3]"]}, 46, "more than 150 boxes, so folded: 31 Neuron, 1 Layer ("),
        ({"fold": True, "unfold": ["layers[1]"]}, 24, "folded: 1 Layer, 17 Neuron ("),
    ],
)
def test_folding(network, check_layout, options, boxes, said):
    graph = Graph(network)
    drawing = layout(graph, engine="builtin", **options)
    assert counted(drawing) == list(range(len(graph.nodes)))
    assert len(drawing.boxes) == (boxes or len(graph.nodes))
    assert [message.startswith(said) for message in drawing.messages] == ([True] if said else [])
    check_layout(drawing)
    shown = {pair for edge in drawing.edges for pair in edge.stands_for}
    inside = {(i, k) for u, i, k in graph.edges if box_of(drawing, u) is box_of(drawing, i)}
    assert shown | inside == {(i, k) for _, i, k in graph.edges}
    assert not shown & inside


def test_a_folded_box_shows_its_output(network):
    graph = Graph(network)
    drawing = layout(graph, engine="builtin", fold=True)
    box = next(box for box in drawing.boxes if box.kind == "fold")
    node = graph.nodes[graph.groups[0].outputs[0]]
    assert (box.title, box.value, box.grad) == ("MLP", f"{node.data:.4g}", f"{node.grad:.4g}")
    assert "nodes" in box.note
    assert repr(node.data) in box.tooltip


def test_unfolding_opens_every_call_around_the_one_that_is_named(network):
    """The layer between the network and its neuron opens, too, where both ends are named."""
    graph = Graph(network)
    neuron = layout(graph, engine="builtin", fold=True, unfold=["layers[0].neurons[3]"])
    both = layout(graph, engine="builtin", fold=True, unfold=["MLP", "layers[0].neurons[3]"])
    assert [box.id for box in both.boxes] == [box.id for box in neuron.boxes]
    assert "layers[0]" not in {box.label for box in both.boxes}


def test_an_edge_that_stands_for_several_has_no_slope(network):
    graph = Graph(network)
    drawing = layout(graph, engine="builtin", fold=True, slopes=True)
    several = [edge for edge in drawing.edges if len(edge.stands_for) > 1]
    assert several
    assert {edge.slope for edge in several} == {""}
    single = [edge for edge in drawing.edges if len(edge.stands_for) == 1]
    slopes = [graph.nodes[edge.node].slopes[edge.position] for edge in single]
    assert [edge.slope for edge in single] == ["" if slope is None else short(slope) for slope in slopes]
    assert any(edge.slope for edge in single)


def test_the_tooltip_names_the_file_and_no_folder():
    with record_source() as sources:
        x = Value(3.0, "x")
        y = x * x
    line = sources[y].line
    assert "/" in sources[y].file or "\\" in sources[y].file
    box = layout(Graph(y, sources=sources), engine="builtin").boxes[-1]
    assert box.tooltip.split("\n")[-1] == f"test_draw.py, line {line}"


def test_unfolded_by_name_shows_its_nodes(network):
    drawing = layout(Graph(network), engine="builtin", unfold=["layers[0].neurons[3]"])
    graph = Graph(network)
    group = next(g for g in graph.groups if g.name == "layers[0].neurons[3]")
    assert all(box_of(drawing, node).nodes == (node,) for node in group.nodes)


def test_parameters_of_several_calls_get_their_own_box(check_layout):
    net = nn.MLP(2, [4, 1], seed=2, expand=True)
    total = sum((net([0.1 * i, 1.0]) for i in range(12)), Value(0.0))
    drawing = viz.draw(total, {}, layout="builtin")
    check_layout(drawing)
    shared = box_of(drawing, Graph(total).find("layers[0].neurons[0].b").id)
    assert (shared.id, shared.label, shared.note) == ("shared", "shared parameters", "17 nodes")
    assert "shared parameters" in drawing.messages[0]
    assert counted(drawing) == list(range(len(Graph(total).nodes)))


def test_a_network_applied_to_its_own_result_folds_without_a_cycle(check_layout):
    net = nn.MLP(1, [3, 1], seed=3, expand=True)
    y = net([net([Value(0.5)])])
    for fold in (True, ["Neuron"], "auto"):
        check_layout(viz.draw(y, {}, fold=fold, layout="builtin"))


def test_calls_that_would_make_a_cycle_are_opened(check_layout):
    from glassgrad.engine.story.scope import Call, mark_call

    x = Value(1.0, "x")
    h = x.tanh()
    u = h.exp()
    y = u * h
    mark_call([y], Call("odd", "Odd", (u,)))  # h is inside, yet u outside needs it
    drawing = viz.draw(y, {}, fold=True, layout="builtin")
    check_layout(drawing)
    assert counted(drawing) == [0, 1, 2, 3]


def test_a_large_graph_without_calls_is_drawn_as_runs(check_layout):
    x = Value(0.5, "x")
    v = x * 1.0
    for i in range(2500):  # x is used everywhere: in full its edges would be quadratically long
        v = v * x if i % 2 else v + x
    v.backward()
    graph = Graph(v, {})
    drawing = layout(graph, engine="builtin")
    check_layout(drawing)
    assert counted(drawing) == list(range(2503))
    assert [len(box.nodes) for box in drawing.boxes] == [63] * 39 + [46]
    assert drawing.messages[0].startswith(
        "more than 1,000 nodes and no module calls to fold, so folded: runs of 63 nodes"
    )
    last = drawing.boxes[-1]
    assert (last.id, last.label, last.value) == ("r2457", "v2457 … v2502", short(v.data))
    assert drawing.boxes[0].note == "63 nodes, 2 outputs"
    with pytest.raises(ValueError, match='fold="auto" folds'):
        layout(graph, engine="builtin", fold=False)


def test_a_middling_graph_without_calls_is_drawn_in_full():
    v = Value(0.5)
    for _ in range(200):
        v = v + 1
    drawing = layout(Graph(v, {}), engine="builtin")
    assert len(drawing.boxes) == 401
    assert drawing.messages == ("all 401 nodes are drawn: the graph has no module calls to fold",)


def test_folding_names_that_do_not_exist(network):
    with pytest.raises(
        ValueError, match=r"unfold: no call is named 'layers\[9\]' \(there are: MLP, Layer, layers\[1\]"
    ):
        viz.draw(network, {}, unfold=["layers[9]"])
    with pytest.raises(ValueError, match="the graph was made without modules"):
        viz.draw(Value(1.0), {}, fold=["Neuron"])
    with pytest.raises(ValueError, match='give "auto", True, False, or a list'):
        viz.draw(network, {}, fold="neurons")
