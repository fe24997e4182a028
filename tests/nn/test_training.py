import math

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import Value, nn


def line(n=20):
    X = np.linspace(-1, 1, n)[:, None]
    return X, 3 * X[:, 0] - 2


@pytest.mark.parametrize("compiled", [True, False])
def test_it_learns_a_line(compiled):
    model = nn.MLP(1, [1])
    history = nn.fit(
        model, *line(), loss="half_squared_error", optimizer="sgd", learning_rate=0.5, epochs=150, compiled=compiled
    )
    assert history.loss[-1] < 1e-12
    assert model.layers[0].neurons[0].w[0].data == pytest.approx(3, abs=1e-5)
    assert model.layers[0].neurons[0].b.data == pytest.approx(-2, abs=1e-5)
    assert np.isnan(history.accuracy).all()


def test_one_epoch_of_gradient_descent_is_one_step_by_hand():
    X, y = nn.moons(20, seed=2)
    by_fit, by_hand = nn.MLP(2, [5, 1], seed=3), nn.MLP(2, [5, 1], seed=3)
    history = nn.fit(
        by_fit, X, y, loss="hinge", optimizer="sgd", learning_rate=0.1, l2=0.01, l1=0.02, epochs=1, compiled=False
    )
    losses = [nn.hinge(by_hand(x), 2 * t - 1) for x, t in zip(X, y)]
    parameters = by_hand.parameters()
    total = gg.sum(losses) / 20 + nn.l2_penalty(parameters, 0.01) + nn.l1_penalty(parameters, 0.02)
    total.backward()
    nn.SGD(parameters, 0.1).step()
    assert history.loss[0] == pytest.approx(total.data, rel=1e-13)
    assert by_fit.state_dict() == pytest.approx(by_hand.state_dict(), rel=1e-12)


def test_the_history_has_a_row_for_each_epoch():
    data = nn.moons(60, seed=1)
    history = nn.fit(nn.MLP(2, [8, 1]), *data, loss="binary_cross_entropy", epochs=7, batch_size=16, validation=0.25)
    assert len(history) == 7
    for name in ("loss", "accuracy", "validation_loss", "validation_accuracy", "learning_rate", "seconds"):
        column = getattr(history, name)
        assert column.shape == (7,)
        assert np.isfinite(column).all()
    assert history.stopped == "all epochs done"
    assert np.all(np.diff(history.seconds) > 0)
    assert history.best_epoch == 1 + int(np.argmin(history.validation_loss))
    assert "7 epochs" in repr(history)


def test_the_same_seed_gives_the_same_bits():
    def states(seed):
        model = nn.MLP(2, [6, 1], seed=1)
        nn.fit(model, *nn.moons(50), loss="hinge", epochs=5, batch_size=8, seed=seed)
        return model.state_dict()

    assert states(1) == states(1)
    assert states(1) != states(2)


def test_it_stops_when_the_error_stops_falling():
    history = nn.fit(
        nn.MLP(1, [1]), *line(), loss="half_squared_error", optimizer="sgd", learning_rate=0.5, epochs=1000, patience=5
    )
    assert history.stopped == "the error stopped falling"
    assert 5 < len(history) < 200
    assert history.loss[-6] - history.loss[-1] <= 1e-4


def test_the_best_epoch_is_put_back():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(12, 2)), rng.normal(size=12)
    held_out = rng.normal(size=(30, 2)), rng.normal(size=30)
    model = nn.MLP(2, [12, 1], activation="tanh", seed=2)
    history = nn.fit(
        model, X, y, loss="mean_squared_error", learning_rate=0.05, epochs=300, patience=20, validation=held_out
    )
    assert history.stopped == "the error stopped falling"
    assert history.best_epoch < len(history)
    now = np.mean((nn.predict(model, held_out[0], "regression") - held_out[1]) ** 2)
    assert now == pytest.approx(history.validation_loss.min(), rel=1e-12)


def test_callbacks_see_the_model_and_can_stop_it():
    model, seen = nn.MLP(1, [1]), []

    def watch(epoch):
        seen.append((epoch.number, model.layers[0].neurons[0].b.data))
        return epoch.number == 3

    history = nn.fit(model, *line(), loss="half_squared_error", epochs=10, callbacks=[watch])
    assert [number for number, _ in seen] == [1, 2, 3]
    assert len({b for _, b in seen}) == 3
    assert history.stopped == "a callback said so"


@pytest.mark.parametrize("compiled", [True, False])
def test_ctrl_c_keeps_what_was_learnt(compiled):
    def interrupt(epoch):
        if epoch.number == 4:
            raise KeyboardInterrupt

    stopped, whole = nn.MLP(1, [1], seed=0), nn.MLP(1, [1], seed=0)
    history = nn.fit(stopped, *line(), loss="half_squared_error", epochs=10, callbacks=[interrupt], compiled=compiled)
    nn.fit(whole, *line(), loss="half_squared_error", epochs=4, compiled=compiled)
    assert history.stopped == "interrupted"
    assert len(history) == 4
    assert stopped.state_dict() == whole.state_dict()


class Overflowing(nn.Module):
    """exp overflows once its parameter has grown enough."""

    def __init__(self, start):
        self.grow = Value(start, "grow")

    def __call__(self, x):
        return (self.grow * x[0]).exp() * 1e200


@pytest.mark.parametrize("compiled", [True, False])
def test_a_loss_that_is_not_finite_says_where_it_was_born(compiled):
    model = Overflowing(300.0)
    with pytest.raises(
        nn.TrainingError,
        match=r"epoch 1, batch 1 of 1: the loss is .*; example 1 of the batch: node 'mul' became inf from \(exp=",
    ):
        nn.fit(model, [[0.001], [1.0]], [0.0, 0.0], loss="mean_absolute_error", compiled=compiled)
    model = Overflowing(800.0)
    with pytest.raises(nn.TrainingError, match=r"epoch 1, batch 1 of 1: .*example 1 of the batch: exp\(.*overflows"):
        nn.fit(model, [[0.0], [1.0]], [0.0, 0.0], loss="mean_absolute_error", compiled=compiled)
    with pytest.raises(nn.TrainingError, match=r"before the first epoch: .*example 0: exp\(.*overflows"):
        nn.fit(model, [[1.0]], [0.0], loss="mean_absolute_error", compiled=compiled)
    assert model.grow.data == 800.0


def test_an_update_that_is_not_finite_names_the_parameter():
    model = nn.MLP(1, [1])
    before = model.state_dict()
    with pytest.raises(
        nn.TrainingError, match=r"epoch 1, batch 1 of 1: the update made layers\[0\]\.neurons\[0\]\.w\[0\] -?inf"
    ):
        nn.fit(model, [[1.0]], [1e150], loss="half_squared_error", optimizer=nn.SGD(learning_rate=1e200))
    assert model.state_dict() == before


def test_your_own_loss_and_module():
    class Parabola(nn.Module):
        def __init__(self):
            self.a, self.b = Value(0.0), Value(0.0)

        def __call__(self, x):
            return self.a * x[0] ** 2 + self.b

    def fourth(output, target):
        return (output - target) ** 4

    X = np.linspace(-2, 2, 9)[:, None]
    model = Parabola()
    nn.fit(
        model,
        X,
        2 * X[:, 0] ** 2 - 1,
        loss=fourth,
        learning_rate=0.1,
        epochs=3000,
        validation=(X, 2 * X[:, 0] ** 2 - 1),
    )
    assert model.a.data == pytest.approx(2, abs=0.1)
    assert nn.outputs(model, X).shape == (9, 1)


def test_progress_is_shown_when_wanted(capsys):
    nn.fit(nn.MLP(1, [1]), *line(), loss="half_squared_error", epochs=2, progress=False)
    assert capsys.readouterr().err == ""
    nn.fit(nn.MLP(2, [1]), *nn.xor(8), loss="hinge", epochs=2, progress=True, validation=0.25)
    assert "epoch 2/2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"inputs": [1.0, 2.0]}, r"shape .examples, features., got .2,.: one feature is a column"),
        ({"inputs": [[1.0, math.nan], [1, 2]]}, r"inputs\[0, 1\] is nan: every number must be finite"),
        ({"inputs": [[1.0], [2.0]]}, "MLP takes 2 inputs, got 1"),
        ({"targets": [1]}, "there are 2 examples but 1 targets"),
        ({"loss": "hinged"}, "unknown loss 'hinged' .must be one of half_squared_error"),
        ({"optimizer": "newton"}, "unknown optimizer 'newton'"),
        ({"epochs": 0}, "epochs must be a whole number from 1 up, got 0"),
        ({"epochs": 1e3}, r"epochs must be a whole number from 1 up, got 1000\.0: write 1000"),
        ({"patience": 2.5}, r"patience must be a whole number from 1 up, got 2\.5"),
        ({"batch_size": 0}, "batch_size must be a whole number from 1 up, got 0"),
        ({"batch_size": "3"}, "batch_size must be a whole number from 1 up, got '3'"),
        ({"loss": "mse"}, r"unknown loss 'mse' .*did you mean mean_squared_error\?"),
        ({"optimizer": "Adam"}, r"unknown optimizer 'Adam' .*did you mean adam\?"),
        ({"validation": 2.0}, "test must be a share"),
    ],
)
def test_arguments_that_do_not_fit(arguments, message):
    good = {"inputs": [[0.0, 1.0], [1.0, 0.0]], "targets": [0, 1], "loss": "hinge"}
    with pytest.raises(ValueError, match=message):
        nn.fit(nn.MLP(2, [1]), **(good | arguments))


def test_probabilities_and_classes():
    model = nn.MLP(2, [3], seed=4)
    X = np.random.default_rng(0).normal(size=(20, 2))
    p = nn.predict_proba(model, X)
    assert np.allclose(p.sum(axis=1), 1)
    assert np.array_equal(nn.predict(model, X), p.argmax(axis=1))
    one = nn.MLP(2, [1], seed=4)
    p = nn.predict_proba(one, X)
    assert np.allclose(p[:, 1], 1 / (1 + np.exp(-nn.outputs(one, X)[:, 0])))
    assert np.array_equal(nn.predict(one, X), (p[:, 1] > 0.5).astype(int))
    signs = np.where(nn.predict(one, X) == 1, 1, -1)
    assert nn.accuracy(one, X, signs) == 1.0
    assert nn.accuracy(one, X, -signs) == 0.0
    with pytest.raises(ValueError, match=r"unknown task .* \(must be one of classification, regression"):
        nn.predict(one, X, "guess")


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "softplus", "gelu", "leaky_relu"])
def test_matrix_outputs_are_those_of_the_graph(activation):
    model = nn.MLP(3, [5, 4, 2], activation=activation, seed=1)
    X = np.random.default_rng(1).normal(size=(6, 3)) * 30
    by_graph = [[v.data for v in model(x)] for x in X.tolist()]
    assert np.allclose(nn.outputs(model, X), by_graph, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("data", "loss", "sizes"),
    [
        (nn.moons(40), "hinge", [6, 6, 1]),
        (nn.moons(40), "binary_cross_entropy", [5, 1]),
        (nn.blobs(45), "cross_entropy", [5, 3]),
        (nn.sine(30), "half_squared_error", [8, 1]),
        (nn.sine(30), "mean_absolute_error", [8, 1]),
        (nn.sine(30), "mean_squared_error", [8, 1]),
    ],
)
def test_compiled_and_eager_training_give_the_same_numbers(data, loss, sizes, seed):
    losses = []
    for compiled in (True, False):
        model = nn.MLP(data.inputs.shape[1], sizes, activation="tanh", seed=seed)
        history = nn.fit(
            model,
            *data,
            loss=loss,
            optimizer="sgd",
            learning_rate=0.05,
            epochs=25,
            batch_size=10,
            l2=1e-3,
            compiled=compiled,
        )
        assert history.engine == ("compiled" if compiled else "eager")
        losses.append(history.loss)
    assert len(losses[0]) == 25  # 100 updates and more
    assert np.allclose(losses[0], losses[1], rtol=1e-9, atol=0)


def test_what_cannot_be_traced_is_trained_eagerly_and_says_so():
    class Branching(nn.Module):
        def __init__(self):
            self.w = Value(0.5)

        def __call__(self, x):
            return self.w * x[0] if x[0] > 0 else self.w * x[0] * 2

    with pytest.warns(RuntimeWarning, match="fit uses the slower, eager engine: ") as told:
        history = nn.fit(Branching(), [[1.0], [-1.0]], [1.0, -2.0], "half_squared_error", epochs=50, learning_rate=0.1)
    assert len(told) == 1 and told[0].filename == __file__  # the user's own line is named
    assert history.engine.startswith("eager: ")
    assert len(history.engine) > 20
    assert "\n" not in history.engine
    assert history.loss[-1] < 0.1


def test_a_module_that_lists_its_own_parameters_is_trained_by_them():
    class Half(nn.Module):
        def __init__(self):
            self.trained, self.fixed = Value(0.5), Value(0.25)

        def __call__(self, x):
            return self.trained * x[0] + self.fixed

        def parameters(self):
            return [self.trained]

    model = Half()
    history = nn.fit(model, *line(), loss="half_squared_error", learning_rate=0.1, epochs=100, compiled=False)
    assert history.loss[-1] < history.loss[0]
    assert model.trained.data == pytest.approx(3, abs=0.2)
    assert model.fixed.data == 0.25
    model = Half()
    with pytest.warns(RuntimeWarning, match="neither arguments nor in params"):
        same = nn.fit(model, *line(), loss="half_squared_error", learning_rate=0.1, epochs=100)
    assert np.allclose(same.loss, history.loss, rtol=1e-9)


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop"])
def test_relu_networks_and_other_optimizers_too(optimizer):
    data, losses = nn.moons(40, seed=3), []
    for compiled, expand in ((True, False), (True, True), (False, False)):
        model = nn.MLP(2, [8, 8, 1], seed=3, expand=expand)
        history = nn.fit(model, *data, loss="hinge", optimizer=optimizer, epochs=100, l2=1e-4, compiled=compiled)
        assert history.engine == ("compiled" if compiled else "eager")
        losses.append(history.loss)
    assert np.allclose(losses[0], losses[2], rtol=1e-9, atol=1e-15)
    assert np.allclose(losses[1], losses[2], rtol=1e-9, atol=1e-15)


def test_a_data_set_validates_and_takes_no_single_index():
    data = nn.moons(20, seed=1)
    history = nn.fit(
        nn.MLP(2, [1]), *data, loss="binary_cross_entropy", epochs=2, validation=nn.moons(10, seed=2), patience=2
    )
    assert history.epochs[-1].validation_loss > 0
    with pytest.raises(TypeError, match=r"takes a slice, a list or an array of indices, got 0: `inputs, targets ="):
        data[0]
    with pytest.raises(ValueError, match=r"rows of numbers.*of a data set give dataset.inputs"):
        nn.predict(nn.MLP(2, [1]), data)


def test_an_undefined_loss_is_told_without_a_warning():
    with pytest.raises(nn.TrainingError, match=r"log\(a\) is undefined"):
        nn.fit(nn.MLP(2, [4, 1], activation="log", seed=0), *nn.moons(20), loss="binary_cross_entropy", epochs=1)


@pytest.mark.parametrize("loss", ["hinge", "binary_cross_entropy"])
def test_minus_one_stands_for_a_class_only_where_all_are_plus_or_minus_one(loss):
    inputs = [[0.0], [1.0], [2.0]]
    nn.fit(nn.MLP(1, [1], seed=1), inputs, [-1, 1, 1], loss=loss, epochs=1)
    with pytest.raises(ValueError, match="the classes are 0 and 1"):
        nn.fit(nn.MLP(1, [1], seed=1), inputs, [-1, 0, 1], loss=loss, epochs=1)
