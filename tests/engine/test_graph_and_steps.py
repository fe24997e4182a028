"""The graph as data, its steps, its ledger, its notation, and where nodes came from."""

from __future__ import annotations

import copy
import json
import math
import pickle
import re
import sys
import time
from xml.etree import ElementTree

import pytest

import glassgrad as gg
from glassgrad import GraphError, Value
from glassgrad.engine.rules.ops import OPS
from glassgrad.engine.story.document import FORMAT
from glassgrad.engine.story.graph import Graph
from glassgrad.engine.story.ledger import running_sums
from glassgrad.engine.story.moment import changed, moment
from glassgrad.engine.story.scope import Call, mark_call
from glassgrad.engine.story.steps import steps


def neuron():
    x1, w1, x2, w2 = Value(2.0, "x1"), Value(-3.0, "w1"), Value(0.0, "x2"), Value(1.0, "w2")
    b = Value(6.8813735870195432, "b")
    n = x1 * w1 + x2 * w2 + b
    o = n.tanh()
    return o, locals()


def test_a_snapshot_is_immutable_and_keeps_its_numbers():
    x = Value(2.0, "x")
    graph = Graph(x * x)
    x.data = 5.0
    assert graph.nodes[0].data == 2.0
    assert graph.nodes[0].grad is None
    assert graph.edges == ((0, 1, 0), (0, 1, 1))
    with pytest.raises(AttributeError, match="immutable"):
        graph.nodes = ()
    with pytest.raises(AttributeError):
        graph.nodes[0].data = 1.0
    with pytest.raises(TypeError, match="takes the Value"):
        Graph(3.0)


def test_names_come_from_the_callers_variables():
    o, names = neuron()
    graph = Graph(o, names)
    assert [node.name for node in graph.nodes] == ["x1", "w1", "v2", "x2", "w2", "v5", "v6", "b", "n", "o"]
    assert graph.find("n").op == "add"
    assert graph.find("v2").op == "mul"
    assert [leaf.name for leaf in graph.leaves] == ["x1", "w1", "x2", "w2", "b"]
    with pytest.raises(GraphError, match="no nodes are called 'q'"):
        graph.find("q")
    with pytest.raises(TypeError, match=r"a node is found by its label or v<id>, a text, got int 0$"):
        graph.find(0)
    for root in (o, graph):
        with pytest.raises(TypeError, match=r"explain takes a Value or its label \(or v<id>\), a text, got int 0$"):
            gg.explain(root, 0)


def test_no_two_nodes_are_shown_under_one_name():
    x = Value(1.0, "x")
    y = x
    for _ in range(3):
        y = y - 0.5 * y
        y.label = "x"
    other = Value(2.0, "v1")  # looks like the name of the unnamed node 1
    graph = Graph(y + other * Value(3.0, "x₂"))
    names = [node.name for node in graph.nodes if node.op != "const"]
    assert len(set(names)) == len(names)
    assert [name for name in names if name.startswith("x")] == ["x₁", "x₃", "x₄", "x₅", "x₂"]
    assert graph.find("v1").data == 2.0
    with pytest.raises(GraphError, match=r"5 nodes are called 'x'.*choose one of x₁ = 1, x₃ = 0\.5"):
        graph.find("x")
    assert gg.explain(graph, "x₁").total == 0.125
    assert Graph.of([node._replace(label="a") for node in Graph(x + other).nodes]).root.name == "a₃"


def test_what_a_value_is_now_is_kept_and_decides_no_equality():
    graph = Graph(Value(2.0, "x") * 3)
    later = Graph.of((node._replace(now=5.0) if node.label else node for node in graph.nodes), graph.groups)
    assert later == graph
    assert hash(later) == hash(graph)
    assert Graph.from_json(later.to_json()).nodes[0].now == 5.0
    assert "now" not in graph.to_json()


def states(walk, k):
    """What is known at step k, worked out from the steps themselves in the plainest way."""
    seen, count = list(walk)[: k + 1], len(walk.graph)
    last, nodes, edges = seen[-1], [], {}
    for node in walk.graph.nodes:
        news, got = (
            [s.new for s in some if s.phase != "forward" and (s.node if s.input is None else s.input) == node.id]
            for some in (walk, seen)
        )
        value = next((s.value for s in seen if s.phase == "forward" and s.node == node.id), None)
        current = node.id == (last.node if last.input is None else last.input)
        sender = last.phase == "backward" and node.id == last.node
        nodes.append(
            (value is not None, value, got[-1] if got else None, len(got), len(news) - len(got), current, sender)
        )
        for position in range(len(node.inputs)):
            back = any((s.phase, s.node, s.position) == ("backward", node.id, position) for s in seen)
            now = (
                last.node == node.id and (last.phase == "forward" or last.position == position) and last.phase != "seed"
            )
            edges[node.id, position] = (value is not None, back, node.slopes[position] if back else None, now)
    assert len(nodes) == count
    return nodes, edges


def test_a_moment_is_what_the_steps_so_far_have_shown():
    x, w = Value(0.3, "x"), Value(-0.7, "w")
    for root in (x * x, x, (x * w).tanh() * x + gg.dot([x, w, x], [w, 1.5, x], w) / (w - 2) ** 3):
        walk = steps(root)
        shown = None
        for k in range(len(walk)):
            now = moment(walk, k)
            nodes, edges = states(walk, k)
            assert [tuple(state) for state in now.nodes] == nodes
            assert {(node, position): tuple(state) for node, position, state in now.edges} == edges
            assert [state.complete for state in now.nodes] == [
                got > 0 and not left for _, _, _, got, left, _, _ in nodes
            ]
            assert now.step == walk[k]
            assert nodes[now.focus][5]
            if shown is not None:
                ids, keys = changed(walk, k - 1, k)
                assert ids >= {i for i, (a, b) in enumerate(zip(nodes, shown[0])) if a != b}
                assert keys >= {key for key in edges if edges[key] != shown[1][key]}
                assert changed(walk, k, k - 1) == (ids, keys)
            shown = nodes, edges
        assert moment(walk, -1).index == len(walk) - 1
        with pytest.raises(IndexError, match="there are steps 0 to"):
            moment(walk, len(walk))


def test_moments_take_time_in_proportion_to_what_is_asked():
    """A node with 20,000 contributions: each moment is a search, not a sum over all that came before."""
    x = Value(0.5, "x")
    walk = steps(gg.sum([x] * 20_000))
    start = time.process_time()
    grads = [moment(walk, k).node(0).gradient for k in range(3, len(walk), 10)]
    assert grads[-1] == pytest.approx(20_000, abs=20)
    assert time.process_time() - start < 1.0


def test_json_round_trip_is_exact():
    x = Value(0.1, "Ünïcode <&>")
    y = (x * 3 + gg.dot([x, x], [x, 2.0], x)).leaky_relu()
    y.backward()
    mark_call([y], Call("layer", "Layer", (x,)))
    graph = Graph(y)
    text = graph.to_json()
    again = Graph.from_json(text)
    assert again == graph
    assert hash(again) == hash(graph)
    assert again.to_json() == text
    assert json.loads(text)["format"] == FORMAT
    for copied in (copy.deepcopy(graph), copy.copy(graph), pickle.loads(pickle.dumps(graph))):
        assert copied == graph
        assert copied.nodes == graph.nodes
        assert dict(copied.reasons) == dict(graph.reasons)
    with gg.no_grad():
        infinite = Value(math.inf)
    assert Graph.from_json(Graph(infinite + 1).to_json()).root.data == math.inf


NODE = {"op": "", "data": 1.0, "inputs": [], "slopes": []}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{", "not a JSON text"),
        ("[" * 100_000, "not a JSON text"),
        ("[]", "not a graph"),
        ({"nodes": [NODE], "format": "other"}, "not a graph"),
        ({"nodes": []}, "at least one node"),
        ({"nodes": [3]}, "node 0 must be an object"),
        ({"nodes": [{}]}, "lacks op, data, inputs, slopes"),
        ({"nodes": [{**NODE, "op": "frobnicate"}]}, "unknown op 'frobnicate'"),
        ({"nodes": [{**NODE, "data": "two"}]}, "data must be a number"),
        ({"nodes": [{**NODE, "data": True}]}, "data must be a number"),
        ({"nodes": [{**NODE, "op": "neg", "inputs": [0], "slopes": [-1]}]}, "computed from itself: node 0 ← node 0"),
        ({"nodes": [NODE, {**NODE, "op": "neg", "inputs": [2], "slopes": [-1]}, NODE]}, "not in topological order"),
        ({"nodes": [NODE, {**NODE, "op": "neg", "inputs": [-1], "slopes": [-1]}]}, "inputs must be a list of numbers"),
        ({"nodes": [NODE, {**NODE, "op": "neg", "inputs": [0], "slopes": []}]}, "needs 1 slopes"),
        ({"nodes": [NODE, {**NODE, "op": "mul", "inputs": [0], "slopes": [1]}]}, "mul takes 2 inputs, got 1"),
        ({"nodes": [NODE, {**NODE, "inputs": [0], "slopes": [1]}]}, "a leaf has no inputs"),
        ({"nodes": [{**NODE, "label": 3}]}, "label must be a text"),
        ({"nodes": [{**NODE, "source": [1]}]}, "source must be"),
        ({"nodes": [{**NODE, "groups": [0]}]}, "groups must be a list"),
        ({"nodes": [NODE], "groups": {}}, '"groups" must be a list'),
        ({"nodes": [NODE], "groups": [["a"]]}, "group 0 must be"),
    ],
)
def test_malformed_json_gets_a_clear_error(document, message):
    text = document if isinstance(document, str) else json.dumps({"format": FORMAT, **document})
    with pytest.raises(GraphError) as caught:
        Graph.from_json(text)
    assert message in str(caught.value)


def test_a_deep_graph_is_copied_and_pickled_with_what_it_says_of_missing_slopes():
    x = v = Value(1.0, "x")
    for _ in range(50_000):
        v = v + 1.0
    graph = Graph(v)
    assert len(graph) > 100_000
    for copied in (copy.deepcopy(graph), pickle.loads(pickle.dumps(graph))):
        assert copied.nodes == graph.nodes
    mute = Value(2.0, (x,), "mute")  # a rule of one's own that adds no gradient
    mute._backward = lambda: setattr(x, "grad", 5.0)
    for copied in (Graph(mute), copy.deepcopy(Graph(mute)), pickle.loads(pickle.dumps(Graph(mute)))):
        with pytest.raises(GraphError, match="mute"):
            gg.steps(copied).flows  # noqa: B018


def test_module_calls_become_groups():
    x, w, b = Value(1.0, "x"), Value(2.0, "w"), Value(3.0, "b")
    inner = w * x + b
    mark_call([inner], Call("neuron", "Neuron", (x,)))
    outer = inner.tanh()
    mark_call([outer], Call("layer", "Layer", (x,)))
    graph = Graph(outer * 2)
    assert [(group.name, group.inputs, group.outputs) for group in graph.groups] == [
        ("layer", (1,), (5,)),
        ("neuron", (1,), (4,)),
    ]
    paths = {node.name: [graph.groups[g].name for g in node.groups] for node in graph.nodes}
    assert paths["w"] == ["layer", "neuron"]
    assert paths["x"] == []
    assert paths["v5"] == ["layer"]
    assert paths["2"] == []


def test_steps_of_the_neuron():
    o, names = neuron()
    walk = gg.steps(o, names)
    assert len(walk) == 10 + 1 + 9
    assert [step.phase for step in walk] == ["forward"] * 10 + ["seed"] + ["backward"] * 9
    assert walk[8].rule == "n = v6 + b"
    assert walk[9].numbers == "o = tanh(0.8814) = 0.7071"
    assert walk[9].sentence == "o is tanh of n: 0.7071."
    assert walk[11].rule == "n.grad += o.grad · ∂o/∂n,  ∂o/∂n = 1 − o²"
    assert walk[11].numbers == "n.grad = 0 + 1 × (1 − 0.7071²) = 0 + 1 × 0.5 = 0.5"
    assert walk[-2].numbers == "x1.grad = 0 + 0.5 × (−3) = −1.5"
    assert walk[-1].sentence == "v2 hands 0.5 × 2 = 1 back to w1."
    assert walk[3:5] == [walk[3], walk[4]]
    with pytest.raises(IndexError, match="steps 0 to 19"):
        walk[20]


def test_a_fork_adds_up():
    x = Value(2.0, "x")
    walk = gg.steps(x * 3 - x)
    assert walk[-1].numbers == "x.grad = −1 + 1 × 3 = 2"
    assert "It is added to the −1" in walk[-1].sentence


def test_each_step_continues_where_the_last_one_stopped():
    x, w = Value(0.3, "x"), Value(-0.7, "w")
    y = (x * w).tanh() * x + gg.dot([x, w, x], [w, 1.5, x], w) / (w - 2) ** 3
    walk = steps(y)
    y.backward()
    running = {walk.graph.root.id: 1.0}
    for step in walk:
        if step.phase == "backward":
            assert step.old == running.get(step.input, 0.0)
            assert step.upstream == running[step.node]
            assert step.contribution == step.upstream * step.slope
            assert step.new == step.old + step.contribution
            running[step.input] = step.new
    order = gg.topological_order(y)
    assert {order[i]: g for i, g in running.items()} == {v: v.grad for v in order if v.has_grad}


def test_every_op_has_words_and_notation():
    for name, op in OPS.items():
        low = [max(interval[0], 0.3) for interval in op.domain]
        operands = [
            [Value(a, "p"), Value(a, "q")] if one.many else a if one.constant else Value(a, "r")
            for one, a in zip(op.inputs, low)
        ]
        walk = steps(gg.engine.core.apply.apply(name, *operands))
        for step in walk:
            assert step.rule
            assert step.numbers
            assert step.sentence.endswith(".")
            for text in (step.rule, step.numbers, step.sentence):
                assert not re.search(r"\bv\d+ \+ −|\+ −\d|\* |e-\d|None|\{|\}", text), text
            for math_text in walk.mathml(step.index):
                tree = ElementTree.fromstring(math_text)
                assert tree.tag == "math"


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda x: x**3, "∂v2/∂x = 3·x²"),
        (lambda x: x**2, "∂v2/∂x = 2·x"),
        (lambda x: x / 4, "∂v2/∂x = 1 / 4"),
        (lambda x: 4 / x, "∂v2/∂x = −v2 / x"),
        (lambda x: x.sqrt(), "∂v1/∂x = 1 / (2·v1)"),
        (lambda x: x.relu(), "∂v1/∂x = 1 if x > 0, else 0"),
        (lambda x: x.sigmoid(), "∂v1/∂x = v1·(1 − v1)"),
        (lambda x: x.cos(), "∂v1/∂x = −sin(x)"),
        (lambda x: x - 1, "∂v2/∂x = 1"),
        (lambda x: 1 - x, "∂v2/∂x = −1"),
        (lambda x: x.silu(), "∂v1/∂x = σ(x)·(1 + x·(1 − σ(x)))"),
        (lambda x: 2**x, "∂v2/∂x = v2·ln(2)"),
    ],
)
def test_rules_read_as_in_a_textbook(make, rule):
    assert steps(make(Value(0.5, "x")))[-1].rule.endswith(rule)


def test_explain_is_the_ledger_of_one_variable():
    x = Value(1.0, "x")
    y = 2 * x + 3 * -x
    ledger = gg.explain(y, x)
    assert ledger.total == -1.0
    assert [c.contribution for c in ledger.contributions] == [-3.0, 2.0]
    assert str(ledger).splitlines()[-1] == "  sum: 3 × (−1) + 1 × 2 = −1"
    assert gg.explain(y, "x") == ledger
    assert "the result itself" in str(gg.explain(x, x))
    with pytest.raises(ValueError, match="does not depend on it"):
        gg.explain(y, Value(1.0))


def test_the_sum_of_a_long_ledger_says_what_its_middle_adds_up_to():
    x = Value(1.0, "x")
    y = gg.sum([x * factor for factor in range(1, 13)])
    ledger = gg.explain(y, x)
    assert ledger.total == 78.0
    last = "1 × 12 + 1 × 11 + … 9 more: 54 … + 1 × 1 = 78"
    assert str(ledger).splitlines()[-1] == f"  sum: {last}"
    walk = steps(y)
    sums = list(running_sums(walk, walk.graph.find("x").id))
    assert sums[5:7] == [
        "1 × 12 + 1 × 11 + 1 × 10 + 1 × 9 + 1 × 8 + 1 × 7 = 57",
        "1 × 12 + 1 × 11 + … 4 more: 34 … + 1 × 6 = 63",
    ]
    assert sums[-1] == last


def test_with_gradients_fills_in_what_arrives_and_nothing_else():
    x = Value(2.0, "x")
    y = 3 * x + (x - x)
    filled = steps(y).with_gradients()
    grads = {node.name: node.grad for node in filled.graph.nodes}
    assert grads["x"] == 3.0
    assert {node.grad for node in filled.graph.nodes if node.op == "const"} == {None}
    assert filled.graph.root.grad == 1.0
    assert [step.numbers for step in filled] == [step.numbers for step in steps(y)]
    assert x.grad == 0.0  # the Value itself is as it was


def test_long_sums_are_written_with_their_ends():
    terms = [Value(float(i), f"t{i}") for i in range(10)]
    assert steps(gg.sum(terms))[10].rule == "v10 = t0 + t1 + … 7 more … + t9"


def test_the_line_that_made_a_node():
    with gg.record_source() as sources:
        x = Value(2.0, "x")
        y = x * (x + 1)
        z = sum([y, x]) + gg.dot([x], [3.0])
    here = {place.line for place in sources.values()}
    graph = Graph(z, sources=sources)
    by_op = {node.op: node.source for node in graph.nodes if node.source}
    first = by_op[""].line
    assert by_op["add"].line == first + 2
    assert by_op["dot"].line == first + 2
    assert (by_op["mul"].file, by_op["mul"].line) == (__file__, first + 1)
    assert first in here
    if sys.version_info >= (3, 11):
        place = by_op["dot"]
        with open(__file__, encoding="utf-8") as file:  # noqa: PTH123  # one line is enough
            line = file.read().splitlines()[place.line - 1]
        assert line[place.start : place.end] == "gg.dot([x], [3.0])"
    assert gg.steps(graph)[0].source == by_op[""]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="columns came with Python 3.11")
def test_columns_count_characters_where_python_counts_bytes(tmp_path):
    line = "y = ('äöü €', x * x, 'ß')[1]"
    file = tmp_path / "user.py"
    file.write_text(line, encoding="utf-8")
    with gg.record_source() as sources:
        exec(compile(line, str(file), "exec"), names := {"x": Value(2.0)})
    place = sources[names["y"]]
    assert line[place.start : place.end] == "x * x"


def test_recording_lines_leaves_another_profiler_in_place():
    seen = []

    def profiler(*event):
        seen.append(event)

    sys.setprofile(profiler)
    try:
        with gg.record_source():
            Value(1.0)
        assert sys.getprofile() is profiler
    finally:
        sys.setprofile(None)


def test_the_larger_of_a_number_and_no_number():
    y = gg.max(gg.Value(-3.0, "x"), gg.Value(float("nan"), "n"))
    assert gg.steps(y)[2].numbers == "v2 = max(−3, nan) = nan"


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (lambda x, w: ((x * w).relu() * 3 + (x * w - 1).relu() - 4) ** 2, "every relu on the way is dead: relu at"),
        (lambda x, w: gg.sum([(x * w).relu() for _ in range(5)]), " and 2 more)"),
        (lambda x, w: (x * w) * 0, "every way back meets a slope of 0: mul at"),
        (lambda x, w: (x * w).sign() + 1, "every way back meets a slope of 0: sign at"),
        (lambda x, w: x * w - w * x, ""),
        (lambda x, w: (x * w).relu() + x * w, ""),
    ],
)
def test_a_ledger_says_where_a_gradient_of_zero_was_cut_off(build, reason):
    x, w = gg.Value(1.0, "x"), gg.Value(-2.0, "w")
    text = str(gg.explain(build(x, w), w))
    assert reason in text
    assert ("(" in text.splitlines()[0]) == bool(reason)
