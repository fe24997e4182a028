"""`Value` as a number, as a node, and as a neighbour of NumPy."""

from __future__ import annotations

import gc
import math
import threading
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import DomainError, Value


@pytest.mark.parametrize("given", [3, 3.0, True, Fraction(3), np.float64(3), np.float32(3), np.int64(3), np.uint8(3)])
def test_real_numbers_become_floats(given):
    assert type(Value(given).data) is float
    assert (Value(2.0) * given).data == 2.0 * float(given)
    assert (given * Value(2.0)).data == 2.0 * float(given)


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("3", "float(...)"),
        (None, "missing"),
        (3j, "real functions"),
        (object(), "float(...)"),
        ([1.0], "[gg.Value(x) for x in numbers]"),
        (np.array([True, False]), "np.array([gg.Value(x) for x in array])"),
        (Value(1.0), "detach"),
    ],
)
def test_everything_else_is_refused_with_a_hint(given, hint):
    with pytest.raises(TypeError, match="takes a real number") as caught:
        Value(given)
    assert hint in str(caught.value)


@pytest.mark.parametrize("other", ["3", None, 3j, [1.0], object()])
@pytest.mark.parametrize(
    "operation", ["__add__", "__radd__", "__mul__", "__rmul__", "__sub__", "__truediv__", "__pow__"]
)
def test_operands_are_checked(other, operation):
    with pytest.raises(TypeError, match="takes a real number"):
        getattr(Value(1.0), operation)(other)


def test_setting_data_and_grad_is_checked():
    v = Value(1.0)
    v.data = np.float32(2)
    assert type(v.data) is float
    with pytest.raises(TypeError, match=r"Value\.data takes a real number"):
        v.data = "2"
    v.grad = 1
    assert v.has_grad
    v.grad = None
    assert not v.has_grad
    with pytest.raises(TypeError, match=r"Value\.label takes a str"):
        v.label = 3


@pytest.mark.parametrize("lossy", [float, int, math.exp, math.sqrt, np.float64])
def test_what_would_lose_the_gradient_raises(lossy):
    with pytest.raises(TypeError, match="lose the gradient silently"):
        lossy(Value(1.0))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda x: x.log(), "log(x) is undefined at x = 0.0 (it needs x > 0)"),
        (lambda x: (x - 1).sqrt(), "sqrt(x - 1) is undefined at x - 1 = -1.0"),
        (lambda x: x.sqrt(), "the slope of sqrt(x) is not finite at x = 0.0"),
        (lambda x: (x - 1) ** 0.5, "(x - 1) ** 0.5 is undefined at x - 1 = -1.0"),
        (lambda x: 1 / x, "1 / x is undefined at x = 0.0 (it needs x != 0)"),
        (lambda x: (x + 1000).exp(), "exp(x + 1000) overflows at x + 1000 = 1000.0"),
        (lambda x: (x + 10) ** 400, "(x + 10) ** 400 overflows at x + 10 = 10.0"),
        (lambda x: x**x, "the slope of x ** x is not finite at x = 0.0"),
        (lambda x: x**-1, "x ** -1 is undefined at x = 0.0"),
    ],
)
def test_domain_errors_name_op_operands_and_labels(make, message):
    with pytest.raises(DomainError) as caught:
        make(Value(0.0, "x"))
    assert message in str(caught.value)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, ArithmeticError)


def test_forward_alone_is_defined_where_only_the_slope_is_not():
    with gg.no_grad():
        assert Value(0.0).sqrt().data == 0.0


def test_zero_exponents():
    x = Value(0.0)
    y = x**0
    y.backward()
    assert (y.data, x.grad) == (1.0, 0.0)
    x = Value(-2.0)
    y = x**3
    y.backward()
    assert (y.data, x.grad) == (-8.0, 12.0)


def test_inputs_slopes_and_ops():
    x = Value(3.0)
    y = x * x
    assert y.inputs == (x, x)
    assert y.slopes == (3.0, 3.0)
    z = 2 - y
    two, same = z.inputs
    assert (two.op, two.data, same) == ("const", 2.0, y)
    assert z.inputs[0] is two, "a constant stays the same node once it was looked at"
    assert z.slopes == (None, -1.0)
    assert (x.op, y.op, z.op, (-z).op) == ("", "mul", "sub", "neg")


def test_later_changes_of_data_do_not_corrupt_gradients():
    x, w = Value(2.0), Value(3.0)
    y = x * w
    x.data, w.data = 100.0, 200.0
    y.backward()
    assert (x.grad, w.grad) == (3.0, 2.0)
    with pytest.raises(ValueError, match="changed after"):
        gg.grad(y, x, create_graph=True)


def test_sum_leaves_no_stray_zero():
    values = [Value(1.0), Value(2.0)]
    assert sum(values).inputs == tuple(values)
    assert gg.sum(values).inputs == tuple(values)
    assert gg.sum(v for v in values).data == 3.0
    assert gg.sum([]) == 0.0  # as for numbers alone: a float


def test_dot():
    w, x, b = [Value(1.0), Value(2.0)], [Value(3.0), Value(4.0)], Value(5.0)
    y = gg.dot(w, x, b)
    y.backward()
    assert y.data == 16.0
    assert [v.grad for v in (*w, *x, b)] == [3.0, 4.0, 1.0, 2.0, 1.0]
    assert gg.dot(w, [3, 4.0], 5).data == 16.0
    assert gg.dot([1, 2], [3, 4]) == 11.0
    assert gg.dot(w, x).op == "dot"
    y = gg.dot(w, (v for v in x), 5)
    assert y.slopes == (3.0, 4.0, 1.0, 2.0, None)
    for wrong in ([Value(1.0)], []):
        with pytest.raises(ValueError, match="equally long; got 2 for w and"):
            gg.dot(w, wrong, b)
    with pytest.raises(TypeError, match="takes a list"):
        gg.dot(w[0], x[0])
    with pytest.raises(TypeError, match="takes a real number"):
        gg.dot(w, ["a", "b"])


def test_functions_on_numbers_give_numbers():
    assert gg.tanh(0.5) == math.tanh(0.5)
    assert gg.max(1, 2.0) == 2.0
    assert gg.leaky_relu(-1) == -0.01
    with pytest.raises(DomainError):
        gg.log(0.0)
    with pytest.raises(TypeError, match=r"takes 1 positional argument but 2 were given"):
        gg.tanh(1.0, 2.0)
    with pytest.raises(AttributeError, match="nonsense"):
        gg.nonsense  # noqa: B018  # the access is what is tested


def test_ordering_equality_truth_and_format():
    a, b = Value(1.0), Value(2.0)
    assert a < b
    assert a <= 1
    assert b < 3
    assert sorted([b, a]) == [a, b]
    assert a != Value(1.0)
    assert a == a  # identity is what is tested
    assert len({a, Value(1.0)}) == 2
    assert a
    assert not Value(0.0)
    assert f"{b:.2f}" == "2.00"
    with pytest.raises(TypeError, match="comparison"):
        assert a < "x"


def test_repr():
    x = Value(2.0, "x")
    assert repr(x) == "Value(2.0, label='x')"
    assert f"{x}" == repr(x)
    x.backward()
    assert repr(x) == "Value(2.0, label='x', grad=1.0)"
    assert repr(Value(1.0).grad) == "0.0 (not computed)"
    assert f"{Value(1.0).grad:.4f}" == "0.0000"


def test_no_grad_and_detach():
    x = Value(2.0, "x")
    with gg.no_grad():
        y = x * x
        with gg.no_grad():
            pass
        assert (x * x).inputs == ()
    assert (x * x).inputs == (x, x)
    with pytest.raises(ValueError, match="no_grad"):
        y.backward()
    d = (x * 3).detach()
    assert (d.data, d.inputs) == (6.0, ())
    with pytest.raises(ValueError, match="nothing was recorded"):
        d.backward()
    with pytest.raises(RuntimeError, match="boom"), gg.no_grad():
        raise RuntimeError("boom")
    assert (x * x).inputs == (x, x)


def test_no_grad_is_per_thread():
    seen = []
    with gg.no_grad():
        thread = threading.Thread(target=lambda: seen.append((Value(2.0) * 2).op))
        thread.start()
        thread.join()
    assert seen == ["mul"]


def test_numpy_interplay():
    v, w = Value(1.0), Value(2.0)
    row = np.array([v, w])
    assert (row @ np.array([3.0, 4.0])).data == 11.0
    assert [y.data for y in np.tanh(row)] == [math.tanh(1.0), math.tanh(2.0)]
    assert [y.op for y in np.exp(row)] == ["exp", "exp"]
    assert [y.data for y in v * np.array([1.0, 2.0])] == [1.0, 2.0]
    assert [y.data for y in np.array([1.0, 2.0]) * v] == [1.0, 2.0]
    assert [y.data for y in 1 / row] == [1.0, 0.5]
    assert (np.float64(2.0) * v).op == "mul"
    assert np.abs(-row)[1].data == 2.0
    assert row.sum().data == 3.0
    assert [y.data for y in row**2] == [1.0, 4.0]


def test_a_million_nodes_in_a_chain():
    gc.collect()
    tracemalloc.start()
    x = y = Value(1.0)
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(500_000):
        y = y * 1.0000001 + 1e-7
    y.backward()
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert used / 1_000_000 <= 212  # 32 of them, on Python 3.11, so that any attribute may be set
    assert x.grad == pytest.approx(1.0000001**500_000, rel=1e-9)
    assert gg.grad(y, x) == x.grad
    del y
    gc.collect()


def test_a_chain_of_a_million_can_be_stepped_through():
    y = Value(1.0, "x")
    x = y
    for _ in range(1_000_000):
        y = -y
    walk = gg.steps(y)
    assert len(walk) == 1_000_001 + 1 + 1_000_000
    assert [step.new for step in walk[-3:]] == [-1.0, 1.0, -1.0][::-1] or walk[-1].new == 1.0
    assert walk[500_000].phase == "forward"
    assert walk.graph.nodes[0].label == "x"
    del x, y, walk


def test_a_sum_of_a_million_terms():
    terms = [Value(1.0) for _ in range(1_000_000)]
    for total in (gg.sum(terms), sum(terms)):
        total.backward()
        assert total.data == 1e6
    assert {v.grad for v in terms} == {2.0}
