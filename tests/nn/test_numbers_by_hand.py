"""Losses, penalties, generators, scalings and schedules against numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from glassgrad import Value, nn
from glassgrad.nn import schedules

LN2 = math.log(2)


@pytest.mark.parametrize(
    ("loss", "outputs", "target", "expected", "gradient"),
    [
        (nn.half_squared_error, [3.0, -1.0], [1.0, 1.0], 4.0, [2.0, -2.0]),  # ½(4 + 4)
        (nn.mean_squared_error, [3.0, -1.0], [1.0, 1.0], 4.0, [2.0, -2.0]),  # (4 + 4)/2
        (nn.mean_squared_error, [3.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 1.0], 1.0, [1.0, 0.0, 0.0, 0.0]),
        (nn.mean_absolute_error, [3.0, -1.0], [1.0, 0.0], 1.5, [0.5, -0.5]),
        (nn.hinge, [0.5, -2.0], [1.0, 1.0], 1.75, [-0.5, -0.5]),  # (0.5 + 3)/2
        (nn.hinge, [2.0, -2.0], [1.0, -1.0], 0.0, [0.0, 0.0]),
        (nn.binary_cross_entropy, [0.0, 0.0], [1.0, 0.0], LN2, [-0.25, 0.25]),
        (nn.cross_entropy, [0.0, 0.0, 0.0, 0.0], [0, 0, 1, 0], 2 * LN2, [0.25, 0.25, -0.75, 0.25]),
        (nn.cross_entropy, [LN2, 0.0, 0.0], [1, 0, 0], LN2, [-0.5, 0.25, 0.25]),  # e^z = 2, 1, 1
    ],
)
def test_losses_and_their_gradients(loss, outputs, target, expected, gradient):
    values = [Value(x) for x in outputs]
    result = loss(values, target)
    result.backward()
    assert result.data == pytest.approx(expected, rel=1e-14)
    assert [v.grad for v in values] == pytest.approx(gradient, rel=1e-14)
    assert loss(outputs, target) == pytest.approx(expected, rel=1e-14)


def test_penalties():
    p = [Value(3.0), Value(-4.0), Value(0.0)]
    nn.l1_penalty(p, 0.5).backward()
    assert [v.grad for v in p] == [0.5, -0.5, 0.0]
    assert nn.l1_penalty(p, 0.5).data == 3.5
    for v in p:
        v.grad = None
    nn.l2_penalty(p, 0.5).backward()
    assert [v.grad for v in p] == [3.0, -4.0, 0.0]
    assert nn.l2_penalty(p, 0.5).data == 12.5


def test_without_noise_the_generators_are_the_curves_of_their_names():
    X, y = nn.moons(5, noise=0)
    points = sorted(zip(map(tuple, X.round(12).tolist()), y.tolist()), key=lambda pair: (pair[1], pair[0]))
    assert points == [((-1.0, 0.0), 0), ((0.0, 1.0), 0), ((1.0, 0.0), 0), ((0.0, 0.5), 1), ((2.0, 0.5), 1)]
    X, y = nn.circles(6, noise=0, ratio=0.5)
    angles = np.sort(np.arctan2(X[y == 0][:, 1], X[y == 0][:, 0]))
    assert np.diff(angles) == pytest.approx([2 * math.pi / 3] * 2)  # evenly round, no point twice
    assert np.hypot(*X[y == 1].T) == pytest.approx([0.5] * 3)
    X, y = nn.blobs(4, noise=0, classes=4)
    assert {tuple(row) for row in (X[np.argsort(y)] + 0.0).round(12).tolist()} == {
        (2.0, 0.0),
        (0.0, 2.0),
        (-2.0, 0.0),
        (-0.0, -2.0),
    }
    X, y = nn.spiral(9, noise=0, arms=3)
    for arm in range(3):
        radius = np.sort(np.hypot(*X[y == arm].T))
        assert radius == pytest.approx([0.05, 0.525, 1.0])
    outer = X[np.hypot(*X.T) > 0.99]
    assert np.sort(np.mod(np.arctan2(outer[:, 0], outer[:, 1]), 2 * math.pi)) == pytest.approx(
        np.sort(np.mod(4 + np.arange(3) * 2 * math.pi / 3, 2 * math.pi))
    )
    X, y = nn.sine(400, noise=0, seed=1)
    assert -math.pi < X.min() < -3 and 3 < X.max() < math.pi


@pytest.mark.parametrize("make", [nn.xor, nn.moons, nn.circles, nn.spiral, nn.blobs])
def test_noise_is_the_standard_deviation_of_both_coordinates(make):
    """The same seed with and without noise: the noise is drawn first, then the order of the examples."""
    clean, noisy = make(4000, noise=0, seed=7), make(4000, noise=0.25, seed=7)
    assert np.array_equal(clean.targets, noisy.targets)
    difference = noisy.inputs - clean.inputs
    assert difference.std(axis=0) == pytest.approx([0.25, 0.25], rel=0.05)
    assert abs(difference.mean(axis=0)).max() < 0.02


def test_the_examples_are_shuffled():
    for make in (nn.xor, nn.moons, nn.circles, nn.spiral, nn.blobs):
        targets = make(60, seed=1).targets
        assert not np.array_equal(targets, np.sort(targets))
        assert 15 < np.count_nonzero(np.diff(targets)) < 60


def test_the_split_is_drawn_at_random_and_shuffled():
    data = nn.Dataset(np.arange(100.0)[:, None], np.arange(100.0), ("x",))
    train, test = nn.split(data, test=0.2, seed=1)
    assert (len(train), len(test)) == (80, 20)
    for part in (train, test):
        assert np.array_equal(part.inputs[:, 0], part.targets)
        assert np.count_nonzero(np.diff(part.targets) < 0) > len(part) / 5
    other = nn.split(data, test=0.2, seed=2)[1]
    assert set(other.targets) != set(test.targets)


def test_shares_are_rounded_class_by_class():
    data = nn.Dataset(np.zeros((14, 1)), np.array([0] * 7 + [1] * 3 + [2] * 4), ("x",), ("a", "b", "c"))
    train, test = nn.split(data, test=0.5)
    assert np.bincount(test.targets).tolist() == [4, 2, 2]  # 3.5, 1.5 and 2, a half to the even number
    assert np.bincount(train.targets).tolist() == [3, 1, 2]


def test_a_data_set_is_cut_with_its_names():
    data = nn.moons(10, seed=1)
    part = data[2:5]
    assert (part.features, part.classes, part.target) == (data.features, data.classes, data.target)
    assert np.array_equal(part.inputs, data.inputs[2:5])
    assert np.array_equal(part.targets, data.targets[2:5])


def test_one_hot_and_its_limits():
    assert nn.one_hot([2, 0, 1], 3).tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 0]]
    for bad in ([3], [-1], [0.5], [[0]]):
        with pytest.raises(ValueError, match="classes must be whole numbers from 0 to 2"):
            nn.one_hot(bad, 3)


def test_standardisation_by_hand():
    scaling = nn.Standardisation.of([[1.0, 7.0], [3.0, 7.0], [8.0, 7.0]])
    assert scaling.mean == (4.0, 7.0)
    assert scaling.scale == (pytest.approx(math.sqrt((9 + 1 + 16) / 3)), 1.0)  # divided by n, not n − 1
    assert scaling.apply([[4.0, 9.0]]).tolist() == [[0.0, 2.0]]
    tiny = nn.Standardisation.of([[1e-20], [3e-20]])
    assert tiny.scale == (pytest.approx(1e-20),)  # small is not constant


def test_twenty_whole_numbers_are_classes_and_twenty_one_are_not(tmp_path):
    for count, classes in ((20, 20), (21, 0)):
        path = tmp_path / f"{count}.csv"
        path.write_text("a,y\n" + "".join(f"{i},{i % count}\n" for i in range(50)))
        assert len(nn.read_csv(path, "y").classes) == classes


def test_classes_are_sorted_as_numbers_where_they_are(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text("a\ty\n1\t10\n2\t9\n3\t-1\n")
    data = nn.read_csv(path, "y")
    assert data.classes == ("-1", "9", "10")
    assert data.targets.tolist() == [2, 1, 0]


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (schedules.linear(2.0, 4.0, 4), [2.0, 2.5, 3.0, 3.5, 4.0, 4.0]),
        (schedules.linear(1.0, 0.0, 1), [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
        (schedules.cosine(1.0, 3.0, 2), [1.0, 2.0, 3.0, 3.0, 3.0, 3.0]),
        (schedules.stepwise(8.0, 0.5, 2), [8.0, 8.0, 4.0, 4.0, 2.0, 2.0]),
    ],
)
def test_schedules_begin_and_end_where_they_say(schedule, expected):
    assert [schedule(k) for k in range(6)] == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(("kind", "rate"), [(nn.SGD, 0.01), (nn.RMSProp, 0.01), (nn.Adam, 0.01), (nn.AdamW, 0.01)])
def test_defaults_of_the_optimisers(kind, rate):
    optimizer = kind()
    assert optimizer.learning_rate == rate
    assert (optimizer.weight_decay, optimizer.clip) == (0.0, None)
    if isinstance(optimizer, nn.Adam):
        assert (optimizer.betas, optimizer.epsilon) == ((0.9, 0.999), 1e-8)


def adam(gradients, w=1.0, rate=0.1, b1=0.9, b2=0.999, epsilon=1e-8, decay=0.0, decoupled=False):
    """Kingma & Ba (2015), algorithm 1, in plain floats."""
    m = v = 0.0
    for t, g in enumerate(gradients, start=1):
        shrink = rate * decay * w if decoupled else 0.0
        g += 0.0 if decoupled else decay * w
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        w = w - shrink - rate * (m / (1 - b1**t)) / (math.sqrt(v / (1 - b2**t)) + epsilon)
    return w


@pytest.mark.parametrize("decay", [0.0, 0.3])
@pytest.mark.parametrize("kind", [nn.Adam, nn.AdamW])
def test_adam_over_many_updates(kind, decay):
    gradients = [math.sin(3 * k) + 0.2 for k in range(40)]
    optimizer, w = kind(learning_rate=0.1, weight_decay=decay, epsilon=0.01, betas=(0.8, 0.9)), np.array([1.0])
    for g in gradients:
        w = optimizer.update(w, np.array([g]))
    expected = adam(gradients, b1=0.8, b2=0.9, epsilon=0.01, decay=decay, decoupled=kind is nn.AdamW)
    assert w[0] == pytest.approx(expected, rel=1e-12)


def test_rmsprop_and_its_epsilon():
    optimizer, w, v, expected = nn.RMSProp(learning_rate=0.1, rho=0.5, epsilon=0.5), np.array([1.0]), 0.0, 1.0
    for g in (2.0, -1.0, 0.5):
        w = optimizer.update(w, np.array([g]))
        v = 0.5 * v + 0.5 * g * g
        expected -= 0.1 * g / (math.sqrt(v) + 0.5)
    assert w[0] == pytest.approx(expected, rel=1e-14)


def test_clipping_is_by_the_norm_of_all_gradients_and_comes_before_the_decay():
    optimizer = nn.SGD(learning_rate=1.0, clip=1.0, weight_decay=0.5)
    assert optimizer.update(np.array([2.0, 0.0]), np.array([3.0, 4.0])) == pytest.approx([2 - 0.6 - 1.0, -0.8])
    assert optimizer.update(np.array([2.0, 0.0]), np.array([0.6, 0.0])) == pytest.approx([2 - 0.6 - 1.0, 0.0])


def test_probabilities_by_hand():
    assert nn.predict_proba(lambda x: [Value(LN2), Value(0.0), Value(0.0)], [[0.0]]) == pytest.approx(
        np.array([[0.5, 0.25, 0.25]])
    )
    assert nn.predict_proba(lambda x: Value(math.log(3)), [[0.0]]) == pytest.approx(np.array([[0.25, 0.75]]))
    assert nn.predict(lambda x: Value(0.0), [[0.0]]).tolist() == [0]  # above 0, not from 0 up
    assert nn.predict(lambda x: [Value(1.0), Value(1.0)], [[0.0]]).tolist() == [0]
    assert nn.predict(lambda x: [Value(1.0), Value(2.0)], [[0.0]], "regression").tolist() == [[1.0, 2.0]]


def test_accuracy_counts_as_its_targets_are_written():
    model = lambda x: Value(x[0])  # noqa: E731  # one line says it
    X = [[-1.0], [2.0], [3.0], [-4.0]]
    assert nn.accuracy(model, X, [0, 1, 0, 0]) == 0.75
    assert nn.accuracy(model, X, [-1, 1, -1, -1]) == 0.75
    assert nn.accuracy(lambda x: [Value(-x[0]), Value(x[0])], X, [[1, 0], [0, 1], [1, 0], [1, 0]]) == 0.75


def test_a_perceptron_learns_by_its_own_error():
    unit = nn.Perceptron(2, 2, seed=1)
    for u, w in zip(unit.units, ([1.0, -1.0], [0.5, 2.0])):
        u.w[0].data, u.w[1].data, u.b.data = *w, 0.25
    error = unit.learn([2.0, 1.0], [2.25, 3.25], learning_rate=0.1)  # outputs 1.25 and 3.25
    assert error == 0.5
    assert [[w.data for w in u.w] + [u.b.data] for u in unit.units] == [
        pytest.approx([1.2, -0.9, 0.35]),
        pytest.approx([0.5, 2.0, 0.25]),
    ]
