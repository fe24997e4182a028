"""Which name a node has when it could have several, and that JSON keeps all there is to keep."""

from __future__ import annotations

import json
import math

import pytest

import glassgrad as gg
from glassgrad import Graph, Value, nn
from glassgrad.engine.story.graph import SourceLine


def test_the_first_name_wins():
    a = Value(2.0)
    y = a * a
    for names, expected in (({"first": a, "second": a}, "first"), ({"second": a, "first": a}, "second")):
        assert [node.name for node in Graph(y, names).nodes] == [expected, "v1"]
        assert gg.steps(y, names)[0].numbers == f"{expected} = 2"
        assert gg.explain(y, a, names=names).name == expected
        assert gg.viz.step(y, names=names).graph.leaves[0].name == expected
        assert gg.viz.draw(y, names=names).boxes[0].title == expected


def test_a_label_wins_over_variables_and_private_names_do_not_count():
    a, b = Value(2.0, "own"), Value(3.0)
    names = {"_hidden": b, "other": a, "n": 3, "b": b}
    assert [node.name for node in Graph(a * b, names).nodes[:2]] == ["own", "b"]


def test_first_names_in_lists_and_of_the_caller():
    x = Value(1.0)
    first = [x, Value(2.0)]
    again = first[1]
    y = x * again
    titles = [box.title for box in gg.viz.draw(y).boxes]
    assert titles[:2] == ["x", "first[1]"]
    assert [leaf.name for leaf in gg.viz.step(y).graph.leaves] == ["x", "first[1]"]


def test_a_function_is_walked_with_its_inputs_names():
    def f(p, q):
        alias = p
        return alias * q

    assert [leaf.name for leaf in gg.viz.step(f, p=1.0, q=2.0).graph.leaves] == ["p", "q"]


def test_one_name_for_several_nodes_is_numbered_everywhere():
    x, other = Value(2.0, "x"), Value(3.0, "x")
    graph = Graph(x * other)
    assert [node.name for node in graph.nodes] == ["x₁", "x₂", "v2"]
    assert gg.steps(graph)[2].rule == "v2 = x₁·x₂"
    with pytest.raises(gg.GraphError, match=r"2 nodes are called 'x'.* x₁ = 2, x₂ = 3"):
        graph.find("x")


def test_why_a_variable_takes_no_gradient():
    a = Value(2.0, "a")
    y = a * 3 + 1500.0
    y.label = "y"
    graph = Graph(y)
    assert str(gg.explain(graph, "y")).splitlines()[0] == "dy/dy = 1  (it is the result itself)"
    assert str(gg.explain(graph, "1500")).endswith("(it is a constant)")


@pytest.mark.parametrize(
    ("number", "name"), [(2.0, "2"), (1500.0, "1500"), (-1e6, "-1000000"), (1e15, "1000000000000000.0"), (0.1, "0.1")]
)
def test_a_constant_is_called_by_its_number(number, name):
    graph = Graph(Value(1.0, "x") * number)
    assert [node.name for node in graph.nodes] == ["x", name, "v2"]


def test_a_tooltip_lists_eight_operands():
    xs = [Value(float(i), f"x{i}") for i in range(9)]
    for count, listed in ((8, "sum(x0, x1, x2, x3, x4, x5, x6, x7)"), (9, "sum(x0, x1, x2, x3, x4, x5, x6, x7, …)")):
        picture = gg.viz.draw(gg.sum(xs[:count]), names={})
        assert picture.boxes[-1].tooltip.splitlines()[0].endswith(f"= {listed}")


# -- JSON -----------------------------------------------------------------------------------------------------


def everything() -> Graph:
    model = nn.MLP(2, [2, 1], activation="tanh", seed=1)
    x = Value(0.5, 'a "quoted" <label>\n\u202eé😀')
    y = (model([x, 2.0]) * 3 + gg.max(x, 0.25)) ** 2
    y.backward()
    return Graph(y, {}, {y: SourceLine("mine.py", 3, 4, 9), x: SourceLine("<cell>", 1)})


def test_json_keeps_everything():
    graph = everything()
    assert graph.groups
    again = Graph.from_json(graph.to_json())
    assert again.nodes == graph.nodes
    assert again.groups == graph.groups
    assert again == graph
    assert hash(again) == hash(graph)
    assert again.to_json() == graph.to_json()
    assert [s.numbers for s in gg.steps(again)] == [s.numbers for s in gg.steps(graph)]


def test_json_keeps_infinities_and_gradients_that_are_not_computed():
    x = Value(math.inf, "x")
    graph = Graph(x + Value(-0.0, "zero"))
    again = Graph.from_json(graph.to_json())
    assert again == graph
    assert [node.grad for node in again.nodes] == [None, None, None]
    assert math.copysign(1, again.nodes[1].data) == -1.0
    assert json.loads(graph.to_json())["nodes"][0]["data"] == "inf"


def test_graphs_that_differ_are_not_equal():
    def graph(**changes: object) -> Graph:
        nodes = everything().nodes
        return Graph.of((*nodes[:-1], nodes[-1]._replace(**changes)), everything().groups)

    assert graph() == everything()
    for changes in ({"data": 1.0}, {"grad": None}, {"label": "z"}, {"source": None}, {"groups": (0,)}, {"op": "tanh"}):
        assert graph(**changes) != everything()
    assert Graph.of(everything().nodes, ()) != everything()
