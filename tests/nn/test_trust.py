"""What `fit` is given comes true, or it says why not: losses of one's own, threads, relus that died."""

from __future__ import annotations

import contextlib
import math
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from glassgrad import OPS, Value, define_op, nn, no_grad
from glassgrad.engine import remove_op
from glassgrad.nn.update import PROBES, TARGETS, losses_of

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
    before = np.mean(losses_of(loss, nn.outputs(model, X), targets))
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
    assert not any(losses_of(nn.hinge, nn.outputs(model, LECTURE[0]), np.array(LECTURE[1])))
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


RARE = frozenset(range(16, 40)) - {25, 26, 39}


def test_a_branch_that_tracing_cannot_see_is_found_by_every_target():
    targets = np.arange(400) % 40

    def loss(y, t):
        return (50.0 if isinstance(t, int) and t in RARE else 1.0) * (y - t) ** 2

    with pytest.warns(RuntimeWarning, match="gives other numbers on example 16, does an `if` look at data"):
        compiled = trained(loss, targets)[0]
    assert compiled.loss.tolist() == trained(loss, targets, compiled=False)[0].loss.tolist()


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("batch_size", [None, 1])
@pytest.mark.filterwarnings("ignore:fit uses the slower")
def test_a_plain_number_is_the_loss_of_a_masked_example(compiled, batch_size):
    def state(masked):
        return trained(masked, np.arange(12) % 3, compiled=compiled, batch_size=batch_size, validation=0.25)[1]

    assert state(lambda y, t: 0.0 if t == 0 else (y - t) ** 2) == pytest.approx(
        state(lambda y, t: min(t, 1) * (y - t) ** 2), rel=1e-12
    )
    with pytest.raises(ValueError, match="the loss is a plain number for every example: compute it from the network"):
        state(lambda y, t: 0.0)
    with pytest.raises(TypeError, match="the loss takes a real number, got None"):
        state(lambda y, t: None)


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ([1.5 + 0j, 2.0], "targets must be real numbers, got complex128"),
        (np.array([2**63 + 5, 1], dtype=np.uint64), "target 9223372036854775813 is no float"),
        ([2**53 + 1, 0], "target 9007199254740993 is no float"),
    ],
)
def test_targets_that_would_become_others_are_refused(targets, message):
    with pytest.raises(ValueError, match=message):
        nn.fit(nn.MLP(1, [1]), [[1.0], [2.0]], targets, squared)


def test_great_whole_targets_reach_the_loss_as_they_are():
    seen = set()
    loss = lambda y, t: (y - (seen.add(t) or 1.0)) ** 2  # noqa: E731  # it keeps what it is given
    nn.fit(nn.MLP(1, [1]), [[1.0], [2.0]], np.array([2**63, 1], dtype=np.uint64), loss, epochs=1, compiled=False)
    assert seen == {2**63, 1}


@pytest.fixture
def swish_network():
    """A network with an activation of one's own."""
    define_op("swish", "s", "a", "a * a", "2 * a")
    try:
        yield nn.MLP(2, [2, 1], activation="swish", seed=1)
    finally:
        if "swish" in OPS:
            remove_op("swish")


@pytest.mark.parametrize("anew", [False, True])
@pytest.mark.parametrize(
    "use", [lambda m: nn.predict(m, [[1.0, 2.0]]), lambda m: nn.fit(m, [[1.0, 2.0]], [1.0], squared, epochs=1)]
)
def test_an_activation_that_was_taken_out_or_defined_anew_is_told(swish_network, anew, use):
    use(swish_network)
    remove_op("swish")
    if anew:
        define_op("swish", "s", "a", "3 * a", "3 + 0 * a")
    with pytest.raises(ValueError, match=r"the op 'swish' of layers.0..neurons.0. was removed or defined anew"):
        use(swish_network)
    if anew:
        for neuron in swish_network.layers[0].neurons:
            neuron.activation = "swish"
        use(swish_network)
        assert nn.outputs(swish_network, [[1.0, 2.0]])[0, 0] == pytest.approx(swish_network([1.0, 2.0]).data)


def removed_weight(model):
    model.layers[0].neurons[1].w.pop()


def removed_neuron(model):
    model.layers[0].neurons.pop()


def word(model):
    model.layers[0].neurons[0].w[0] = "a"


@pytest.mark.parametrize("change", [removed_weight, removed_neuron, word])
def test_a_network_changed_by_hand_is_refused_in_the_words_of_its_call(change):
    change(model := nn.MLP(2, [3, 1], seed=1))
    with pytest.raises((ValueError, TypeError)) as direct:
        model([1.0, 2.0])
    for use in (lambda: nn.predict(model, [[1.0, 2.0]]), lambda: nn.fit(model, [[1.0, 2.0]], [1.0], squared)):
        with pytest.raises(direct.type) as found:
            use()
        assert str(found.value) == str(direct.value)


@pytest.mark.parametrize("compiled", [True, False])
def test_a_weight_that_is_a_plain_number_stays_as_it_is(compiled):
    model = nn.MLP(2, [3, 1], seed=1)
    model.layers[0].neurons[0].w[0] = 0.5
    assert nn.outputs(model, [[1.0, 2.0]])[0, 0] == model([1.0, 2.0]).data
    nn.fit(model, [[1.0, 2.0]], [1.0], squared, epochs=2, compiled=compiled)
    assert model.layers[0].neurons[0].w[0] == 0.5


def test_of_many_distinct_targets_high_ones_are_compared_too():
    targets = np.arange(3 * TARGETS)
    probed = set(np.linspace(0, len(targets) - 1, PROBES).astype(int).tolist())

    def loss(y, t):
        high = isinstance(t, int) and t > 2 * TARGETS and t not in probed
        return (50.0 if high else 1.0) * (y - 1e-3 * t) ** 2

    with pytest.warns(RuntimeWarning, match="gives other numbers on example 2"):
        trained(loss, targets)


def test_a_rare_target_whose_loss_a_callback_changes_is_seen():
    X, targets, weight = np.linspace(-1, 1, 400)[:, None], np.zeros(400), [1.0]
    targets[[33, 71, 155, 377]] = 1.0
    with pytest.warns(RuntimeWarning, match="a callback changed the model or the loss after epoch 1"):
        history = nn.fit(
            nn.MLP(1, [1], seed=1),
            X,
            targets,
            lambda y, t: (y - t) ** 2 * (1 + (weight[0] - 1) * t),
            epochs=3,
            callbacks=[lambda epoch: weight.__setitem__(0, 100.0)],
        )
    assert history.engine.startswith("eager")


def test_a_call_of_ones_own_on_the_class_is_asked_by_all_who_compute(monkeypatch):
    model, call = nn.MLP(2, [3, 1], seed=1), nn.MLP.__call__
    monkeypatch.setattr(nn.MLP, "__call__", lambda self, x: -call(self, x))
    assert nn.outputs(model, [[0.5, -1.0]])[0, 0] == model([0.5, -1.0]).data
    with pytest.raises(TypeError, match="without parts of your own"):
        nn.save(model, "never.safetensors")


@pytest.mark.parametrize("compiled", [True, False])
def test_a_model_that_gives_a_list_of_one_is_as_one_that_gives_it_alone(compiled):
    class Listed(nn.MLP):
        def __call__(self, x):
            return [super().__call__(x)]

    X = np.linspace(-1, 1, 12)[:, None]
    given = {"epochs": 3, "compiled": compiled, "validation": 0.25}
    alone, listed = (nn.fit(kind(1, [1], seed=1), X, X[:, 0], squared, **given) for kind in (nn.MLP, Listed))
    assert listed.loss == pytest.approx(alone.loss, rel=1e-12) and listed.engine == alone.engine


def test_where_nothing_is_recorded_fit_records_all_the_same():
    with no_grad():
        losses = nn.fit(nn.MLP(1, [1], seed=1), [[1.0]], [2.0], squared, compiled=False, epochs=3).loss
    assert losses[-1] < losses[0]


@pytest.mark.filterwarnings("ignore:fit uses the slower")
def test_a_loss_that_is_cut_off_from_the_network_is_refused():
    with pytest.raises(ValueError, match="plain number for every example"):
        nn.fit(nn.MLP(1, [1], seed=1), [[1.0]], [2.0], lambda y, t: (y.detach() - t).detach())


@pytest.mark.filterwarnings("ignore:fit uses the slower")
def test_a_blow_up_after_a_masked_example_is_told_where_it_is():
    with pytest.raises(nn.TrainingError, match="example 1 of the batch"):
        nn.fit(nn.MLP(1, [1], seed=1), [[1.0]] * 2, [0, 1], lambda y, t: (1e9 * (y * y + 1)).exp() if t else 0.0)


def test_a_true_of_numpy_stops_too():
    history = nn.fit(nn.MLP(1, [1], seed=1), [[1.0]], [2.0], squared, epochs=9, callbacks=[lambda epoch: np.True_])
    assert history.stopped == "a callback said so" and len(history) == 1


MASKED = np.ma.masked_array([[1.0], [2.0]], mask=[[0], [1]])


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda m: nn.fit(m, MASKED, [1.0, 2.0], squared), "some inputs are masked: fill them"),
        (lambda m: nn.fit(m, [[1.0], [2.0]], MASKED[:, 0], squared), "some targets are masked: fill them"),
        (lambda m: nn.fit(m, [[1.0], [2.0]], 3.0, squared), "there are 2 examples but no list of targets"),
        (lambda m: nn.fit(m, [[1.0], [2.0]], [1.0, 2.0], squared, l1=-1.0), "l1 and l2 must be numbers from 0 up"),
        (lambda m: nn.fit(m, [[1.0], [2.0]], [1.0, 2.0], squared, epochs=True), "epochs must be a whole number"),
        (lambda m: nn.accuracy(m, [[1.0], [2.0]], ["a", "b"]), "targets must be numbers"),
        (lambda m: nn.accuracy(m, [[1.0], [2.0]], [1]), "there are 2 examples but 1 targets"),
        (lambda m: nn.accuracy(m, [[1.0], [2.0]], [1, 2]), "the classes are 0 and 1"),
        (lambda m: nn.accuracy(m, [[1.0], [2.0]], [1, np.nan]), "target 1 is not finite"),
        (lambda m: nn.accuracy(nn.MLP(1, [3]), [[1.0], [2.0]], [1, -2]), "classes must be whole numbers from 0 to 2"),
    ],
)
def test_what_would_be_counted_wrongly_is_refused(use, message):
    with pytest.raises(ValueError, match=message):
        use(nn.MLP(1, [1]))


@pytest.mark.parametrize("notes", [{1: 2, "1": 3}, {"a": {True: 1, "true": 2}}])
def test_what_could_not_be_read_again_is_not_saved(notes, tmp_path):
    path = tmp_path / "model.safetensors"
    nn.save(nn.MLP(1, [1], seed=1), path)
    good = path.read_bytes()
    with pytest.raises(ValueError, match=r"this cannot be saved, as it could not be read again: .* stands twice"):
        nn.save(nn.MLP(1, [1], seed=2), path, notes=notes)
    assert path.read_bytes() == good
