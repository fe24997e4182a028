"""`Value` as a number, as a node, and as a neighbour of NumPy."""

from __future__ import annotations

import gc
import math
import statistics
import threading
import tracemalloc
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import DomainError, Value
from glassgrad.engine.core import habits


class Scalar:
    """Like a scalar tensor of a library that is not installed here."""

    shape, requires_grad = (), False

    def __float__(self):
        return 1.5


@pytest.mark.parametrize(
    "given",
    [
        *(3, 3.0, True, Fraction(3), Decimal("1.5"), Scalar()),
        *(np.float64(3), np.float32(3), np.int64(3), np.uint8(3), np.bool_(True), np.array(1.5), np.array(3)),
    ],
)
def test_real_numbers_become_floats(given):
    assert type(Value(given).data) is float
    assert (Value(2.0) * given).data == 2.0 * float(given)
    if not isinstance(given, Scalar):  # whose own arithmetic would have to give way
        assert (given * Value(2.0)).data == 2.0 * float(given)
    assert (Value(2.0) ** given).data == 2.0 ** float(given)
    assert gg.max(Value(0.5), given).data == gg.sum([Value(0.0), given]).data == float(given)
    assert Value(9.0) > given


@pytest.mark.parametrize(
    "given", [10**400, Decimal("1e400"), Fraction(10**400, 3), pytest.param(-(10**5000), id="very large")]
)
def test_a_number_too_large_for_a_float_is_refused(given):
    for use in (Value, lambda x: Value(1.0) * x, lambda x: setattr(Value(1.0), "data", x)):
        with pytest.raises(OverflowError, match="a number up to"):
            use(given)
    assert Value(Decimal("inf")).data == math.inf


def test_a_tracked_tensor_is_refused():
    tracked = Scalar()
    tracked.requires_grad = True
    with pytest.raises(TypeError, match="has a gradient of its own"):
        Value(tracked)


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


@pytest.mark.parametrize(
    ("lossy", "way_out"),
    [
        *((f, "use .data for the number, and v.exp()") for f in (float, math.exp, math.sqrt, np.float64, math.floor)),
        ("%.3f".__mod__, "use .data"),
        (lambda v: np.array([v], float), "use .data"),
        (lambda v: math.hypot(v, v), "use .data"),
        (int, r"use int\(v.data\)"),
        (lambda v: [1, 2, 3][v], r"use int\(v.data\)"),
        (range, "by a one-hot list"),
        (round, r"use round\(v.data, digits\)"),
        (lambda v: round(v, 2), r"use round\(v.data, digits\)"),
        (lambda v: v // 2, r"\(v - v % c\) / c"),
        (lambda v: 2 // v, r"\(v - v % c\) / c"),
        (lambda v: divmod(v, 2), "use v % c for the rest"),
        (lambda v: divmod(2, v), "use v % c for the rest"),
        (lambda v: statistics.mean([v, v]), r"sum\(values\) / len\(values\)"),
        (lambda v: statistics.fmean([v, v]), "use .data"),
        (lambda v: statistics.stdev([v, v]), r"sum\(values\) / len\(values\)"),
    ],
)
def test_what_would_lose_the_gradient_raises(lossy, way_out):
    with pytest.raises(TypeError, match=f"lose the gradient silently: .*{way_out}"):
        lossy(Value(1.0, "v"))


def test_what_works_with_values():
    v, w = Value(3.0), Value(5.0)
    assert f"{v:.3f} {v:>8.1f}" == "3.000      3.0"
    results = [sum([v, w]) / 2, math.prod([v, w]), np.mean([v, w]), np.std([v, w]), np.dot([v, w], [1, 2]), v % 2]
    results += [np.linalg.norm([v, w]), np.array(2.0) * v, np.float64(2) * v, np.maximum(v, 1), np.sqrt(v), abs(v)]
    assert [y.data for y in results] == pytest.approx([4, 15, 4, 1, 13, 1, 34**0.5, 6, 6, 3, 3**0.5, 3])
    assert gg.grad(np.std([v, w]), v) == -0.5


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
    assert a != b
    assert a == a  # identity is what is tested
    assert len({a, Value(1.0)}) == 2
    assert a
    assert not Value(0.0)
    assert f"{b:.2f}" == "2.00"
    with pytest.raises(TypeError, match="comparison"):
        assert a < "x"


@pytest.mark.parametrize("number", [2, 2.0, True + 1, np.float64(2), np.float32(2), Fraction(2)])
def test_a_value_equals_the_number_it_holds(number):
    v, other = Value(2.0), Value(1.0)
    assert v == number
    assert number == v
    assert not v != number  # noqa: SIM202  # `!=` is what is tested
    assert other != number
    assert v in [0, number]
    assert [0, number].index(v) == 1


@pytest.mark.parametrize("thing", [None, "2.0", [2.0], 10**400, object(), 1j])
def test_a_value_equals_nothing_that_is_no_number(thing):
    assert Value(2.0) != thing
    assert thing != Value(2.0)


def test_two_values_are_equal_if_they_are_one_node_and_asking_for_more_is_said():
    a, b = Value(2.0), Value(2.0)
    assert a == a  # identity is what is tested
    assert a != Value(3.0)
    with pytest.warns(RuntimeWarning, match=r"whether two Values are the same node.*both are 2\.0: write a\.data == b"):
        assert not a == b  # noqa: SIM201  # `==` is what is tested
    assert b not in [a]  # a list of visited nodes means the node itself: no warning
    assert [a, b].index(b) == 1
    assert Value(math.nan) != math.nan


def test_hashing_and_equality_of_nodes_are_pythons_own_speed():
    """Graphs are walked with dicts and sets of Values: no Python function may run for it."""
    assert Value.__hash__ is object.__hash__ or habits._hashing.changes >= habits.CHANGES_OF_CLASS
    nodes = [Value(1.0) for _ in range(100)]
    assert len({*nodes, *nodes}) == 100
    assert [nodes.index(v) for v in nodes[:1]] == [0]


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


def test_the_derivative_of_what_was_not_recorded_is_refused():
    x = Value(2.0, "x")
    with gg.no_grad():
        y = x * x
    recorded = x * x
    with gg.no_grad():
        slope = gg.grad(recorded, x, create_graph=True)
    for lost in (y, slope, x.detach()):
        for ask in (lambda v=lost: gg.grad(v, x), lambda v=lost: gg.grad(v, [x]), lost.backward):
            with pytest.raises(ValueError, match=r"nothing was recorded behind it"):
                ask()
    assert slope.data == 4.0
    assert gg.grad(gg.grad(3 * x, x, create_graph=True), x) == 0.0  # a constant is known to be one
    with pytest.raises(TypeError, match="grad takes the result, a Value, first, got float"):
        gg.grad(2.0, x)


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


def test_a_long_chain_can_be_stepped_through():
    y = Value(1.0, "x")
    x = y
    for _ in range(200_000):
        y = -y
    walk = gg.steps(y)
    assert len(walk) == 200_001 + 1 + 200_000
    assert [step.new for step in walk[-3:]] == [1.0, -1.0, 1.0]
    assert walk[100_000].phase == "forward"
    assert walk.graph.nodes[0].label == "x"
    del x, y, walk


def test_a_sum_of_a_million_terms():
    terms = [Value(1.0) for _ in range(1_000_000)]
    for total in (gg.sum(terms), sum(terms)):
        total.backward()
        assert total.data == 1e6
    assert {v.grad for v in terms} == {2.0}


@pytest.mark.parametrize(
    ("make", "error", "also"),
    [
        (lambda x: 1 / x, "1 / x is undefined at x = 0.0 (it needs x != 0)", ZeroDivisionError),
        (lambda x: x**-1, "x ** -1 is undefined at x = 0.0", ZeroDivisionError),
        (lambda x: x.reciprocal(), "1 / x is undefined at x = 0.0", ZeroDivisionError),
        (lambda x: 2 % x, "mod(2, x) is undefined", ZeroDivisionError),
        (lambda x: (x + 800).exp(), "exp(x + 800) overflows at x + 800 = 800.0", OverflowError),
        (lambda x: (x + 10) ** 400, "(x + 10) ** 400 overflows", OverflowError),
        (lambda x: (x - 2).log(), "log(x - 2) is undefined at x - 2 = -2.0 (it needs x - 2 > 0)", ValueError),
        (lambda x: gg.log(0), "log(0) is undefined (it needs a > 0)", ValueError),
        (
            lambda x: Value(0.0) / Value(0.0),
            "a / b is undefined at a = 0.0, b = 0.0 (it needs b != 0)",
            ArithmeticError,
        ),
        (
            lambda x: Value(1.0, "b") / Value(0.0),
            "b / b' is undefined at b = 1.0, b' = 0.0 (it needs b' != 0)",
            ValueError,
        ),
        (lambda x: 1 / gg.sum([x, x]), "1 / b is undefined at b = 0.0", ZeroDivisionError),
        (lambda x: 1 / ((x * 1.23456 + 2.34567) * (x * 4.56789)), "1 / b is undefined at b = 0.0", ZeroDivisionError),
        (lambda x: Value(-1.0, "a\x1b[31m").sqrt(), r"sqrt(a\x1b[31m) is undefined at a\x1b[31m = -1.0", ValueError),
    ],
)
def test_domain_errors_are_those_of_python_in_the_users_own_names(make, error, also):
    with pytest.raises(DomainError) as caught:
        make(Value(0.0, "x"))
    assert str(caught.value).startswith(error)
    assert isinstance(caught.value, (also, ValueError))
    assert isinstance(caught.value, also)
