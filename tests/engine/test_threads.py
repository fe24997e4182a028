"""Several threads at once: each gets its own right numbers, and nothing is left changed."""

import pickle
import sys
import threading
import time

import pytest

import glassgrad as gg
from glassgrad import Value, nn
from glassgrad.engine.core.origin import LOCK


@pytest.fixture(autouse=True)
def switch_often():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def at_once(*jobs):
    """What the jobs return, each run in a thread of its own; their errors are raised."""
    found, failed = [None] * len(jobs), []
    start = threading.Barrier(len(jobs))

    def run(i):
        try:
            start.wait()
            found[i] = jobs[i]()
        except Exception as error:  # raised below
            failed.append(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return found


def test_checks_of_the_same_leaves():
    leaves = [Value(0.1 * i + 0.05, f"x{i}") for i in range(12)]
    before = [v.data for v in leaves]

    def check():
        return gg.gradcheck(lambda: gg.sum([(v * v).tanh() for v in leaves]), leaves)

    reports = at_once(*[check] * 4)
    assert all(report.ok for report in reports)
    assert len({str(report) for report in reports}) == 1
    assert [v.data for v in leaves] == before
    assert not any(v.has_grad for v in leaves)


def test_a_writer_during_a_check_is_noticed_and_keeps_its_number():
    x, calls = Value(2.0, "x"), []

    def f():
        calls.append(x.data)
        if len(calls) == 3:
            x.data = 7.0
        return x * x

    with pytest.raises(RuntimeError, match="was changed while gradcheck moved it"):
        gg.gradcheck(f, [x])
    assert calls[0] == 2.0 and x.data == 7.0


def test_a_signal_handler_may_set_a_number_in_the_midst_of_a_change():
    x, y = Value(2.0), Value(3.0)
    with LOCK:  # as `change` holds it when the handler comes
        y.data = 4.0
    x.data = 5.0
    assert (x.data, y.data) == (5.0, 4.0)


def test_slopes_of_a_rule_are_measured_by_one_thread_at_a_time():
    x, running = Value(0.5, "x"), []
    out, most = Value(0.25, (x,), "square"), []

    def rule():
        running.append(1)
        most.append(len(running))
        time.sleep(0.002)
        x.grad += 2 * x.data * out.grad
        running.pop()

    out._backward = rule
    assert at_once(*[lambda: [out.slopes for _ in range(5)] == [(1.0,)] * 5] * 4) == [True] * 4
    assert max(most) == 1


def test_a_check_beside_backward_and_grad():
    x, w = Value(0.5, "x"), Value(1.5, "w")
    y = (x * w).tanh() + x.exp()
    expected = gg.grad(y, [x, w])

    def check():
        a, b = Value(0.3), Value(0.4)
        return all(gg.gradcheck(lambda: (a * b).tanh() * a, [a, b]).ok for _ in range(5))

    def differentiate():
        return all(gg.grad(y, [x, w]) == expected for _ in range(300))

    def backward():
        for _ in range(100):
            y.backward()
        return True

    assert at_once(check, differentiate, backward, differentiate) == [True] * 4
    assert x.grad == pytest.approx(100 * expected[0], rel=1e-12)


def test_rules_of_ones_own():
    x = Value(0.5, "x")
    out = Value(0.25, (x,), "square")

    def rule():
        x.grad += 2 * x.data * out.grad

    out._backward = rule
    y = out * out
    assert all(at_once(*[lambda: [gg.grad(y, x) for _ in range(200)] == [0.5] * 200] * 4))
    assert (x.has_grad, out.has_grad) == (False, False)


def test_copies_and_steps_of_one_graph():
    x = Value(0.5, "x")
    y = x
    for _ in range(50):
        y = (y * 1.1).tanh() + x
    expected, listed = gg.Graph(y), len(gg.steps(y))
    graphs = at_once(
        *[lambda: [gg.Graph(pickle.loads(pickle.dumps(y))) for _ in range(5)]] * 3,
        lambda: [expected if len(gg.steps(y)) == listed else None for _ in range(5)],
    )
    assert all(graph == expected for several in graphs for graph in several)


def test_traces_checks_and_predictions_of_the_same_parameters():
    """A check moves numbers: nobody may take moved ones for the true ones, and put them back."""
    model = nn.MLP(2, [6, 1], seed=1)
    params = model.parameters()
    before, expected = [p.data for p in params], nn.outputs(model, [[0.3, -0.7]])

    def trace():
        program = gg.compile(lambda x, y: (model(x) - y) ** 2, example=([0.3, -0.7], 1.0), params=params)
        return program.params.tolist() == before

    def check():
        return gg.gradcheck(lambda: model([0.3, -0.7]), params).ok

    def predict():
        return all((nn.outputs(model, [[0.3, -0.7]]) == expected).all() for _ in range(50))

    assert at_once(trace, trace, trace, check, predict) == [True] * 5
    assert [p.data for p in params] == before
