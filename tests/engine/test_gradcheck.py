"""The gradient check: what it proves, what it finds, and what it says."""

from __future__ import annotations

import pytest

import glassgrad as gg
from glassgrad import Value, nn


def test_a_report_reads_well():
    report = gg.gradcheck(lambda x, w: (x * w).tanh(), [0.5, -1.5])
    assert report
    lines = str(report).splitlines()
    assert lines[0].split() == ["input", "backprop", "witness", "rel.", "error", "verdict", "witness", "is"]
    assert lines[1].startswith("x  ")
    assert lines[-1].startswith("ok: 2 derivatives agree")
    assert report.value == pytest.approx(-0.6351489523872873)


def test_a_gradient_lost_through_data_is_found():
    report = gg.gradcheck(lambda x, w: x * x.data + w, [2.0, 1.0])
    assert not report.ok
    assert [row.verdict for row in report.rows] == ["wrong", "right"]
    assert [fault.kind for fault in report.faults] == ["lost"]
    assert str(report).splitlines()[-4:-1] == [
        "WRONG: 1 of 2 derivatives disagrees: x",
        "The graph is not all that f does: its slope in x is 4, but its graph gives 2",
        "  mistake: .data or float() stands where the Value is needed: outside of the graph there is no gradient",
    ]
    assert "x * x.data + w, [2.0, 1.0])" in report.faults[0].place


def test_a_kink_is_said():
    report = gg.gradcheck(lambda x, w: (x * w).relu() + abs(w), [0.0, 1.5])
    assert report.ok
    assert [row.verdict for row in report.rows] == ["kink", "right"]
    assert "relu at 0 has a kink here" in report.rows[0].note
    assert report.rows[0].sides == (0.0, 1.5)
    assert "0 | 1.5" in str(report)
    assert "1 at a kink" in str(report)


def test_inputs_by_name_by_position_and_as_values():
    for report in (
        gg.gradcheck(lambda a, b: a / b, {"a": 1.0, "b": 2.0}),
        gg.gradcheck(lambda a, b: a / b, [1.0, 2.0]),
        gg.gradcheck(lambda *ab: ab[0] / ab[1], [1.0, 2.0], names=["a", "b"]),
    ):
        assert [(row.name, row.analytic) for row in report.rows] == [("a", 0.5), ("b", -0.25)]
    a, b = Value(1.0, "a"), Value(2.0, "b")
    report = gg.gradcheck(lambda: a / b, [a, b])
    assert [row.name for row in report.rows] == ["a", "b"]
    assert (a.data, b.data) == (1.0, 2.0)
    assert not a.has_grad
    assert gg.gradcheck(a / b, [a, b]).ok


def test_many_inputs_are_moved_together():
    xs = [Value(0.01 * i - 0.4, f"x{i}") for i in range(80)]
    report = gg.gradcheck(lambda: gg.sum([x.tanh() * y for x, y in zip(xs, xs[1:])]), xs)
    assert report.ok, str(report)
    assert len(report.rows) == 83
    lost = gg.gradcheck(lambda: gg.sum([x.tanh() * y.data for x, y in zip(xs, xs[1:])]), xs)
    assert not lost.ok


def test_a_kink_does_not_hide_a_lost_gradient_among_many_inputs():
    xs = [Value(0.01 * i - 0.4, f"x{i}") for i in range(80)]
    assert xs[40].data == 0.0

    def honest():
        return gg.sum([x.tanh() * y for x, y in zip(xs, xs[1:])]) + abs(xs[40])

    def losing():
        return gg.sum([x.tanh() * y.data for x, y in zip(xs, xs[1:])]) + abs(xs[40])

    assert gg.gradcheck(honest, xs).ok
    assert [row.name for row in gg.gradcheck(honest, xs).rows if row.verdict == "kink"] == ["x40"]
    assert not gg.gradcheck(losing, xs).ok


def test_second_order():
    report = gg.gradcheck(lambda x, y: x**3 * y, [2.0, 5.0], second_order=True)
    found = {row.name: row.analytic for row in report.rows}
    assert found == {"x": 60.0, "y": 8.0, "x,x": 60.0, "x,y": 12.0, "y,x": 12.0, "y,y": 0.0}


def test_near_the_edge_of_a_domain():
    assert gg.gradcheck(lambda x: x.log() + x.sqrt(), [1e-3]).ok


def test_what_it_refuses():
    with pytest.raises(TypeError, match=r"must return a Value, got None \(does a function lack its return"):
        gg.gradcheck(lambda x: None, [1.0])
    with pytest.raises(TypeError, match="at least one input"):
        gg.gradcheck(lambda: Value(1.0), [])
    with pytest.raises(ValueError, match="1 inputs but 2 names"):
        gg.gradcheck(lambda x: x, [1.0], names=["a", "b"])
    with pytest.raises(TypeError, match="the Values it was computed from"):
        gg.gradcheck(Value(1.0), [1.0])


@pytest.mark.parametrize("activation", ["tanh", "relu", "gelu"])
def test_parameters_of_a_network_whose_inputs_are_plain_numbers(activation: str) -> None:
    model = nn.MLP(2, [3, 1], activation=activation, seed=1)
    of_the_graph = gg.gradcheck(nn.binary_cross_entropy(model([0.5, 0.2]), 1.0), model.parameters())
    of_the_function = gg.gradcheck(lambda: nn.binary_cross_entropy(model([0.5, 0.2]), 1.0), model.parameters())
    assert of_the_graph.ok and of_the_function.ok
    assert sum(row.analytic != 0.0 for row in of_the_graph.rows) > 2


@pytest.mark.parametrize("f", [3, "x*x", None, [gg.Value(1.0)]])
def test_what_is_no_function_is_refused(f):
    with pytest.raises(TypeError, match="takes a function that returns a Value, or a Value, got "):
        gg.gradcheck(f, [3.0])
