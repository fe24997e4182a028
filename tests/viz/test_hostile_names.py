"""Names of a learner's modules and columns reach pages and pictures as text only, and messages too."""

from __future__ import annotations

import html
import io
import unicodedata
from contextlib import suppress

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import Value, nn
from glassgrad.engine.errors import ExpressionError
from glassgrad.engine.story.expression import parse
from glassgrad.viz import plot
from glassgrad.viz.cli.errors import CommandError
from glassgrad.viz.cli.main import main
from glassgrad.viz.walk.terminal import print_steps, view

HOSTILE = "<img src=x onerror=alert(1)>&amp;"


class Named(nn.Module):
    def __init__(self):
        self.parts = {HOSTILE: nn.Layer(2, 3, seed=1)}
        self.name_parts()

    def __call__(self, x):
        return gg.sum(self.parts[HOSTILE](x))


def test_messages_of_a_drawing_are_text():
    y = Named()([Value(1.0, "x"), 2.0])
    picture = gg.viz.draw(y, fold=["Layer"])
    assert any(HOSTILE in message for message in picture.messages)
    bundle = picture._repr_mimebundle_()
    for shown in (bundle["text/html"], bundle["image/svg+xml"], gg.viz.step(y).html):
        assert "<img src=x" not in shown
    assert html.escape(HOSTILE) in bundle["text/html"]


def test_messages_in_a_saved_page_are_text(tmp_path):
    path = gg.viz.draw(Named()([1.0, 2.0]), fold=["Layer"]).save(tmp_path / "a.html")
    text = path.read_text(encoding="utf-8")
    assert "<img" not in text
    assert html.escape(HOSTILE) in text


def test_many_changed_numbers_are_counted():
    xs = [Value(float(i), f"x{i}") for i in range(6)]
    y = gg.sum(xs)
    for x in xs:
        x.data += 0.5
    (message,) = gg.viz.draw(y).messages
    assert message.endswith("x0 is now 0.5, x1 is now 1.5, x2 is now 2.5, x3 is now 3.5 and 2 more")


def test_a_long_path_shows_its_ends():
    x = Value(1.0, "x")
    y = x
    for _ in range(13):
        y = y * 1.5
    (message,) = gg.viz.draw_paths(y, x).messages
    factors = message.partition(": ")[2].partition(" = ")[0].split(" × ")
    assert factors == ["1.5"] * 5 + ["… 3 more: 3.375 …"] + ["1.5"] * 5


def test_what_is_left_out_of_many_paths_is_what_remains():
    x = Value(2.0, "x")
    y = x
    for _ in range(5):
        y = y + y  # 32 paths, each 1
    messages = gg.viz.draw_paths(y, x, limit=4).messages
    assert any("4 of 32 paths are drawn (limit=4); the others add up to 28" in message for message in messages)


def test_plots_name_classes_and_choose_their_scale():
    pytest.importorskip("matplotlib")
    X, y = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 0.0]]), np.array([0, 1, 2])
    figure = plot.plot_decision_boundary(lambda p: (p[:, 0] > 1).astype(int), X, y, classes=["a", "b"], title="T")
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a", "b", "2"]
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title()) == ("x1", "x2", "T")
    low, high = axes.get_xlim()
    assert (low, high) == pytest.approx((-0.3, 2.3))
    epoch = nn.Epoch(1, 1.0, float("nan"), float("nan"), float("nan"), 0.1, 0.1)
    for losses, scale in (([10.0, 1.0], "linear"), ([40.0, 1.0], "log"), ([40.0, 0.0], "linear")):
        history = nn.History([epoch._replace(number=i + 1, loss=loss) for i, loss in enumerate(losses)])
        (axes,) = plot.plot_history(history).axes
        assert axes.get_yscale() == scale
        assert axes.get_lines()[0].get_xdata().tolist() == [1, 2]


def test_an_ampersand_in_dot_is_an_ampersand():
    pytest.importorskip("graphviz")
    from glassgrad.viz.render.dot import dot_text

    assert dot_text(["a &lt; b & c"]) == "a &amp;lt; b &amp; c"


# -- names that would steer a terminal -----------------------------------------------------------------------------

STEERING = {
    "colour": "\x1b[31mred\x1b[0m",
    "title of the window": "\x1b]0;owned\x07",
    "8-bit control sequence": "\x9b2J",
    "carriage return": "a\rb",
    "line": "a\nb",
    "backspace": "right\x08\x08\x08\x08\x08wrong",
    "turned round": "a\u202egnp.exe",
    "isolated": "\u2066a\u2069",
    "half a character": "a\ud800b",
}
MARKUP = ["h[t]", "h[/]", "[red]x[/red]", "[link=http://x]y[/link]", "[[]]", ":smile:", "\\[b]"]


def rich_text(what, **options):
    from rich.console import Console

    console = Console(file=io.StringIO(), width=400, force_terminal=False, **options)
    console.print(what)
    return console.file.getvalue()


def all_steps(walk):
    from rich.console import Console

    console = Console(file=io.StringIO(), width=400)
    print_steps(walk, console)
    return console.file.getvalue()


def error_of(call):
    try:
        call()
    except (ValueError, TypeError, CommandError) as error:
        caret = error.caret() if isinstance(error, ExpressionError) else ""
        return f"{error}\n{caret}"
    raise AssertionError("it was no error")


def named(name):
    x, w = Value(2.0, name), Value(-3.0, "w")
    return x, (x * w).tanh()


def graph(name):
    return gg.Graph(named(name)[1])


def compiled(name):
    x, y = named(name)
    return gg.compile(y, params=[x, *(v for v in y.inputs[0].inputs if v is not x)], backend="numpy")


TEXTS = {
    "explain": lambda name: str(gg.explain(named(name)[1], name)),
    "steps": lambda name: "\n".join(f"{s.rule}\n{s.numbers}\n{s.sentence}" for s in gg.steps(named(name)[1])),
    "repr of steps": lambda name: repr(gg.steps(named(name)[0] * 1)),
    "repr of a Value": lambda name: repr(named(name)[0]),
    "repr of a Graph": lambda name: repr(gg.Graph(named(name)[0])),
    "repr of a Stepper": lambda name: repr(gg.viz.step(named(name)[0])),
    "gradcheck": lambda name: str(gg.gradcheck(named(name)[1], [named(name)[0]], names=[name])),
    "listing": lambda name: str(compiled(name)),
    "source": lambda name: compiled(name).source,
    "drawing": lambda name: str(gg.viz.draw(named(name)[0])),
    "messages of a drawing": lambda name: "\n".join(gg.viz.draw_paths(named(name)[1], name).messages),
    "view in a terminal": lambda name: rich_text(view(gg.viz.step(graph(name)).walk, -1)),
    "steps in a terminal": lambda name: all_steps(gg.viz.step(graph(name)).walk),
    "GraphError": lambda name: error_of(lambda: graph(name).find("nothing")),
    "GraphError of two": lambda name: error_of(lambda: gg.Graph(Value(1.0, name) * Value(2.0, name)).find(name)),
    "no path": lambda name: error_of(lambda: gg.viz.draw_paths(gg.Graph(2 * named(name)[0]), "2", {})),
    "ExpressionError": lambda name: error_of(lambda: parse(f"x + {name}").evaluate({"x": 1.0})),
    "error of a command": lambda name: error_of(lambda: (_ for _ in ()).throw(CommandError(name))),
    "unknown state": lambda name: error_of(lambda: nn.Neuron(2, seed=0).load_state_dict({name: 1.0})),
}


@pytest.mark.parametrize("name", STEERING.values(), ids=STEERING)
@pytest.mark.parametrize("text_of", TEXTS.values(), ids=TEXTS)
def test_no_text_steers_a_terminal(text_of, name):
    steering = {c for c in text_of(name) if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co")} - {"\n"}
    assert not steering


@pytest.mark.parametrize("name", MARKUP)
@pytest.mark.parametrize("text_of", TEXTS.values(), ids=TEXTS)
def test_no_name_is_read_as_markup(text_of, name):
    text_of(name)


@pytest.mark.parametrize("name", MARKUP)
@pytest.mark.parametrize("text_of", ["explain", "steps", "gradcheck", "view in a terminal", "steps in a terminal"])
def test_a_name_is_shown_as_it_is(text_of, name):
    assert name in TEXTS[text_of](name)


@pytest.mark.parametrize("name", STEERING.values(), ids=STEERING)
@pytest.mark.parametrize(
    "words",
    [
        lambda name: [name],
        lambda name: ["step", "x", "x=1", f"--{name}"],
        lambda name: ["step", f"x + {name}", "x=1"],
        lambda name: ["step", f"x*1 # {name}", "x=1", "--all"],
        lambda name: ["step", f"{name}.py:f", "x=1"],
        lambda name: ["step", "x*x", f"{name}=1"],
        lambda name: ["step", "x*x", f"x={name}"],
        lambda name: ["draw", "x*x", "x=1", "-o", f"{name}/a.svg"],
        lambda name: ["draw", "x*x", "x=1", "-o", f"{name}.bmp"],
        lambda name: ["draw", "x*x", "x=1", "--explain", name],
        lambda name: ["train", name],
        lambda name: ["predict", f"{name}.safetensors", name],
        lambda name: ["compile", name],
    ],
)
def test_no_word_of_a_command_comes_back_as_control(words, name, capsys):
    with suppress(SystemExit):  # argparse's way
        main(words(name))
    shown = "".join(capsys.readouterr())
    assert not {c for c in shown if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co")} - {"\n"}
    assert "Traceback" not in shown
