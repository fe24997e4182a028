"""What `fit` is given comes true, or it says why not: losses of one's own, threads, relus that died."""

from __future__ import annotations

import contextlib
import math
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from glassgrad import Value, nn
from glassgrad.nn.update import PROBES

TABLE, LIST = {1: 0.5, 2: 0.7, 3: 0.9}, [0.1, 0.2, 0.3, 0.4]
NUMBER_LOSSES = {
    "int": lambda y, t: (y - int(t)) ** 2,
    "log": lambda y, t: (y - math.log(t)) ** 2,
    "sqrt": lambda y, t: (y - math.sqrt(t)) ** 2,
    "round": lambda y, t: (y - round(t)) ** 2,
    "float": lambda y, t: (y - float(t)) ** 2,
    "bool": lambda y, t: (y - bool(t > 1)) ** 2,
    "equal": lambda y, t: (y - 5) ** 2 if t == 1 else y**2,
    "different": lambda y, t: (y - 5) ** 2 if t != 1 else y**2,
    "greater": lambda y, t: (y - 1) ** 2 if t > 2.5 else y**2,
    "dict": lambda y, t: (y - TABLE[t]) ** 2,
    "get": lambda y, t: (y - {1: 2}.get(t, 0)) ** 2,
    "list": lambda y, t: (y - LIST[t]) ** 2,
    "range": lambda y, t: sum((y - i) ** 2 for i in range(t)),
    "in": lambda y, t: (y - 5) ** 2 if t in (1, 2) else y**2,
    "format": lambda y, t: (y - len(f"{t:.3f}")) ** 2,
    "numpy": lambda y, t: (y - float(np.sin(t))) ** 2,
    "floor": lambda y, t: (y - t // 2) ** 2,
    "rest": lambda y, t: (y - t % 2) ** 2,
}


def trained(loss, targets, **given):
    model = nn.MLP(1, [3, 1], activation="tanh", seed=1)
    X = np.linspace(-1, 1, len(targets))[:, None]
    history = nn.fit(model, X, targets, loss, epochs=3, optimizer="sgd", learning_rate=0.01, **given)
    return history, model.state_dict()


@pytest.mark.parametrize("name", NUMBER_LOSSES)
@pytest.mark.filterwarnings("ignore:fit uses the slower")
@pytest.mark.parametrize("rare", [False, True])
def test_a_loss_that_needs_its_target_as_a_number_gets_it(name, rare):
    targets = np.arange(20) % 3 + 1
    if rare:  # at rows that the compiled program is not compared on
        targets = np.ones(100, int)
        targets[[3, 50, 97]] = 2, 3, 3
        assert not {3, 50, 97} & set(np.linspace(0, 99, PROBES).astype(int))
    compiled, eager = (trained(NUMBER_LOSSES[name], targets, compiled=wanted)[0] for wanted in (True, False))
    assert compiled.loss == pytest.approx(eager.loss, rel=1e-9)
    assert compiled.engine == "compiled" or compiled.engine.startswith("eager: ")
    assert "\n" not in compiled.engine


@pytest.mark.parametrize("rows", [1000, 5000])
@pytest.mark.filterwarnings("ignore:fit uses the slower")
def test_a_branch_on_rare_targets_is_trained_on_the_loss_that_was_given(rows):
    targets = np.zeros(rows)
    targets[np.random.default_rng(1).choice(rows, 10, replace=False)] = 1.0

    def loss(y, t):
        return 50 * (y - 1) ** 2 if t == 1 else y**2

    X = np.linspace(-1, 1, rows)[:, None]
    model = nn.MLP(1, [1], seed=1)
    before = nn.training.mean_loss(loss, nn.outputs(model, X), targets)
    history = nn.fit(model, X, targets, loss, epochs=1, optimizer="sgd", learning_rate=0.01)
    assert history.loss[0] == pytest.approx(before, rel=1e-9)


def test_without_a_loss_the_way_out_is_said():
    with pytest.raises(ValueError, match=r"fit needs a loss \(must be one of half_squared_error, "):
        nn.fit(nn.MLP(1, [1]), [[1.0]], [1.0])


def test_a_blow_up_stops_and_names_the_cure():
    X = np.linspace(-3, 3, 20)[:, None]
    with pytest.raises(nn.TrainingError, match="smaller learning rate"):
        nn.fit(nn.MLP(1, [8, 1], seed=1), X, X[:, 0] ** 2, "mean_squared_error", optimizer="sgd", learning_rate=10.0)


LECTURE = [[2.0, 3.0, -1.0], [3.0, -1.0, 0.5], [0.5, 1.0, 1.0], [1.0, 1.0, -1.0]], [1.0, -1.0, -1.0, 1.0]


def squared(y, t):
    return 4 * (y - t) ** 2  # the mean over four examples is the lecture's sum


@pytest.mark.parametrize("compiled", [True, False])
def test_a_network_whose_relus_are_all_dead_is_told_once(compiled):
    model = nn.MLP(3, [4, 4, 1], seed=1)
    for neuron in model.layers[1].neurons:
        neuron.b.data = -100.0
    with pytest.warns(RuntimeWarning, match="all relus next to the outputs give 0 on every example") as told:
        history = nn.fit(model, *LECTURE, squared, optimizer="sgd", learning_rate=0.1, epochs=60, compiled=compiled)
    assert len(told) == 1 and told[0].filename == __file__
    assert history.loss[-1] == 4.0  # as in the lecture: the mean of its targets is 0
    assert nn.dead_relus(model, LECTURE[0])


def test_living_relus_and_a_loss_of_zero_are_not_told():
    model = nn.MLP(3, [4, 4, 1], seed=1)
    assert not nn.dead_relus(model, LECTURE[0])
    nn.fit(model, *LECTURE, "hinge", epochs=300, learning_rate=0.05)  # at the end every margin is kept: no gradient
    assert nn.training.mean_loss(nn.hinge, nn.outputs(model, LECTURE[0]), np.array(LECTURE[1])) == 0.0
    assert not nn.dead_relus(nn.MLP(3, [1], seed=1), LECTURE[0])


@pytest.fixture
def switching():
    """Threads take turns as often as can be."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.parametrize("compiled", [True, False])
def test_fits_of_different_networks_at_once_are_what_they_are_alone(compiled, switching):
    data = nn.moons(30, seed=1)

    def state(seed):
        model = nn.MLP(2, [4, 1], seed=seed)
        nn.fit(model, *data, "hinge", epochs=5, batch_size=8, compiled=compiled)
        return model.state_dict()

    alone = [state(seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(state, range(4))) == alone


@pytest.mark.parametrize("compiled", [True, False])
def test_one_network_is_trained_by_one_thread_at_a_time(compiled):
    model, data, errors = nn.MLP(2, [4, 1], seed=1), nn.moons(30, seed=1), []

    def second(epoch):
        for given in ({"model": model}, {"model": nn.MLP(2, [1], seed=1), "optimizer": rule}):
            thread = threading.Thread(target=attempt, kwargs=given)
            thread.start()
            thread.join()

    def attempt(model, optimizer="adam"):
        try:
            nn.fit(model, *data, "hinge", optimizer=optimizer, epochs=1)
        except nn.TrainingError as error:
            errors.append(str(error))

    rule = nn.Adam(learning_rate=0.01)
    nn.fit(model, *data, "hinge", optimizer=rule, epochs=2, callbacks=[second], compiled=compiled)
    assert errors == ["this network or optimizer is being trained by another call of fit: give each its own"] * 4
    nn.fit(model, *data, "hinge", epochs=1)  # afterwards it is free again


READERS = {
    "outputs": lambda model, X, y: nn.outputs(model, X).tolist(),
    "predict": lambda model, X, y: nn.predict(model, X).tolist(),
    "accuracy": nn.accuracy,
    "save": lambda model, X, y: nn.files.to_bytes(model),
}


@pytest.mark.parametrize("name", READERS)
def test_who_reads_while_another_thread_writes_sees_one_network_or_the_other(name, switching):
    X, y = nn.moons(10, seed=1)
    states = [nn.MLP(2, [6, 1], seed=seed).state_dict() for seed in (1, 2)]
    model, read, found = nn.MLP(2, [6, 1]), READERS[name], []
    allowed = []
    for state in states:
        model.load_state_dict(state)
        allowed.append(read(model, X, y))
    done = threading.Event()

    def write():
        while not done.is_set():
            for state in states:
                model.load_state_dict(state)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        found = [read(model, X, y) for _ in range(100)]
    finally:
        done.set()
        writer.join()
    assert all(one in allowed for one in found)


class Line(nn.Module):
    """A network of one's own, read by calling it."""

    def __init__(self):
        self.a, self.b = Value(1.0), Value(1.0)

    def __call__(self, x):
        return self.a * x[0] - self.b * x[0]


def test_a_network_of_ones_own_too(switching):
    model, done = Line(), threading.Event()

    def write():
        while not done.is_set():
            for number in (1.0, 2.0):
                model.load_state_dict({"a": number, "b": number})

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert not any(nn.outputs(model, [[1.0], [2.0]]).any() for _ in range(300))
    finally:
        done.set()
        writer.join()


def test_what_a_callback_prints_goes_where_it_would_without_a_bar(capfd):
    nn.fit(nn.MLP(2, [1]), *nn.moons(10), "hinge", epochs=2, progress=True, callbacks=[lambda epoch: print("mine")])
    assert capfd.readouterr().out == "mine\n" * 2


def test_bars_of_several_threads_leave_the_streams_as_they_were():
    streams = sys.stdout, sys.stderr
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            list(
                pool.map(
                    lambda seed: nn.fit(nn.MLP(2, [1], seed=seed), *nn.moons(10), "hinge", progress=True), range(4)
                )
            )
    assert (sys.stdout, sys.stderr) == streams


def swapped(model, factor):
    model.layers[0].neurons[0].w[0] = Value(0.3)


def clipped(model, factor):
    for p in model.parameters():
        p.data = max(-0.1, min(0.1, p.data))


MEDDLERS = {
    "the loss": lambda model, factor: factor.__setitem__(0, 5.0),
    "the model": lambda model, factor: setattr(model.layers[0].neurons[0], "activation", "sigmoid"),
    "a parameter": swapped,
    "the numbers": clipped,
}


@pytest.mark.parametrize("name", MEDDLERS)
@pytest.mark.parametrize("stop", [False, True])
def test_what_a_callback_changes_counts_from_then_on_in_both_engines(name, stop):
    X = np.linspace(-1, 1, 20)[:, None]

    def run(compiled):
        model, factor = nn.MLP(1, [3, 1], activation="tanh", seed=1), [1.0]

        def meddle(epoch):
            if epoch.number in (2, 3):
                MEDDLERS[name](model, factor)
            return stop and epoch.number == 3

        given = {"optimizer": "sgd", "learning_rate": 0.1, "epochs": 5, "callbacks": [meddle]}
        loss = lambda y, t: factor[0] * (y - t) ** 2  # noqa: E731  # read anew for each example
        return nn.fit(model, X, np.sin(3 * X[:, 0]), loss, compiled=compiled, **given), model.state_dict()

    (eager, state), told = run(False), name != "the numbers"
    with pytest.warns(RuntimeWarning, match="callback") if told else contextlib.nullcontext():
        compiled, other = run(True)
    assert compiled.loss == pytest.approx(eager.loss, rel=1e-9) and other == pytest.approx(state, rel=1e-9)
    why = "eager: a callback changed the model or the loss after epoch 2"
    assert compiled.engine == (why if told else "compiled")
    if stop and name == "the numbers":
        assert max(map(abs, state.values())) <= 0.1


def test_a_callback_cannot_change_how_many_parameters_there_are():
    model = nn.MLP(1, [2, 1], seed=1)
    with pytest.raises(nn.TrainingError, match="epoch 1: a callback changed the number of parameters from 7 to 6"):
        nn.fit(model, [[1.0]], [1.0], squared, callbacks=[lambda epoch: model.layers[0].neurons[0].w.clear()])
