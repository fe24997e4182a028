"""Recording: its source can be read, it is safe in threads and tasks, and it keeps in mind the numbers it used."""

from __future__ import annotations

import asyncio
import gc
import inspect
import linecache
import math
import random
import signal
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor

import pytest

import glassgrad as gg
from glassgrad import Value
from glassgrad.engine.core import operators, record
from glassgrad.engine.rules.formula import GENERATED


def test_the_source_of_an_operator_can_be_read():
    source = inspect.getsource(Value.__mul__)
    assert source.startswith("def __mul__(self, other):\n")
    for line in ("y = a * b", "slope_a = b", "slope_b = a if is_value else None", "node._kind = 'mul'"):
        assert f"    {line}\n" in source
    assert str(inspect.signature(Value.__mul__)) == "(self, other)"
    assert str(inspect.signature(Value.tanh)) == "(self)"
    assert str(inspect.signature(Value.leaky_relu)) == "(self, k=0.01)"
    assert str(inspect.signature(gg.dot)) == "(w, x, b=None)"
    assert Value.__mul__.__qualname__ == "Value.__mul__"


@pytest.mark.parametrize("name", gg.OPS)
def test_every_recording_function_has_its_source(name):
    for method in operators.methods_of(gg.OPS[name]):
        function = getattr(Value, method)
        assert function.__doc__
        if method != "__pow__" and function.__code__.co_filename.startswith("<glassgrad op"):
            assert inspect.getsource(function).startswith(f"def {method}(")


def test_a_traceback_shows_the_line():
    class Odd:
        @property
        def shape(self):
            raise RuntimeError("odd")

    with pytest.raises(RuntimeError) as caught:
        Value(1.0) * Odd()
    shown = "".join(traceback.format_exception(caught.type, caught.value, caught.tb))
    assert "b = plain_number(other, 'mul')" in shown
    linecache.checkcache()
    assert inspect.getsource(Value.__mul__)


def test_the_declared_methods_are_those_of_the_table():
    text = inspect.getsource(operators)
    declared = {line.split("def ")[1].split("(")[0] for line in text.splitlines() if "-> Value: ..." in line}
    made = {method for op in gg.OPS.values() for method in operators.methods_of(op)}
    assert declared == made


def test_no_op_and_no_input_can_take_a_name_of_generated_code():
    assert record.NAMES.keys() <= GENERATED
    for name in ("new", "STATE", "detached", "np"):
        with pytest.raises(gg.OpError, match="must be identifiers"):
            gg.define_op(name, "?", "a", "a", "1")
    for name in ("self", "node_a", "slope_b", "w_data", "exp", "lambda", "np", "_x"):
        with pytest.raises(gg.OpError, match=r"rename|identifiers"):
            gg.define_op("odd", "?", name, "1", "0")
        with pytest.raises(gg.OpError, match="name of its own"):
            gg.define_op("odd", "?", "a", "a", "1", let=f"{name} = 2 * a")


def test_an_op_that_another_calls_cannot_be_removed():
    gg.define_op("twice", "2", "a", "2 * a", "2")
    gg.define_op("fourfold", "4", "a", "twice(twice(a))", "4")
    with pytest.raises(gg.OpError, match="the formulas of fourfold call it"):
        gg.engine.remove_op("twice")
    assert Value(1.5).fourfold().data == 6.0
    gg.engine.remove_op("fourfold")
    gg.engine.remove_op("twice")
    assert not hasattr(Value(1.0), "twice")


# -- threads, tasks, generators -----------------------------------------------------------------------------


def shared_graphs(count, rng):
    leaves = [Value(rng.uniform(-1, 1)) for _ in range(12)]
    pool, roots = list(leaves), []
    for _ in range(count):
        for _ in range(40):
            a, b = rng.choice(pool), rng.choice(pool)
            pool.append(rng.choice([a + b, a * b, (a - b).tanh(), gg.dot([a, b], [b, a], a)]))
        roots.append(gg.sum(pool[-10:]).tanh())
    return leaves, roots


def test_gradients_by_eight_threads_on_shared_graphs():
    leaves, roots = shared_graphs(8, random.Random(3))
    right = {root: gg.grad(root, leaves) for root in roots}
    start = threading.Barrier(8)

    def work(seed):
        rng = random.Random(seed)
        start.wait()
        wrong = 0
        for _ in range(50):
            root = rng.choice(roots)
            wrong += gg.grad(root, leaves) != right[root]
        return wrong

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(work, range(8))) == 0


def test_graphs_by_eight_threads_have_the_same_constants():
    for _ in range(20):
        y = Value(2.0)
        for i in range(50):
            y = (y * (1.0 + i)).tanh() - 0.5
        start = threading.Barrier(8)

        def work(_, y=y, start=start):
            start.wait()
            return [id(v) for v in gg.topological_order(y)], len(gg.Graph(y))

        with ThreadPoolExecutor(8) as threads:
            assert len({str(found) for found in threads.map(work, range(8))}) == 1


def test_backward_passes_of_threads_add_up_on_shared_leaves():
    x = Value(2.0)
    start = threading.Barrier(4)

    def work(factor):
        start.wait()
        for _ in range(100):
            y = x * factor
            for _ in range(20):
                y = y + x
            y.backward()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, [1.0, 2.0, 3.0, 4.0]))
    assert x.grad == 100 * (1 + 2 + 3 + 4) + 4 * 100 * 20


def test_no_grad_is_for_this_thread_alone():
    seen = []
    inside, done = threading.Event(), threading.Event()

    def other():
        inside.wait()
        seen.append((Value(2.0) * 3).inputs)
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    with gg.no_grad():
        inside.set()
        done.wait()
        assert (Value(2.0) * 3).inputs == ()
    thread.join()
    assert len(seen[0]) == 2


def test_no_grad_does_not_leak_between_tasks():
    async def paused(entered, leave):
        with gg.no_grad():
            entered.set()
            await leave.wait()
            return (Value(2.0) * 3).op

    async def recording(entered, leave):
        await entered.wait()
        op = (Value(2.0) * 3).op
        leave.set()
        return op

    async def both():
        entered, leave = asyncio.Event(), asyncio.Event()
        return await asyncio.gather(paused(entered, leave), recording(entered, leave))

    with ThreadPoolExecutor(1) as thread:  # in the main one, a browser test may have a loop that runs
        assert thread.submit(lambda: asyncio.run(both())).result() == ["detached", "mul"]
    assert (Value(2.0) * 3).op == "mul"


def test_no_grad_blocks_of_interleaved_generators_end_in_any_order():
    def generator():
        with gg.no_grad():
            yield (Value(2.0) * 3).op

    first, second = generator(), generator()
    assert [next(first), next(second)] == ["detached"] * 2
    first.close()
    assert (Value(2.0) * 3).op == "detached"  # the second is still open
    second.close()
    assert (Value(2.0) * 3).op == "mul"
    assert record.STATE.paused == 0


def test_a_block_that_is_closed_holds_nobody():
    async def generator():
        with gg.no_grad():
            yield (Value(2.0) * 3).op
            yield ""

    async def abandoned():
        async for op in generator():
            assert op == "detached"
            break
        await asyncio.sleep(0.01)  # asyncio closes the generator in a task of its own
        with ThreadPoolExecutor(1) as other:
            inside, leave = threading.Event(), threading.Event()

            def paused():
                with gg.no_grad():
                    inside.set()
                    leave.wait()

            waiting = other.submit(paused)
            inside.wait()
            gc.collect()
            await asyncio.sleep(0.01)
            op = (Value(2.0) * 3).op
            leave.set()
            waiting.result()
        return op

    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(lambda: asyncio.run(abandoned())).result() == "mul"
    assert record.STATE.paused == 0


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer that interrupts")
def test_a_signal_handler_may_differentiate_in_the_midst_of_a_walk():
    x = y = Value(0.7)
    for _ in range(500):
        y = y.sin() * 0.5 + y * 0.5
    right = gg.grad(y, x)
    seen = []
    before = signal.signal(signal.SIGALRM, lambda *_: seen.append(gg.grad(y, x)))
    try:
        found = []
        for k in range(150):
            signal.setitimer(signal.ITIMER_REAL, 0.0001 + 1e-5 * (k % 40))
            found.append(gg.grad(y, x))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert set(found) == {right}
    assert seen
    assert set(seen) == {right}


def test_a_backward_pass_inside_another_is_refused():
    x = Value(2.0)
    y, z = x * 3, x * 5

    class Meddler(float):
        def __mul__(self, other):
            z.backward()
            return float(self) * other

        __rmul__ = __mul__

    y._slope_a = Meddler(3.0)
    with pytest.raises(RuntimeError, match="in the midst of another one"):
        y.backward()
    z.backward()
    assert z.grad == 1.0


def test_no_grad_of_a_generator_that_another_thread_closes_leaves_that_threads_blocks_open():
    def generator():
        with gg.no_grad():
            yield (Value(2.0) * 3).op

    started = generator()
    with ThreadPoolExecutor(1) as first, ThreadPoolExecutor(1) as second:
        assert first.submit(next, started).result() == "detached"

        def close():
            with gg.no_grad():
                started.close()
                inside = (Value(2.0) * 3).op
            return inside, (Value(2.0) * 3).op

        assert second.submit(close).result() == ("detached", "mul")
    assert (Value(2.0) * 3).op == "mul"
    assert record.STATE.paused == 0


# -- numbers that were used ---------------------------------------------------------------------------------


def test_a_graph_shows_the_numbers_that_were_used():
    x = Value(3.0, "x")
    y = x * x
    y.backward()
    x.data -= 0.1 * x.grad
    graph = gg.Graph(y)
    assert [(node.data, node.now) for node in graph.nodes] == [(3.0, x.data), (9.0, None)]
    z = x * 2
    first = gg.Graph(z).nodes[0]
    assert (first.data, first.now) == (x.data, None)


def test_a_result_that_was_changed_itself():
    x = Value(3.0, "x")
    y = x * 2
    z = y + 1
    y.data = 100.0
    assert [(node.label or node.op, node.data, node.now) for node in gg.Graph(z).nodes] == [
        ("x", 3.0, None),
        ("const", 2.0, None),
        ("mul", 6.0, 100.0),
        ("const", 1.0, None),
        ("add", 7.0, None),
    ]


def test_setting_the_same_number_is_no_change():
    x = Value(3.0, "x")
    y = x * 2
    for _ in range(3):
        x.data = 3.0
    assert gg.Graph(y).nodes[0].now is None


def test_what_nobody_knows_any_more_is_refused():
    x = Value(3.0, "x")
    y = x * 2
    for i in range(8):
        x.data = 4.0 + i
        assert gg.Graph(y).nodes[0].data == 3.0
        z = x * 3
        assert gg.Graph(z).nodes[0].data == x.data
    x.data = 12.0
    with pytest.raises(gg.GraphError, match="changed more than 8 times since"):
        gg.Graph(y)
    assert gg.Graph(z).nodes[0].data == 11.0
    x.data = 13.0
    assert (gg.Graph(z).nodes[0].data, gg.Graph(z).nodes[0].now) == (11.0, 13.0)


def test_one_value_used_with_two_numbers_is_refused():
    x = Value(3.0, "x")
    y = x * 2
    x.data = 4.0
    with pytest.raises(gg.GraphError, match="changed between two uses"):
        gg.Graph(y + x)


def test_gradcheck_leaves_no_trace_in_earlier_graphs():
    x = Value(0.5, "x")
    y = x.tanh()
    assert gg.gradcheck(lambda: (x * x).tanh(), [x]).ok
    assert gg.Graph(y).nodes[0].now is None


def test_the_numbers_of_a_not_a_number():
    x = Value(math.nan, "x")
    y = x + 1
    x.data = 2.0
    node = gg.Graph(y).nodes[0]
    assert math.isnan(node.data)
    assert node.now == 2.0


def test_recording_functions_called_with_lists():
    w = [Value(1.0), Value(2.0)]
    assert gg.dot(w, [3.0, 4.0]).data == 11.0
    assert gg.dot([], []) == 0.0
    assert gg.dot([], [], Value(2.0)).data == 2.0
    assert gg.sum([1.0, 2]) == 3.0


@pytest.mark.parametrize(
    ("c", "value", "slopes"), [(0.5, 3.0, [0.0, 1.0, 0.0]), (0.0, 5.0, [0.0, 0.0, 1.0]), (-2.0, 5.0, [0.0, 0.0, 1.0])]
)
def test_where(c, value, slopes):
    values = [Value(c), Value(3.0), Value(5.0)]
    y = gg.where(*values)
    y.backward()
    assert (y.data, [v.grad for v in values]) == (value, slopes)
    assert gg.where(c > 0, 3.0, 5.0) == value
    assert gg.where(c, values[1], 5.0).inputs[2].op == "const"


def test_the_rest_of_a_division():
    x = Value(7.5)
    assert (x % 2).data == 1.5
    assert (x % -2).data == 7.5 % -2
    assert (10 % x).data == 2.5
    y = Value(-7.5) % Value(2.0)
    y.backward()
    assert (y.data, [v.grad for v in y.inputs]) == (0.5, [1.0, 4.0])


def test_functions_of_the_front_door_are_functions():
    assert str(inspect.signature(gg.where)) == "(c, a, b)"
    assert str(inspect.signature(gg.leaky_relu)) == "(a, k=0.01)"
    assert "return apply('where', c, a, b)" in inspect.getsource(gg.where)
    assert "Slopes: 1 - y**2 for a." in gg.tanh.__doc__


def test_what_define_op_says():
    op = gg.define_op("threefold", "3", "a", "3 * a", "3")
    assert repr(op) == "Op(threefold(a) = 3 * a)"
    with pytest.raises(gg.OpError, match="one of yours already"):
        gg.define_op("threefold", "3", "a", "3 * a", "3")
    gg.engine.remove_op("threefold")
    with pytest.raises(gg.OpError, match="forward as text"):
        gg.define_op("threefold", "3", "a", lambda a: 3 * a, "3")


def test_steps_say_what_they_are():
    x = Value(2.0, "x")
    assert repr(gg.steps(x * x)).splitlines() == [
        "5 steps of v1: 2 forward, the seed, 2 back",
        "0  forward   x = 2",
        "1  forward   v1 = 2 × 2 = 4",
        "2  seed      v1.grad = 1",
        "3  backward  x.grad so far = 0 + 1 × 2 = 2",
        "4  backward  x.grad = 2 + 1 × 2 = 4",
    ]
    many = repr(gg.steps(gg.sum([x * i for i in range(100)]))).splitlines()
    assert len(many) == 42
    assert "more: walk[i], walk[i:j] or a loop gives them" in many[21]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (("odd", "?", "a b c", "max(a, b, c)", "1;1;1"), "calls max with 3 operands (it takes 2)"),
        (("odd", "?", "a", "tanh(a, a)", "1"), "calls tanh with 2 operands (it takes 1)"),
        (("odd", "?", "a ａ", "a * 2", "2;0"), "each input once"),
        (("odd", "?", "a", "a * 1e999", "1"), "contains Constant"),
        (("odd", "?", "a", 'a # """; print("run"); """', "1"), "contains a comment"),
        (("odd", "?", "a", "a", '1 # """ or print("run") or """'), "contains a comment"),
        (("odd", "?", "a", "elu(a)", "1"), "otherwise than with (a, k=1.0)"),
        (("odd", "?", "a", "dot(a, a)", "1"), "otherwise than with"),
        (("odd", "?", "sigmoid", "sigmoid(sigmoid)", "1"), "names an input and is called"),
        (("lambda", "?", "a", "a", "1"), "must be identifiers"),
        (("steps", "?", "a", "a", "1"), "glassgrad has something of that name"),
        (("odd", "?", "a k=inf", "a * k", "k ; constant"), "must be a finite number"),
    ],
)
def test_an_entry_that_would_give_a_wrong_number_is_refused(entry, message):
    with pytest.raises(gg.OpError) as caught:
        gg.define_op(*entry)
    assert message in str(caught.value)
    assert entry[0] not in gg.OPS


def test_a_shorthand_is_read_as_python_reads_it():
    with pytest.raises(gg.OpError, match="name of its own"):
        gg.define_op("odd", "?", "a", "a * 2", "2", let="ａ = 5")
    with pytest.raises(gg.OpError, match="cannot be filled in"):
        gg.define_op("odd", "?", "a", "a * 2", "2", words="{b} squared")


def test_an_op_may_be_called_like_something_that_glassgrad_imports():
    gg.define_op("partial", "p", "a", "2 * a", "2")
    assert gg.partial(Value(3.0)).data == 6.0
    gg.engine.remove_op("partial")


@pytest.mark.parametrize("new", [-2.0, math.nan])
def test_a_higher_derivative_never_mixes_old_and_new_numbers(new):
    x = Value(2.0, "x")
    y = x**4  # the slope of the slope is the same at 2 and at -2
    x.data = new
    with pytest.raises(ValueError, match="were changed after"):
        gg.grad(y, x, create_graph=True)


def test_zero_keeps_its_sign():
    x = Value(0.0)
    x.data = -0.0
    assert math.copysign(1.0, x.data) == -1.0
    x.data = math.nan
    y = x * 2
    x.data = math.nan
    assert math.isnan(gg.Graph(y).nodes[0].data)


def test_graphs_of_an_op_that_was_removed_are_refused_also_where_another_has_its_name():
    gg.define_op("swish", "swish", "a", "a * sigmoid(a)", "sigmoid(a) * (1 + a * (1 - sigmoid(a)))")
    x = Value(2.0, "x")
    y, other = x.swish() * 2, x.tanh()
    gg.engine.remove_op("swish")
    try:
        for again in (False, True):
            if again:
                gg.define_op(
                    "swish", "swish", "a", "a * sigmoid(3 * a)", "sigmoid(3 * a) * (1 + 3 * a * (1 - sigmoid(3 * a)))"
                )
            asks = (
                gg.steps,
                gg.Graph,
                gg.compile,
                lambda y: gg.grad(y, x, create_graph=True),
                lambda y: gg.gradcheck(y, [x]),
            )
            for ask in asks:
                with pytest.raises(ValueError, match="by the op 'swish', which has been removed since"):
                    ask(y)
                ask(other)
            assert gg.grad(y, x) == pytest.approx(2 * 1.0907842487)
        z = x.swish()
        assert gg.compile(z).run() == pytest.approx(z.data)
    finally:
        gg.engine.remove_op("swish")
