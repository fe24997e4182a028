"""`viz.step`: what it runs, how it names what came out, which lines it finds."""

import builtins
import sys
from pathlib import Path

import pytest

import glassgrad as gg
from glassgrad.engine.rules.notation import short
from glassgrad.viz.walk.source_pane import source_pane

WEIGHT = gg.Value(0.5)


def neuron(x1, x2, w1, w2, b):
    n = x1 * w1 + x2 * w2 + b
    return n.tanh()


def again(x, k=2.0, times=3):
    a = x * k
    for _ in range(times):
        a = a + x
    x = a * WEIGHT
    return x.exp()


def layered(xs, w):
    hs = [helper(x, w) for x in xs]
    return sum(hs)


def helper(x, w):
    inner = x * w
    return inner.relu()


def labels(stepper):
    return [node.label for node in stepper.graph.nodes]


def line_of(stepper, name):
    place = stepper.source.places[stepper.graph.find(name).id]
    return stepper.source.excerpts[place.excerpt].lines[place.line].strip()


def test_gradients_are_those_of_backward():
    inputs = {"x1": 2.0, "x2": 0.0, "w1": -3.0, "w2": 1.0, "b": 6.88}
    values = {name: gg.Value(x) for name, x in inputs.items()}
    neuron(**values).backward()
    stepper = gg.viz.step(neuron, **inputs)
    assert {name: stepper.graph.find(name).grad for name in inputs} == {name: v.grad for name, v in values.items()}
    assert stepper.graph.root.grad == 1.0
    assert len(stepper) == len(stepper.steps) == 10 + 1 + 9


def test_names_come_from_the_variables():
    stepper = gg.viz.step(neuron, x1=2, x2=0, w1=-3, w2=1, b=6.88)
    assert labels(stepper) == ["x1", "w1", "", "x2", "w2", "", "", "b", "n", "neuron"]
    assert stepper.title == "neuron(x1, x2, w1, w2, b)"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="columns are known from Python 3.11 on")
def test_a_variable_assigned_again_is_numbered():
    stepper = gg.viz.step(again, x=1.5)
    assert labels(stepper) == ["x", "k", "a₁", "a₂", "a₃", "a₄", "WEIGHT", "x₁", "again"]


def test_defaults_that_are_floats_become_inputs_and_whole_numbers_stay():
    assert gg.viz.step(again, x=1.5).graph.find("k").data == 2.0
    assert len(gg.viz.step(again, x=1.5).graph) == 9


def test_lists_of_numbers_and_helpers():
    stepper = gg.viz.step(layered, xs=[1.0, -2.0], w=0.5)
    assert stepper.graph.find("xs[1]").data == -2.0
    assert [node.label for node in stepper.graph.nodes if node.op == "relu"] == ["hs[0]", "hs[1]"]
    assert line_of(stepper, "hs[1]") == "return inner.relu()"
    assert [excerpt.title.rpartition(" · ")[2] for excerpt in stepper.source.excerpts] == ["layered", "helper"]


def test_what_a_library_call_makes_inside_is_not_named_after_its_result():
    model = gg.nn.MLP(1, [2, 1], seed=1)

    def loss(x):
        y = model([x])
        terms = sum(v * v for v in [y, x, y])
        return gg.nn.half_squared_error([terms], [1.0])

    stepper = gg.viz.step(loss, x=0.5)
    named = [node.label for node in stepper.graph.nodes if node.label and not node.label.startswith("layers")]
    assert named == ["x", "y", "terms", "loss"]


def test_values_are_passed_on_with_their_own_labels():
    w = gg.Value(0.25, "weight")
    stepper = gg.viz.step(helper, x=2.0, w=w)
    assert labels(stepper)[:2] == ["x", "weight"]
    assert not w.has_grad  # walking touches nothing


def test_lines_and_columns():
    stepper = gg.viz.step(neuron, x1=2.0, x2=0.0, w1=-3.0, w2=1.0, b=6.88)
    pane = stepper.source
    excerpt = pane.excerpts[0]
    assert not pane.derived
    assert excerpt.title == "test_step_function.py · neuron"
    assert excerpt.first == neuron.__code__.co_firstlineno
    assert excerpt.lines[0] == "def neuron(x1, x2, w1, w2, b):"
    assert line_of(stepper, "n") == "n = x1 * w1 + x2 * w2 + b"

    def marked(node):
        place = pane.places[node]
        return excerpt.lines[place.line][place.start : place.end]

    assert marked(0) == "x1"
    if sys.version_info >= (3, 11):
        assert marked(2) == "x1 * w1"
        assert marked(8) == "x1 * w1 + x2 * w2 + b"
        assert marked(9) == "n.tanh()"


def test_a_lambda_and_a_callable_object():
    assert gg.viz.step(lambda x: x * x, x=3.0).graph.root.grad == 1.0

    class Model:
        def __call__(self, x):
            return (x * WEIGHT).sigmoid()

    stepper = gg.viz.step(Model(), x=2.0)
    assert stepper.title == "Model(x)"
    assert stepper.graph.find("x").data == 2.0


def test_an_expression():
    stepper = gg.viz.step("n = x*w + b;  o = tanh(n)", x=2, w=-3, b=6.5)
    pane = stepper.source
    assert pane.derived
    assert pane.excerpts[0].lines == ("n = x*w + b;", "o = tanh(n)")
    place = pane.places[stepper.graph.find("n").id]
    assert pane.excerpts[0].lines[place.line][place.start : place.end] == "x*w + b"
    place = pane.places[stepper.graph.find("o").id]
    assert pane.excerpts[0].lines[place.line][place.start : place.end] == "tanh(n)"


def test_a_result_takes_names_from_the_caller():
    x, w = gg.Value(2.0), gg.Value(3.0)
    result = x * w
    assert labels(gg.viz.step(result)) == ["x", "w", "result"]
    assert labels(gg.viz.step(result, names={"p": x})) == ["p", "", ""]
    with gg.record_source() as sources:
        other = x + w
    assert gg.viz.step(other, sources=sources).source.excerpts[0].lines[-1].strip() != ""
    assert gg.viz.step(gg.Graph(result)).graph.root.data == 6.0


def test_a_graph_without_source_shows_its_expression():
    x, w, b = gg.Value(2.0, "x"), gg.Value(3.0, "w"), gg.Value(-1.0, "b")
    n = x * w - (b - 2)
    n.label = "n"
    shared = gg.max(n, 0.0)
    root = gg.dot([w, shared], [x, 1.0], b) / (-shared) ** 3
    pane = source_pane(gg.Graph(root))
    assert pane.derived
    assert pane.excerpts[0].lines == (
        "n = x·w − (b − 2)",
        "v8 = max(n, 0)",
        "v14 = dot([w, v8], [x, 1], b) / (−v8) ** 3",
    )
    assert sorted(pane.places) == list(range(len(gg.Graph(root))))
    whole = pane.places[gg.Graph(root).root.id]
    assert pane.excerpts[0].lines[whole.line][whole.start : whole.end] == "dot([w, v8], [x, 1], b) / (−v8) ** 3"


def test_derived_lines_stay_short_on_a_long_chain():
    x = gg.Value(1.0, "x")
    y = x
    for _ in range(3000):
        y = y * 0.999 + x
    lines = source_pane(gg.Graph(y)).excerpts[0].lines
    assert max(map(len, lines)) < 120
    assert len(lines) > 100


@pytest.mark.parametrize(
    ("target", "inputs", "message"),
    [
        (neuron, {"x1": 1.0}, "neuron takes x1=NUMBER, x2=NUMBER"),
        (neuron, {"y": 1.0}, "neuron takes"),
        (lambda x: 3.0, {"x": 1.0}, "must return the result as one Value, but returned float 3.0"),
        (lambda x: [x], {"x": 1.0}, "must return the result as one Value, but returned list"),
        (3.0, {}, "takes a function, an expression as text, a Value or a Graph, got float 3.0"),
        ("x*y", {"x": 1.0, "y": "2"}, "y"),
    ],
)
def test_mistakes_say_what_to_do(target, inputs, message):
    with pytest.raises(TypeError, match=message):
        gg.viz.step(target, **inputs)


def test_an_error_inside_the_function_is_the_function_s_own():
    before = sys.getprofile()
    with pytest.raises(ZeroDivisionError):
        gg.viz.step(lambda x: x * (1 // 0), x=1.0)
    assert sys.getprofile() is before


def test_other_endings_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"must be one of \.html, \.gif"):
        gg.viz.step("x*x", x=2).save(tmp_path / "steps.pdf")


def test_the_gif_has_a_frame_for_every_step(tmp_path):
    image = pytest.importorskip("PIL.Image", reason="needs Pillow")
    stepper = gg.viz.step(neuron, x1=2.0, x2=0.0, w1=-3.0, w2=1.0, b=6.88)
    with image.open(stepper.save(tmp_path / "steps.gif")) as gif:
        assert gif.n_frames == len(stepper.steps)
        assert gif.info["loop"] == 0  # for ever
        frames = []
        for i in range(gif.n_frames):
            gif.seek(i)
            frames.append(gif.convert("RGB").tobytes())
            assert gif.info["duration"] == (4000 if i == gif.n_frames - 1 else 1300)
        assert len(set(frames)) == len(frames)
    first = (tmp_path / "steps.gif").read_bytes()
    assert stepper.save(tmp_path / "again.gif").read_bytes() == first


def test_too_many_steps_for_a_gif(tmp_path):
    pytest.importorskip("PIL.Image", reason="needs Pillow")
    x = gg.Value(1.0, "x")
    y = x
    for _ in range(101):
        y = y.tanh() + x
    with pytest.raises(ValueError, match=r"too many for a GIF \(limit 300\): save them as .html"):
        gg.viz.step(y).save(tmp_path / "long.gif")


@pytest.mark.parametrize(("module", "act", "extra"), [("PIL", "gif", "png"), ("textual", "tui", "tui")])
def test_without_an_extra_the_message_names_it(monkeypatch, tmp_path, module, act, extra):
    real = builtins.__import__

    def without(name, *rest):
        if name.partition(".")[0] == module:
            raise ImportError(f"no {module} here")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    for name in ("walk.full_screen", "walk.animation", "render.gif"):
        monkeypatch.delitem(sys.modules, f"glassgrad.viz.{name}", raising=False)
    stepper = gg.viz.step("x*x", x=2)
    with pytest.raises(ImportError, match=rf'pip install "glassgrad\[{extra}\]"'):
        stepper.save(tmp_path / "steps.gif") if act == "gif" else stepper.terminal(full_screen=True)


def test_sentences_and_drawing_use_the_same_names():
    stepper = gg.viz.step("tanh(x*w + 1)", x=2, w=3)
    titles = [box.title for box in stepper.drawing.boxes]
    for node in stepper.graph.nodes:
        if node.op in gg.OPS:
            assert any(title.startswith(node.name) for title in titles)
            assert stepper.steps[node.id].sentence.startswith(node.name)
            assert stepper.steps[node.id].numbers.endswith(short(node.data))


def test_a_notebook_s_list_of_results_gives_no_names():
    x = gg.Value(2.0)
    cell = {"get_ipython": object, "Out": {1: x}, "gg": gg, "x": x}
    exec("stepper = gg.viz.step(x * x)", cell)
    assert labels(cell["stepper"]) == ["x", ""]


def test_neither_page_nor_picture_tells_where_the_user_s_files_are():
    stepper = gg.viz.step(neuron, x1=2.0, x2=0.0, w1=-3.0, w2=1.0, b=6.88)
    folder = str(Path(__file__).parent)
    assert folder not in stepper.html
    assert folder not in stepper._repr_mimebundle_()["image/svg+xml"]
