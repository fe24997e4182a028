"""`compare`: what may be handed in, what is refused and how, and what is printed."""

from __future__ import annotations

import sys

import pytest

import glassgrad as gg
from glassgrad.engine.lab.backward_pass import Pass
from glassgrad.engine.lab.faults import UnknownFaultError
from glassgrad.engine.rules.notation import short


def square(a):
    b = a + a
    return b * b


def result():
    a = gg.Value(3.0, "a")
    b = a + a
    return b * b


TEXT = "b = a + a; c = b*b"


@pytest.mark.parametrize(
    "found",
    [
        lambda: gg.lab.compare(TEXT, "overwrite", a=3),
        lambda: gg.lab.compare(square, "overwrite", a=3),
        lambda: gg.lab.compare(result(), "overwrite"),
        lambda: gg.lab.compare(gg.Graph(result()), "overwrite"),
        lambda: gg.lab.compare(gg.Graph.from_json(gg.Graph(result()).to_json()), gg.lab.FAULTS["overwrite"]),
        lambda: gg.viz.compare(TEXT, "overwrite", a=3).comparison,
        lambda: gg.viz.compare(square, "overwrite", a=3).comparison,
        lambda: gg.viz.compare(result(), "overwrite").comparison,
        lambda: gg.viz.compare(gg.Graph(result()), "overwrite").comparison,
    ],
)
def test_result_graph_expression_and_function(found):
    found = found()
    assert found.leaves == (("a", 24.0, 6.0),)
    assert (found.first, found.cause, found.counterpart) == (5, 5, 5)
    assert found.wrong[found.first].new == 6.0
    assert found.right[found.counterpart].new == 12.0


def test_names_of_the_learner():
    a = gg.Value(3.0)
    total = a + a
    out = total * total
    assert "total is used twice" in gg.lab.compare(out, "overwrite", names=locals()).why
    assert "total is used twice" in gg.viz.compare(out, "overwrite").comparison.why
    found = gg.viz.compare(square, "overwrite", a=3).comparison
    assert "b is used twice" in found.why
    assert "square sets it to 6" in found.why


def test_nothing_of_the_graph_is_touched():
    y = result()
    y.backward()
    nodes = gg.topological_order(y)
    before = [(v.data, v.grad, v.slopes) for v in nodes]
    for fault in gg.lab.FAULTS:
        gg.lab.compare(y, fault)
    assert [(v.data, v.grad, v.slopes) for v in nodes] == before
    with gg.no_grad():  # another pass is no recording
        assert "a ← v" in gg.lab.compare(y, "cycle").why


REFUSED = {
    "unknown": (
        lambda: gg.lab.compare(TEXT, "overwrit", a=3),
        r"unknown fault 'overwrit' \(must be one of overwrite, .*cycle\), did you mean overwrite\?",
    ),
    "nothing like it": (lambda: gg.lab.FAULTS["x"], r"unknown fault 'x' \(must be one of .*, cycle\)$"),
    "no fault": (lambda: gg.lab.compare(TEXT, 3, a=3), "a fault is given by its name, such as 'overwrite', got int 3"),
    "a leaf": (
        lambda: gg.lab.compare(gg.Value(1.0, "x"), "overwrite"),
        "there is no way back from x: it is an input itself, or nothing was recorded",
    ),
    "no number for a name": (
        lambda: gg.lab.compare("a + a", "overwrite"),
        r"no value for a: add a=NUMBER, as in compare\('a \+ a', 'overwrite', a=3\)",
    ),
    "no number for a name there": (
        lambda: gg.viz.compare("a*b", "overwrite", b=2.5),
        r"add a=NUMBER, as in compare\('a\*b', 'overwrite', a=3, b=2.5\)",
    ),
    "no number for a name in step": (lambda: gg.viz.step("a*b", a=2), r"as in step\('a\*b', a=2, b=3\)"),
    "no place": (
        lambda: gg.lab.compare(TEXT, "overwrite", at="mul", a=3),
        "overwrite is in no place of its own: leave at",
    ),
    "other place": (
        lambda: gg.lab.compare(TEXT, "wrong_sign", at="mull", a=3),
        r"unknown place of wrong_sign 'mull' \(must be one of mul, add\), did you mean mul\?",
    ),
    "inputs twice": (lambda: gg.lab.compare(result(), "overwrite", a=3), "has its numbers already"),
    "no target": (
        lambda: gg.lab.compare(3.0, "overwrite"),
        "compare takes a result, a graph, an expression or a function",
    ),
    "no result": (lambda: gg.lab.compare(lambda a: None, "overwrite", a=3), "must return the result as one Value"),
    "no number": (lambda: gg.lab.compare(TEXT, "overwrite", a="3"), "takes a real number, got str '3'"),
    "no example": (lambda: gg.lab.smallest_example("overwrit"), "did you mean overwrite"),
    "refused": (lambda: gg.viz.compare(TEXT, "cycle", a=3).html, "nothing to step through: The engine refuses it"),
    "ending": (lambda: gg.viz.compare(TEXT, "overwrite", a=3).save("x.gif"), "unknown ending .* .must be .html"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_compared_is_refused_in_one_sentence(what):
    call, message = REFUSED[what]
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_an_unknown_name_is_a_key_error_too():
    with pytest.raises(KeyError):
        gg.lab.FAULTS["overwrit"]
    assert "overwrit" not in gg.lab.FAULTS
    assert issubclass(UnknownFaultError, ValueError)


@pytest.mark.parametrize("fault", [name for name in gg.lab.FAULTS if name not in ("recursive_order", "cycle")])
def test_a_long_chain_is_no_problem(fault):
    x = v = gg.Value(1.0, "x")
    for _ in range(5000):
        v = v + 1.0
    found = gg.lab.compare(v * x, fault)
    assert len(found.right) == 10_002 + 1 + 5_002
    assert str(found)


def test_naive_recursion_is_bounded_and_says_so():
    x = gg.Value(1.0, "x")
    deep = wide = x * x
    for _ in range(sys.getrecursionlimit()):
        deep = deep * 1.0
    for _ in range(30):
        wide = wide.tanh() + wide
    with pytest.raises(ValueError, match="more than 900 calls deep, where Python ends it with a RecursionError"):
        gg.lab.compare(deep, "recursive_order")
    with pytest.raises(ValueError, match="takes every path anew, and after 20,000 edges it is not at its end"):
        gg.lab.compare(wide, "recursive_order")


def test_where_there_is_no_difference_it_says_where_there_would_be_one():
    found = gg.lab.compare("a*b", "overwrite", a=3, b=2)
    assert (found.first, found.cause, found.receiver, found.counterpart) == (None, None, None, None)
    assert "makes no difference" in str(found)
    assert "a value that is used more than once" in found.why
    assert "smallest_example('overwrite')" in found.why


def test_another_last_digit_is_no_difference():
    found = gg.lab.compare("b = a*0.1; (b + a*0.2) + ((b*0 + a*0.3) + a*0.7)", "breadth_first_order", a=1)
    assert found.leaves[0].right != found.leaves[0].wrong  # added up in another order
    assert found.first is None


def test_a_rule_of_ones_own_and_constants():
    a = gg.Value(3.0, "a")
    own = gg.Value(a.data**2, (a,), "square", "s")

    def rule():
        a.grad += 2 * a.data * own.grad

    own._backward = rule
    for fault in gg.lab.FAULTS:
        found = gg.lab.compare(2.0 * own + own * 3.0 + a, fault)
        assert str(found)
        assert all(step.sentence for step in found.wrong or ())
    assert gg.lab.compare(2.0 * own + own, "overwrite").leaves == (("a", 18.0, 12.0),)


def test_numbers_that_are_not_finite():
    x = gg.Value(1e200, "x")
    for fault in gg.lab.FAULTS:
        assert str(gg.lab.compare(x * x * x + x, fault))


def test_many_inputs_and_long_names_stay_readable():
    xs = [gg.Value(1.0, f"{'input' * 20}{k}") for k in range(100)]
    text = str(gg.lab.compare(gg.dot(xs, xs), "overwrite"))
    assert "… 60 inputs more in .leaves" in text
    assert "input" * 20 not in text


def test_a_number_that_was_really_changed_is_the_stale_one():
    x, w = gg.Value(2.0, "x"), gg.Value(3.0, "w")
    y = x * w
    w.data = 10.0
    found = gg.lab.compare(y, "stale_data", at="w")
    assert found.leaves == (("x", 3.0, 10.0), ("w", 2.0, 2.0))
    assert "v2 was computed with w = 3, but w is 10" in found.why
    assert found.wrong[found.cause].sentence.endswith("w is set to 10 now.")
    assert "w is set to 3 now" not in str(gg.lab.compare(y, "stale_data", at="x"))


@pytest.mark.parametrize("x", [12345.678, 1e9, 1e200, 1e-9, -1.0, 0.0])
def test_the_stale_number_is_seen_to_be_another_one(x):
    found = gg.lab.compare("a*a", "stale_data", a=x)
    before, now = (found.wrong.graph.nodes[0].data, found.wrong.graph.nodes[0].now)
    assert short(before) != short(now)
    assert f"a = {short(before)}, but a is {short(now)}" in found.why


def test_labels_are_only_text():
    a = gg.Value(3.0, "<b>\n\x1b[1m{node}")
    found = gg.lab.compare(a + a, "overwrite")
    assert "\x1b" not in str(found)
    assert "\\n" in str(found)
    assert "<b>" not in found._repr_html_()
    assert "&lt;b&gt;" in found._repr_html_()
    assert "{node}" in found.why


def test_the_front_door():
    assert set(gg.lab.__all__) == set(dir(gg.lab))
    assert all(hasattr(gg.lab, name) for name in gg.lab.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        gg.lab.nothing  # noqa: B018
    listed = repr(gg.lab.FAULTS)
    assert all(f"{name} " in listed and fault.does in listed for name, fault in gg.lab.FAULTS.items())
    assert "<table>" in gg.lab.FAULTS._repr_html_()
    assert repr(gg.lab.FAULTS["cycle"]).startswith("cycle: a value is made one of its own ancestors; the engine")


def test_a_fault_of_ones_own():
    def halved(run: Pass) -> None:
        for node, position in run.due:
            run.hand(node, position, "half", upstream=run.grad(node) / 2)

    said = {"half": "{node} hands half of {due_upstream} on."}
    fault = gg.lab.Fault("halved", "half of each gradient is lost", "any", halved, said)
    found = gg.lab.compare(TEXT, fault, a=3)
    assert found.leaves == (("a", 24.0, 6.0),)
    assert found.why == "c hands half of 1 on."


@pytest.mark.parametrize(
    ("fault", "text", "inputs"),
    [
        ("forgot_root_gradient", "a*a", {"a": 1e13}),
        ("stale_data", "exp(a)*a", {"a": 50.0}),
        ("overwrite", "relu(a)*b + c*c*a", {"a": 3e-9, "b": -0.014, "c": 3.7e-8}),
    ],
)
def test_large_numbers_elsewhere_hide_no_wrong_one(fault, text, inputs):
    found = gg.lab.compare(text, fault, **inputs)
    assert found.first is not None
    assert "no difference" not in str(found)
