"""Rules of the learner's own, as in micrograd: `Value(data, children, op)` with an assigned `_backward`."""

import math

import pytest

import glassgrad as gg
from glassgrad import Value


def ruled(data, children, slopes, op="own"):
    """A node of the given slopes, written as a follower of micrograd would."""
    out = Value(data, children, op)

    def rule():
        for v, slope in zip(children, slopes):
            v.grad += slope * out.grad

    out._backward = rule
    return out


def tanh(v):
    t = math.tanh(v.data)
    return ruled(t, (v,), (1 - t**2,), "tanh")


def test_backward_runs_the_rule_in_topological_order():
    x, w = Value(0.5, "x"), Value(-1.5, "w")
    h = tanh(x * w)
    y = h * h + tanh(h)
    y.backward()
    a, b = Value(0.5), Value(-1.5)
    k = (a * b).tanh()
    (k * k + k.tanh()).backward()
    assert (x.grad, w.grad) == pytest.approx((a.grad, b.grad), rel=1e-15)
    y.backward()  # leaves accumulate, results are fresh
    assert x.grad == pytest.approx(2 * a.grad, rel=1e-15)


def test_grad_measures_the_slopes_and_restores_what_the_rule_wrote():
    x, w = Value(0.5, "x"), Value(-1.5, "w")
    y = ruled(x.data * w.data, (x, w), (w.data, x.data)) * x
    x.grad, w.grad, before = 7.0, None, y.inputs[0].grad
    assert gg.grad(y, [x, w]) == [2 * 0.5 * -1.5, 0.25]
    assert (x.grad, w.has_grad, y.inputs[0].grad) == (7.0, False, before)
    assert y.inputs[0].slopes == (-1.5, 0.5)


def test_what_it_knows_of_itself():
    a, b = Value(2.0, "a"), Value(3.0)
    y = ruled(6.0, (a, b, a), (3.0, 2.0, 0.0), "times")
    assert (y.op, y._op, y.inputs, list(y._prev)) == ("own times", "times", (a, b), [a, b])
    assert Value(1.0, (), "", "name").label == Value(1.0, "name").label == Value(1.0, label="name").label == "name"
    assert Value(1.0, (a,), _op="f", label="y").label == "y"
    assert Value(1.0, (), "given")._op == "given"


def test_any_node_can_get_a_rule():
    x = Value(3.0, "x")
    y = x * x
    y._backward = lambda: None
    y.backward()
    assert (x.has_grad, gg.grad(y, x), y.op, y._op) == (False, 0.0, "own *", "*")
    z = Value(9.0)
    z._prev = {x}

    def rule():
        x.grad += 6.0 * z.grad

    z._backward = rule
    assert gg.grad(z, x) == 6.0
    leaf = Value(1.0)
    leaf._backward = lambda: None  # micrograd's own __init__ does so
    assert leaf.op == ""


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda x, out: setattr(x, "grad", 2 * out.grad), "overwrites the gradient of x"),
        (lambda x, out: setattr(x, "grad", x.grad + out.grad**2), "does not add upstream × slope"),
        (lambda x, out: setattr(x, "grad", x.grad + 1.0), "does not add upstream × slope"),
        (lambda x, out: setattr(SECRET, "grad", SECRET.grad + out.grad), "sets the gradient of secret, which is not"),
    ],
)
def test_a_rule_that_has_no_slopes_is_refused_where_slopes_are_needed(spoil, message):
    x = Value(2.0, "x")
    out = Value(4.0, (x,), "square")
    out._backward = lambda: spoil(x, out)
    SECRET.grad = None
    for ask in (lambda: gg.grad(out * 2, x), lambda: list(gg.steps(out * 2)), lambda: gg.explain(out * 2, x)):
        with pytest.raises(ValueError, match=message):
            ask()
    report = gg.gradcheck(lambda: out * 2, [x])
    assert not report
    assert message in str(report)
    assert "line: test_own_rules.py:" in str(report)
    assert (x.has_grad, SECRET.has_grad) == (False, False)
    assert out.slopes == (None,)


SECRET = Value(1.0, "secret")


def test_a_missing_rule_is_found_before_any_gradient_is_written():
    a, b = Value(2.0, "a"), Value(3.0, "b")
    hidden = Value(6.0, (a,), "f")
    with pytest.raises(gg.GraphError, match="was made from a by hand and has no rule"):
        (a * b + hidden).backward()
    assert (a.has_grad, b.has_grad) == (False, False)


def test_a_result_beside_the_children_is_refused_by_backward_too():
    x = Value(2.0, "x")
    hidden = x * 3
    out = Value(1.0, (x,), "f")

    def rule():
        hidden.grad += out.grad

    out._backward = rule
    with pytest.raises(gg.GraphError, match="which is not among its children"):
        out.backward()
    with pytest.raises(gg.GraphError, match="has no rule: assign its _backward"):
        (Value(1.0, (x,), "f") * 2).backward()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda x: Value(1.0, (2.0,)), TypeError, "got float 2.0: wrap a number in Value"),
        (lambda x: Value(1.0, x), TypeError, "in a tuple; got Value"),
        (lambda x: Value(1.0, (x,), "f", 3), TypeError, "Value.label takes a str"),
        (lambda x: Value(1.0, "a", "f", "b"), TypeError, "in a tuple; got str 'a'"),
        (lambda x: setattr(x * 2, "_backward", 3), TypeError, "a function without arguments, got int 3"),
        (lambda x: setattr(x, "_backward", lambda: setattr(x, "grad", 1)), ValueError, "has no children"),
    ],
)
def test_bad_nodes_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make(Value(2.0, "x"))


def test_a_node_that_is_its_own_ancestor_is_refused():
    a = Value(1.0, "a")
    b = a * 2
    b.label = "b"
    c = b.tanh()
    c.label = "c"
    with pytest.raises(ValueError, match="this one would be: b ← c ← b"):
        b._prev = (a, c)
    with pytest.raises(ValueError, match="this one would be: a ← a"):
        a._prev = (a,)
    assert gg.grad(c, a) == pytest.approx(2 * (1 - c.data**2))


def test_refused_where_a_closure_cannot_do():
    x = Value(0.5, "x")
    y = tanh(x)
    with pytest.raises(ValueError, match="make it an op with"):
        gg.grad(y * 2, x, create_graph=True)
    x.data = 0.75
    with pytest.raises(ValueError, match=r"x was changed after tanh = 0.46.* was computed from it"):
        gg.grad(y, x)
    assert y.slopes == (None,)


def test_the_rule_may_fail():
    x = Value(0.5, "x")
    y = Value(1.0, (x,), "f")
    y._backward = lambda: 1 / 0
    for ask in (y.backward, lambda: gg.grad(y, x)):
        with pytest.raises(ZeroDivisionError):
            ask()
    z = x * 2
    z.backward()  # nothing stays locked
    assert x.grad == 2.0


# -- what is shown and proved ------------------------------------------------------------------------------------


def test_it_is_stepped_through_drawn_and_kept_as_json():
    x = Value(0.5, "x")
    h = tanh(x * 2)
    y = h * h
    told = [(s.rule, s.numbers, s.sentence) for s in gg.steps(y, names=locals())]
    assert told[3] == (
        "h: your own rule tanh of v2",
        "h = 0.7616",
        "h is computed from v2 by your own rule tanh: 0.7616.",
    )
    assert told[-2][:2] == (
        "v2.grad += h.grad · ∂h/∂v2,  ∂h/∂v2 by your own rule tanh",
        "v2.grad = 0 + 1.523 × 0.42 = 0.6397",
    )
    graph = gg.Graph(y)
    assert gg.Graph.from_json(graph.to_json()) == graph
    drawn = gg.viz.draw(y).svg
    assert "tanh (own)" in drawn
    assert "tanh (own)" in gg.viz.draw_dot(y).source
    assert "through v2: 0.6397 × 2 = 1.279" in str(gg.explain(y, x))


def test_the_page_and_the_terminal_show_it():
    walk = gg.viz.step(lambda x, w: tanh(x * w) * w, x=0.5, w=2.0)
    assert "your own rule tanh" in walk.html


def wrong_tanh(v):
    t = math.tanh(v.data)
    return ruled(t, (v,), ((1 - t**2) * 1.0005,), "tanh")


def test_gradcheck_proves_it_by_moving_the_inputs():
    report = gg.gradcheck(lambda x, w: tanh(x * w) * x, [0.5, -1.5])
    assert report.ok
    assert {row.method for row in report.rows} == {"central difference"}  # its own slopes prove nothing
    assert 0.0 < report.worst < 1e-6
    report = gg.gradcheck(lambda x, w: wrong_tanh(x * w) * x, [0.5, -1.5])
    assert not report.ok
    assert "Your own rule tanh is wrong: ∂tanh(x * w)/∂(x * w) is 0.5966, but 0.5969 is passed on" in str(report)
    assert "it is 1.0005 times what it should be, 0.05 % too large" in str(report)
    many = [Value(0.1 * i, f"x{i}") for i in range(70)]
    report = gg.gradcheck(lambda: gg.sum([tanh(x) for x in many]), many)
    assert report.ok
    assert [row.method for row in report.rows][69:71] == ["your own rule", "central difference"]
    report = gg.gradcheck(lambda: gg.sum([wrong_tanh(x) for x in many]), many)
    assert not report.ok
    assert "Your own rule tanh is wrong" in str(report)
    x = Value(0.5, "x")
    report = gg.gradcheck(tanh(x), [x])
    assert not report
    assert [row.verdict for row in report.rows] == ["cannot tell"]
    assert "a result cannot prove a rule of your own (tanh at 0.5)" in str(report)


def test_the_compiler_refuses_it_and_names_the_way_out():
    with pytest.raises(gg.CompileError, match="define_op"):
        gg.compile(lambda x: tanh(x) * 2, example=(0.5,))


def test_where_nothing_is_recorded_it_has_no_history():
    x = Value(0.5, "x")
    with gg.no_grad():
        y = tanh(x * 2)
    assert (y.op, y.inputs, y.data) == ("detached", (), math.tanh(1.0))
    for ask in (y.backward, lambda: gg.grad(y, x)):
        with pytest.raises(ValueError, match="nothing was recorded behind it"):
            ask()


@pytest.mark.parametrize("off", [1e-4, 1e-7])
def test_a_rule_that_is_a_little_off_for_some_upstream_is_refused(off):
    x = Value(2.0, "x")
    out = Value(4.0, (x,), "square")

    def rule():
        x.grad += 4.0 * out.grad * (1.0 + off * (out.grad < 0))

    out._backward = rule
    with pytest.raises(ValueError, match="does not add upstream × slope"):
        gg.grad(out, x)
