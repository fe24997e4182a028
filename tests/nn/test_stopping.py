"""When `fit` stops, to the epoch, and which parameters it leaves: validation losses are given, not trained."""

from __future__ import annotations

import math

import numpy as np
import pytest

from glassgrad import Value, nn
from glassgrad.nn import schedules


class Given(nn.Module):
    """Its output on the validation example is the next number of a list; its one parameter counts the updates."""

    def __init__(self, losses):
        self.count = Value(0.0)
        self.losses = losses

    def __call__(self, x):
        if x[0] > 0:  # the validation example
            return self.count * 0 + self.losses[round(self.count.data) - 1]
        return self.count * -1.0  # the slope of the loss is −1 for each: an update adds 1


def stopped(losses, **options):
    model = Given(losses)
    history = nn.fit(
        model,
        [[-1.0]],
        [0.0],
        loss=lambda output, target: output,
        optimizer=nn.SGD(learning_rate=1.0),
        epochs=len(losses),
        validation=([[1.0]], [0.0]),
        compiled=False,
        **options,
    )
    assert history.validation_loss.tolist() == losses[: len(history)]
    return len(history), history.stopped, history.best_epoch, model.count.data


FALLEN, DONE = "the error stopped falling", "all epochs done"


@pytest.mark.parametrize(
    ("losses", "patience", "expected"),
    [
        ([5.0, 4.0, 4.0, 4.0, 4.0], 1, (3, FALLEN, 2, 2.0)),
        ([5.0, 4.0, 4.0, 4.0, 4.0], 2, (4, FALLEN, 2, 2.0)),
        ([5.0, 4.0, 4.0, 4.0, 4.0], 3, (5, FALLEN, 2, 2.0)),
        ([5.0, 4.0, 4.0, 4.0, 4.0], 4, (5, DONE, 2, 2.0)),
        ([5.0, 6.0, 6.0, 4.0, 6.0, 6.0, 6.0], 3, (7, FALLEN, 4, 4.0)),
        ([5.0, 6.0, 6.0, 6.0, 4.0], 3, (4, FALLEN, 1, 1.0)),
        ([5.0, 4.0, 3.0, 2.0], 1, (4, DONE, 4, 4.0)),
        ([5.0, 4.99995, 4.9999, 4.99985, 4.9998], 2, (3, FALLEN, 3, 3.0)),  # falls, but by less than 1e-4 in two
    ],
)
def test_patience_counts_epochs_since_the_loss_last_fell(losses, patience, expected):
    assert stopped(losses, patience=patience) == expected


@pytest.mark.parametrize(
    ("least", "patience", "epochs"),
    [(0.0, 1, 5), (0.4, 1, 5), (0.6, 1, 2), (0.6, 2, 5), (1.1, 2, 3), (1.1, 3, 5)],
)
def test_min_improvement_is_how_much_it_must_fall(least, patience, epochs):
    assert stopped([10.0, 9.5, 9.0, 8.5, 8.0], patience=patience, min_improvement=least)[0] == epochs


def test_without_patience_the_last_parameters_stay():
    assert stopped([1.0, 2.0, 3.0]) == (3, DONE, 1, 3.0)


def test_without_validation_data_the_training_loss_is_watched_and_the_last_parameters_stay():
    X = np.linspace(-1, 1, 10)[:, None]
    model = nn.MLP(1, [1], seed=1)
    history = nn.fit(
        model,
        X,
        2 * X[:, 0],
        loss="half_squared_error",
        optimizer=nn.SGD(learning_rate=0.5),
        epochs=500,
        patience=7,
        min_improvement=1e-3,
    )
    improved, reference = 0, math.inf
    for number, loss in enumerate(history.loss, start=1):
        if loss < reference - 1e-3:
            improved, reference = number, loss
    assert len(history) == improved + 7
    assert history.stopped == FALLEN
    again = nn.MLP(1, [1], seed=1)
    nn.fit(
        again,
        X,
        2 * X[:, 0],
        loss="half_squared_error",
        optimizer=nn.SGD(learning_rate=0.5),
        epochs=len(history),
    )
    assert model.state_dict() == again.state_dict()


def test_every_epoch_takes_every_batch_once_and_a_schedule_counts_updates():
    """10 examples in batches of 4: 3 updates an epoch, weighted by their size; the last rate is written down."""
    model, seen = nn.MLP(1, [1], seed=1), []

    def loss(output, target):
        seen.append(target)
        return (output - target) ** 2

    rate = schedules.linear(0.1, 0.0, 100)
    targets = np.arange(10.0)
    history = nn.fit(
        model,
        np.zeros((10, 1)),
        targets,
        loss=loss,
        optimizer="sgd",
        learning_rate=rate,
        epochs=2,
        batch_size=4,
        compiled=False,
        seed=3,
    )
    assert sorted(seen[:10]) == sorted(seen[10:20]) == targets.tolist()
    assert seen[:10] != seen[10:20]
    assert history.learning_rate.tolist() == [rate(2), rate(5)]
    b, expected, order = 0.0, [], iter(seen)
    for k in range(2):
        squares = []
        for update, size in enumerate((4, 4, 2)):
            batch = [next(order) for _ in range(size)]
            squares += [(b - t) ** 2 for t in batch]
            b -= rate(3 * k + update) * sum(2 * (b - t) for t in batch) / size
        expected.append(sum(squares) / 10)
    assert history.loss == pytest.approx(expected, rel=1e-12)
    assert model.layers[0].neurons[0].b.data == pytest.approx(b, rel=1e-12)


def test_accuracy_and_validation_are_measured_after_the_epoch_and_without_penalties():
    train, test = nn.moons(40, seed=1), nn.moons(30, seed=2)
    model = nn.MLP(2, [4, 1], activation="tanh", seed=3)
    history = nn.fit(
        model, *train, loss="binary_cross_entropy", learning_rate=0.1, epochs=3, l2=0.5, l1=0.5, validation=test
    )
    found = nn.outputs(model, test.inputs)[:, 0]
    plain = np.mean(np.logaddexp(0, found) - test.targets * found)
    last = history.epochs[-1]
    assert last.validation_loss == pytest.approx(plain, rel=1e-12)
    assert last.accuracy == nn.accuracy(model, *train)
    assert last.validation_accuracy == nn.accuracy(model, *test)
    assert last.number == 3


def test_a_share_held_out_is_not_trained_on():
    data = nn.moons(40, seed=1)
    seen = set()

    class Watched(nn.Module):
        def __init__(self):
            self.w = Value(0.5)

        def __call__(self, x):
            seen.add(tuple(getattr(v, "data", v) for v in x))
            return self.w * x[0]

    model = Watched()
    nn.fit(model, *data, loss=lambda output, target: output * 0, epochs=1, validation=0.25, compiled=False, seed=5)
    whole = {tuple(row) for row in data.inputs.tolist()}
    assert seen == whole  # training and validation together
    _, held = nn.data.split_indices(data.targets, 40, 0.25, 5)
    assert len(held) == 10
    assert sorted(data.targets[held].tolist()) == [0] * 5 + [1] * 5
