"""How the compiler watches a trace: what it says, what it leaves as it was, and that it ends."""

from __future__ import annotations

import cProfile
import math
import random
import re
import sys
import threading
import time
from itertools import pairwise  # Python 3.10 has it

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import CompileError, DomainError, Value, nn
from glassgrad.engine import remove_op
from glassgrad.engine.core import habits
from glassgrad.engine.core.origin import STATE

W = Value(0.7, "w")


def refused(function, *example, match):
    with pytest.raises(CompileError, match=match) as caught:
        gg.compile(function, example=example or (1.0,), params=[W])
    assert STATE.watched == 0
    return str(caught.value)


def test_the_first_line_is_short_and_the_second_names_cures_that_exist():
    def function(x):
        return W if x == 1 else -W

    first, second = refused(function, match="another path").splitlines()
    assert len(first) <= 120 + len("test_compile_refuses.py")
    assert "x == 1" in first
    for name in re.findall(r"gg\.(\w+)", second):
        assert callable(getattr(gg, name))
    assert {"where", "max"} <= set(re.findall(r"gg\.(\w+)", second))


def test_a_refusal_that_the_function_catches_is_one_all_the_same():
    def function(x):
        try:
            return W * x.data
        except Exception:  # as people write it
            return W * 1.0

    assert "x.data" in refused(function, match=r"\.data is read")


def test_the_user_s_line_is_named_also_below_a_library_and_in_another_thread():
    def least(xs):
        return W * np.sort(np.array(xs))[0]

    def side(x):
        return W if x > 0 else -W

    assert "np.sort" in refused(least, [1.0, 2.0], match="test_compile_refuses")
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(refused(side, match="x > 0")))
    thread.start()
    thread.join()
    assert found


@pytest.mark.parametrize("bound", [1e-9, -1.0])
def test_a_loop_over_data_ends(bound):
    """The second one never ends by itself once the data move."""

    def newton(x):
        root = x
        while abs(root * root - x) > bound:
            root = (root + x / root) * 0.5
            if bound < 0 and root == 1.0:
                break
        return W * root

    start = time.perf_counter()
    refused(newton, match="another path")
    assert time.perf_counter() - start < 20


def test_a_loop_that_ends_only_at_first_is_refused():
    calls = []

    def f(x):
        calls.append(x)
        while len(calls) > 1 and x < 1e9:
            pass
        return W * x

    with pytest.raises(gg.CompileError, match=r"another graph when it is traced again on the same numbers, in .*def f"):
        gg.compile(f, example=(1.0,), params=[W])


@pytest.mark.parametrize(
    "function", [lambda x: W * x if random.random() < 2 else x, lambda x: _log_or_none(x + 3) or x]
)
def test_a_profiler_does_not_hide_anything_and_goes_on(function):
    profiler = cProfile.Profile()
    profiler.enable()
    try:
        with pytest.raises(gg.CompileError, match=r"random numbers|error would be caught"):
            gg.compile(function, example=(1.0,), params=[W])
        math.dist([0.0], [1.0])
    finally:
        profiler.disable()
    assert "math.dist" in str([entry.code for entry in profiler.getstats()])


def _log_or_none(v):
    try:
        return gg.log(v)
    except gg.DomainError:
        return None


def test_a_trace_moves_no_number_that_another_thread_may_read_or_write():
    seen = set()

    def slow(x):
        seen.add(W._data)
        return W * x

    before = W.data
    gg.compile(slow, example=(1.0,), params=[W])
    assert seen == {before}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.ma.masked_array([1.0, 2.0], mask=[0, 1]), "x must hold real numbers, got one with masked numbers"),
        (np.array(["2.0"], dtype=object), "x takes a real number, got str '2.0'"),
        ([None], "x takes a real number, got NoneType None"),
        ([10**400], "x takes a number up to 1.8e308"),
        ([[1.0], [2.0, 3.0]], "in rows of equal length"),
        (iter([1.0]), "x takes a real number, got list_iterator"),
    ],
)
@pytest.mark.filterwarnings("ignore:Creating an ndarray from ragged")  # of NumPy below 1.24
def test_what_is_no_array_of_numbers_is_refused(given, message):
    program = gg.compile(lambda x: W * x, example=(1.0,), params=[W], backend="numpy")
    for call in (program.run, program.value_and_grad):
        with pytest.raises(gg.CompileError, match=re.escape(message)):
            call(given)


@pytest.mark.parametrize("backend", ["numpy", "python"])
def test_run_leaves_the_gradient_of_the_call_before(backend):
    x = Value(2.0)
    program = gg.compile(W * x * x, params=[W], inputs=[x], backend=backend)
    gradient = program.value_and_grad([3.0])[1]
    program.run([5.0])
    assert gradient.tolist() == [9.0]


def test_sorting_many_values_is_refused_soon():
    start = time.perf_counter()
    refused(lambda xs: W * sorted(xs)[0], np.random.default_rng(0).normal(size=300).tolist(), match="sorted")
    assert time.perf_counter() - start < 20


def test_comparisons_beyond_the_first_eight_are_turned_round():
    def function(xs):
        total = W
        for i, v in enumerate(xs):
            total = total + v
            if v > (1000 if i == 150 else -1e300) and i == 150:
                total = total * 2
        return total

    refused(function, [0.5] * 200, match="another path")


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda x: x + len(5), "the function raises TypeError: object of type 'int' has no len"),
        (lambda x: x & 1, "the function does not take Values: unsupported operand"),
    ],
)
def test_a_type_error_of_the_user_s_is_told_from_a_value_that_is_refused(function, says):
    assert refused(function, match=says)


def test_the_class_is_changed_once_per_compile(monkeypatch):
    monkeypatch.setattr(habits._hashing, "changes", 0)
    gg.compile(lambda x: x * 2, example=(1.0,))  # traced five times
    assert habits._hashing.changes == 1


def test_other_threads_are_not_watched():
    """While one thread traces, another reads, compares and hashes its Values as ever."""
    wrong: list[Exception] = []
    done = threading.Event()

    def others():
        v = Value(2.0)
        try:
            while not done.is_set():
                assert {v: 1}[v] == 1
                assert v.data == 2.0
                assert v == 2
                assert f"{v:.0f}" == "2"
        except Exception as error:
            wrong.append(error)

    thread = threading.Thread(target=others)
    thread.start()
    try:
        for _ in range(30):
            gg.compile(lambda x: (W * x).tanh(), example=(1.0,), params=[W])
    finally:
        done.set()
        thread.join()
    assert not wrong
    assert STATE.watched == 0


def test_a_function_that_compiles_another():
    def outer(x):
        inner = gg.compile(lambda t: (W * t).tanh(), example=(1.0,), params=[W])
        return W * x + float(inner.run([0.5])[0])

    with pytest.raises(CompileError, match="program of glassgrad's hands out numbers"):
        gg.compile(outer, example=(1.0,), params=[W])
    assert STATE.watched == 0


def test_compile_within_no_grad():
    with gg.no_grad():
        program = gg.compile(lambda x: (W * x).exp(), example=(1.0,), params=[W])
        with pytest.raises(CompileError, match="nothing was recorded behind the result"):
            gg.compile(W * 2.0, params=[W])
    value, gradient = program.value_and_grad([2.0])
    assert (value, gradient[0]) == pytest.approx((np.exp(1.4), 2 * np.exp(1.4)))


def test_fit_trains_on_the_true_loss_where_rare_targets_take_another_path():
    """10 rows of 1,000: no probe need hit one of them."""
    numbers = np.random.default_rng(3)
    inputs = numbers.normal(size=(1000, 2))
    targets = np.zeros(1000)
    targets[numbers.choice(1000, 10, replace=False)] = 1.0

    def loss(output, target):
        if target == 1:
            return (output - 7.0) ** 2
        return output**2

    def trained(compiled):
        model = nn.MLP(2, [1], seed=1)
        history = nn.fit(model, inputs, targets, loss=loss, epochs=2, batch_size=250, compiled=compiled)
        return history.engine, [p.data for p in model.parameters()]

    why = "the function takes another path for other data, at test_compile_refuses.py:"
    with pytest.warns(RuntimeWarning, match=f"fit uses the slower, eager engine: {why}"):
        engine, parameters = trained(compiled=True)
    assert engine.startswith(f"eager: {why}")
    assert "\n" not in engine
    assert parameters == trained(compiled=False)[1]


def test_numbers_around_a_kink_of_an_op_are_no_path():
    program = gg.compile(lambda x: gg.max(W * x, 0.0) + gg.where(x - 1000.0, x, W), example=(1.0,), params=[W])
    assert program.run([2.0, -3.0, 2000.0]) == pytest.approx([2.1, 0.7, 3400.0])


# -- ops of the user's own ------------------------------------------------------------------------------------

OWN = {
    "two_steps": ("a", "(1 if a > 0 else 0) + (1 if a > 1 else 0)", "0", ""),
    "ramp": ("a", "max(min(a, 1), -1)", "(1 if a > -1 else 0) * (1 if a < 1 else 0)", ""),
    "ramp_less": ("a", "max(min(a, 1), -1)", "(1 if a > -1 else 0) - (1 if a > 1 else 0)", ""),
    "exp_of_choice": ("a", "exp(1 if a > 0 else 0) * a", "exp(1 if a > 0 else 0)", ""),
    "s0_s1": ("s0 s1", "s0 * s1 * s1", "s1 * s1 ; 2 * s0 * s1", ""),
    "let_v": ("a b", "v * b", "2 * a * b ; v", "v = a * a"),
    "let_g0": ("v0 v1", "v0 * k", "k ; v0", "k = v1 * 1 ; g0 = k + 1"),
    "v5": ("x0 x1", "x0 * x1", "x1 ; x0", ""),
    "s_4": ("x e", "x * e * e", "e * e ; 2 * x * e", ""),
    "calls": ("x0 x1", "v5(x0, x1) + s_4(x0, x1)", "x1 + x1 * x1 ; x0 + 2 * x0 * x1", ""),
    "t_": ("a b", "a * b + abs(a * b)", "b + b * (1 if a * b > 0 else -1) ; a + a * (1 if a * b > 0 else -1)", ""),
    "g_s": ("a b", "a * b", "b ; a", ""),
    "W": ("a b", "a * b + a", "b + 1 ; a", ""),
    "p": ("p0 p1", "p0 * p1", "p1 ; p0", ""),
    "matmul": ("a b", "a * b", "b ; a", ""),
}


@pytest.fixture(scope="module")
def own_ops():
    for name, (inputs, forward, slopes, let) in OWN.items():
        gg.define_op(name, name, inputs, forward, slopes, let=let)
    yield
    for name in reversed(OWN):
        remove_op(name)


@pytest.mark.usefixtures("own_ops")
@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("backend", ["numpy", "python"])
def test_names_and_truth_values_in_an_op_of_ones_own(name, backend):
    op = getattr(gg, name)
    a, b, c, z = params = [Value(x) for x in (0.3, -0.5, 0.7, 2.5)]

    def of(x, y):
        return op(x) if len(gg.OPS[name].inputs) == 1 else op(x, y)

    root = of(of(z * a, b), c) + of(b, z) * 2 + of(c, a) * b + (of(b, a) + b * c + a) * 0.5 + of(a * 3, z) + a * b
    program = gg.compile(root, params=params, backend=backend)
    value, gradient = program.value_and_grad()
    assert value == pytest.approx(root.data, rel=1e-13)
    assert gradient == pytest.approx(gg.grad(root, params), rel=1e-12, abs=1e-13)
    batch = gg.compile(lambda x, y: of(of(z * x, b), y) + of(x, y) * c, example=(0.3, 0.7), params=params)
    for n in (1, 5):
        xs, ys = np.random.default_rng(n).normal(size=(2, n))
        losses = [of(of(z * Value(x), b), Value(y)) + of(Value(x), Value(y)) * c for x, y in zip(xs, ys)]
        mean = gg.sum(losses) / n
        value, gradient = batch.value_and_grad(xs, ys)
        assert value == pytest.approx(mean.data, rel=1e-12)
        assert gradient == pytest.approx(gg.grad(mean, params), rel=1e-12, abs=1e-13)


# -- programs -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recorded", [False, True])
def test_one_program_in_many_threads(recorded):
    model = nn.MLP(2, [6, 1], activation="tanh", seed=1)
    batches = [np.random.default_rng(i).normal(size=(2,) if recorded else (200 + i % 3, 2)) for i in range(8)]
    if recorded:
        x = [Value(0.1), Value(0.2)]
        program = gg.compile(model(x), params=model.parameters(), inputs=x)
    else:
        program = gg.compile(lambda x: model(x), example=([0.0, 0.0],), params=model.parameters())
    expected = [(program.value_and_grad(b)[0], program.value_and_grad(b)[1].copy(), program.run(b)) for b in batches]
    wrong = []

    def work(i):
        for _ in range(100):
            value, gradient = program.value_and_grad(batches[i])
            if value != expected[i][0] or not np.array_equal(gradient, expected[i][1]):
                wrong.append(i)
            wrong.extend(i for _ in range(5) if not np.array_equal(program.run(batches[i]), expected[i][2]))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # so that threads change places in the midst of `run`
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert not wrong


def test_threads_share_the_parameters_and_each_has_its_gradient():
    program = gg.compile(lambda x: W * x, example=(1.0,), params=[W])
    mine = program.value_and_grad([2.0])[1]
    theirs = []
    thread = threading.Thread(target=lambda: theirs.append(program.value_and_grad([5.0])[1]))
    thread.start()
    thread.join()
    assert (mine[0], theirs[0][0]) == (2.0, 5.0)
    program.params[0] = 3.0
    thread = threading.Thread(target=lambda: theirs.append(program.run([5.0])))
    thread.start()
    thread.join()
    assert theirs[1].tolist() == [15.0]


@pytest.mark.parametrize("backend", ["auto", "numpy", "python"])
def test_run_and_value_and_grad_agree_where_the_order_of_a_sum_matters(backend):
    leaves = [Value(x) for x in (1e300, 0.5, -1e300)]
    ones = [Value(1.0), Value(1.0)]
    for root in (gg.sum(leaves), leaves[0] + leaves[1] + leaves[2], gg.dot(leaves[:2], ones, leaves[2])):
        program = gg.compile(root, params=leaves, backend=backend)
        kept = program.value_and_grad()
        gradient = kept[1].copy()
        assert program.run() == kept[0]
        assert np.array_equal(kept[1], gradient)
        assert backend == "numpy" or kept[0] == root.data


def test_run_gives_a_value_where_only_the_slope_is_undefined():
    program = gg.compile(W.sqrt(), params=[W])
    program.params[0] = 0.0
    assert program.run() == 0.0
    with pytest.raises(DomainError, match="no finite slope"):
        program.value_and_grad()


# -- softmax and logsumexp ------------------------------------------------------------------------------------


@pytest.mark.parametrize("numbers", [[0.3], [1.0, 2.0, 3.0], [1e4, -1e4, 0.0], [-1e4] * 3, [5.0, 5.0, -2.0, 1e3]])
@pytest.mark.parametrize("wrapped", [True, False])
def test_softmax_and_logsumexp(numbers, wrapped):
    values = [Value(x) for x in numbers] if wrapped else numbers
    top = max(numbers)
    powers = np.exp(np.array(numbers) - top)
    shares, total = powers / powers.sum(), top + np.log(powers.sum())
    found, whole = gg.softmax(values), gg.logsumexp(values)
    assert [getattr(p, "data", p) for p in found] == pytest.approx(shares.tolist(), rel=1e-14)
    assert getattr(whole, "data", whole) == pytest.approx(total, rel=1e-14)
    if wrapped:
        assert gg.grad(whole, values) == pytest.approx(shares.tolist(), rel=1e-12, abs=1e-15)
        for i, p in enumerate(found):
            slopes = shares[i] * (np.eye(len(numbers))[i] - shares)
            assert gg.grad(p, values) == pytest.approx(slopes.tolist(), rel=1e-12, abs=1e-15)
        program = gg.compile(lambda x: gg.logsumexp(x) + gg.softmax(x)[0], example=(numbers,))
        assert program.run([numbers, numbers]) == pytest.approx([total + shares[0]] * 2, rel=1e-14)


def test_softmax_of_values_and_numbers_mixed_takes_any_iterable():
    a = Value(1.0)
    mixed = gg.softmax(iter([a, 2.0, np.float64(3.0)]))
    assert sum(p.data for p in mixed) == pytest.approx(1.0)
    assert gg.gradcheck(lambda x, y: gg.logsumexp([x, y, 0.5]) * gg.softmax((x, y))[1], [0.3, -0.2]).ok
    assert list(pairwise(gg.softmax([1.0, 1.0]))) == [(0.5, 0.5)]


@pytest.mark.parametrize("function", [gg.softmax, gg.logsumexp])
@pytest.mark.parametrize(
    ("given", "error"), [([], ValueError), (3.0, TypeError), ("12", TypeError), ([None], TypeError)]
)
def test_softmax_refuses_what_is_no_list_of_numbers(function, given, error):
    with pytest.raises(error, match=function.__name__):
        function(given)


@pytest.mark.parametrize("x", [1e104, 1e200, 1.7e308, -1e104, -1e200, -1.7e308, 150.0, -150.0, 101.0, -101.0])
def test_gelu_of_huge_numbers(x):
    v = Value(x)
    assert (v.gelu().data, gg.grad(v.gelu(), v)) == ((x, 1.0) if x > 0 else (0.0, 0.0))
    program = gg.compile(lambda t: (W * 0.0 + t).gelu(), example=(1.0,), params=[W])
    assert program.run([x, 1.0])[0] == max(x, 0.0)


def test_after_many_traces_hashing_is_still_watched_and_the_class_is_changed_no_more(monkeypatch):
    monkeypatch.setattr(habits._hashing, "changes", 0)
    monkeypatch.setattr(habits, "CHANGES_OF_CLASS", 1)
    for _ in range(2):
        gg.compile(lambda x: x * 2, example=(1.0,))
        assert habits._hashing.changes == 1
        with pytest.raises(gg.CompileError, match="is looked up in a dict"):
            gg.compile(lambda x: x * len({x: 1}), example=(1.0,))
    assert len({gg.Value(1.0), gg.Value(1.0)}) == 2
    monkeypatch.setattr(habits, "CHANGES_OF_CLASS", 9)
    gg.compile(lambda x: x * 2, example=(1.0,))  # and goes back
    assert gg.Value.__hash__ is object.__hash__


@pytest.mark.parametrize("backend", ["numpy", "python"])
@pytest.mark.parametrize(
    "function",
    [
        lambda x: gg.max(x * W, -np.inf),
        lambda x: gg.min(x * W, np.inf),
        lambda x: gg.where(x, x * W, -np.inf),
        lambda x: gg.logsumexp([x * W, -np.inf]),
    ],
)
def test_infinite_constants(function, backend):
    program = gg.compile(function, example=(2.0,), params=[W], backend=backend)
    assert program.run([1.0]) == pytest.approx([0.7])
    assert program.value_and_grad([1.0])[1] == pytest.approx([1.0])
