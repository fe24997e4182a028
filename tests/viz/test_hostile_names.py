"""Names of a learner's modules and columns reach pages and pictures as text only, and messages too."""

from __future__ import annotations

import html

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import Value, nn
from glassgrad.viz import plot

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
