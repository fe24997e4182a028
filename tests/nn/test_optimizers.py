"""Updates against tables worked out by hand from the published formulas (named in each optimiser's docstring)."""

import math

import numpy as np
import pytest

from glassgrad import Value, nn
from glassgrad.nn import schedules
from glassgrad.nn.optimizers import clipped, optimizer_named

# Each table: the optimiser, gradients, and the parameter after each update; it starts at 1, η = 0.1.
TABLES = {
    "gradient descent": (nn.SGD(learning_rate=0.1), [1, 1, -2], [0.9, 0.8, 1.0]),
    # v = 1, 1.9, 2.71 (Sutskever et al. 2013)
    "momentum 0.9": (nn.SGD(learning_rate=0.1, momentum=0.9), [1, 1, 1], [0.9, 0.71, 0.439]),
    # g + 0.9·v = 1.9, 2.71, 3.439
    "Nesterov 0.9": (nn.SGD(learning_rate=0.1, momentum=0.9, nesterov=True), [1, 1, 1], [0.81, 0.539, 0.1951]),
    # w − 0.1·(g + 0.5·w): 1 − 0.1·1.5; 0.85 − 0.1·1.425
    "weight decay 0.5": (nn.SGD(learning_rate=0.1, weight_decay=0.5), [1, 1], [0.85, 0.7075]),
    # v = 0.1·4 = 0.4, 0.36 + 0.4 = 0.76 (Hinton, lecture 6e)
    "RMSProp 0.9": (
        nn.RMSProp(learning_rate=0.1, epsilon=0.0),
        [2, 2],
        [1 - 0.2 / math.sqrt(0.4), 1 - 0.2 / math.sqrt(0.4) - 0.2 / math.sqrt(0.76)],
    ),
    # m = 0.1, −0.01; m̂ = 1, −0.01/0.19; v̂ = 1, 1 (Kingma & Ba 2015, algorithm 1)
    "Adam": (nn.Adam(learning_rate=0.1, epsilon=0.0), [1, -1], [0.9, 0.9 + 0.1 * 0.01 / 0.19]),
    # the decay is part of the gradient: g = 1 + 0.5·1 = 1.5, then −0.95 + 0.5·0.9 = −0.5;
    # m = 0.15, 0.085; v = 0.00225, 0.00224775 + 0.00025
    "Adam, weight decay 0.5": (
        nn.Adam(learning_rate=0.1, epsilon=0.0, weight_decay=0.5),
        [1, -0.95],
        [0.9, 0.9 - 0.1 * (0.085 / 0.19) / math.sqrt(0.00249775 / 0.001999)],
    ),
    # first w·(1 − 0.1·0.5), then Adam: 0.95 − 0.1; 0.85·0.95 + 0.1·0.01/0.19 (Loshchilov & Hutter 2019, algorithm 2)
    "AdamW, weight decay 0.5": (
        nn.AdamW(learning_rate=0.1, epsilon=0.0, weight_decay=0.5),
        [1, -1],
        [0.85, 0.8075 + 0.001 / 0.19],
    ),
    # norm 5 → 2: 3·2/5
    "clip 2": (nn.SGD(learning_rate=0.1, clip=2.0), [5, 1], [0.8, 0.7]),
}


@pytest.mark.parametrize("name", TABLES)
def test_updates_follow_the_published_formulas(name):
    optimizer, gradients, expected = TABLES[name]
    vector = np.array([1.0])
    for i, (g, w) in enumerate(zip(gradients, expected), start=1):
        before = vector.copy()
        new = optimizer.update(vector, np.array([float(g)]))
        assert vector == before
        assert new[0] == pytest.approx(w, rel=1e-13)
        assert optimizer.updates == i
        vector = new


def test_step_by_hand_is_update_on_a_vector():
    model = nn.MLP(2, [3, 1], seed=1)
    by_step, by_vector = nn.Adam(model.parameters(), 0.05), nn.Adam(learning_rate=0.05)
    vector = np.array([p.data for p in model.parameters()])
    for _ in range(5):
        model.zero_grad()
        (model([0.3, -0.7]) ** 2).backward()
        vector = by_vector.update(vector, np.array([float(p.grad) for p in model.parameters()]))
        by_step.step()
        assert [p.data for p in model.parameters()] == vector.tolist()


def test_an_optimizer_serves_one_network():
    optimizer = nn.Adam()
    optimizer.update(np.zeros(3), np.ones(3))
    with pytest.raises(ValueError, match="this Adam remembers another network's gradients"):
        optimizer.update(np.zeros(1), np.ones(1))


def test_clipping_keeps_direction_and_short_gradients():
    assert clipped(np.array([3.0, 4.0]), 5.0).tolist() == [3.0, 4.0]
    assert clipped(np.array([3.0, 4.0]), 2.5) == pytest.approx([1.5, 2.0])
    v = [Value(1.0), Value(1.0)]
    (3 * v[0] + 4 * v[1]).backward()
    assert nn.clip_gradient(v, 1.0) == 5.0
    assert [p.grad for p in v] == pytest.approx([0.6, 0.8])


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (schedules.constant(0.3), {0: 0.3, 99: 0.3}),
        (schedules.linear(1.0, 0.1, 100), {k: max(1.0 - 0.9 * k / 100, 0.1) for k in (0, 1, 50, 99, 100, 500)}),
        (schedules.cosine(2.0, 1.0, 8), {0: 2.0, 4: 1.5, 8: 1.0, 9: 1.0, 2: 1.5 + 0.5 * math.sqrt(0.5)}),
        (schedules.stepwise(1.0, 0.1, 3), {0: 1.0, 2: 1.0, 3: 0.1, 6: 0.01}),
    ],
)
def test_schedules(schedule, expected):
    assert {k: schedule(k) for k in expected} == pytest.approx(expected, rel=1e-12)


def test_a_schedule_is_followed():
    optimizer = nn.SGD(learning_rate=schedules.linear(0.4, 0.0, 4))
    vector = np.array([1.0])
    rates = []
    for _ in range(4):
        rates.append(optimizer.learning_rate)
        vector = optimizer.update(vector, np.array([1.0]))
    assert rates == pytest.approx([0.4, 0.3, 0.2, 0.1])
    assert vector[0] == pytest.approx(0.0, abs=1e-15)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.SGD([Value(1.0)]).step(), ValueError, r"no parameter has a gradient: call loss.backward\(\)"),
        (lambda: nn.SGD().step(), ValueError, r"step\(\) needs parameters"),
        (lambda: nn.SGD(0.1), TypeError, "parameters is a list, such as model.parameters"),
        (lambda: nn.SGD(learning_rate=0), ValueError, "learning_rate must be greater than 0, got 0"),
        (lambda: nn.SGD(momentum=1.5), ValueError, "momentum must be from 0 to below 1"),
        (lambda: nn.SGD(nesterov=True), ValueError, "above 0 for nesterov"),
        (lambda: nn.Adam(betas=(1.0, 0.9)), ValueError, "betas must be"),
        (lambda: nn.Adam(clip=0.0), ValueError, "clip must be greater than 0"),
        (lambda: schedules.linear(1, 0, 0), ValueError, "at least 1 update"),
        (
            lambda: optimizer_named("lion"),
            ValueError,
            "unknown optimizer 'lion' .must be one of sgd, rmsprop, adam, adamw",
        ),
        (lambda: optimizer_named(nn.SGD(), 0.1), ValueError, "give the learning rate to the optimizer itself"),
    ],
)
def test_mistakes_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
