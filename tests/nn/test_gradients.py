"""Every layer and loss against an independent implementation: NumPy, vectorised, derived by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassgrad import Value, nn
from glassgrad.nn.losses import LOSSES
from glassgrad.nn.training import encoded, penalties
from glassgrad.nn.update import EagerStep, Task, losses_of

# y = f(z) and dy/dz, from z and y
ACTIVATIONS = {
    "linear": (lambda z: z, lambda z, y: np.ones_like(z)),
    "relu": (lambda z: np.where(z > 0, z, 0), lambda z, y: np.where(z > 0, 1.0, 0.0)),
    "tanh": (np.tanh, lambda z, y: 1 / np.cosh(z) ** 2),
    "sigmoid": (lambda z: 0.5 * (1 + np.tanh(z / 2)), lambda z, y: 0.25 / np.cosh(z / 2) ** 2),
    "softplus": (lambda z: np.logaddexp(0, z), lambda z, y: 0.5 * (1 + np.tanh(z / 2))),
}


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def cross_entropy(z, t):
    top = z.max(axis=1, keepdims=True)
    log_total = top[:, 0] + np.log(np.exp(z - top).sum(axis=1))
    return log_total - (t * z).sum(axis=1), softmax(z) - t


# the loss of each example and its gradient by the outputs, from outputs and targets of shape (n, outputs)
REFERENCE = {
    "half_squared_error": lambda y, t: (0.5 * ((y - t) ** 2).sum(axis=1), y - t),
    "mean_squared_error": lambda y, t: (((y - t) ** 2).mean(axis=1), 2 * (y - t) / y.shape[1]),
    "mean_absolute_error": lambda y, t: (abs(y - t).mean(axis=1), np.sign(y - t) / y.shape[1]),
    "hinge": lambda y, t: (np.maximum(0, 1 - t * y).mean(axis=1), np.where(t * y < 1, -t, 0) / y.shape[1]),
    "binary_cross_entropy": lambda z, t: (
        (np.logaddexp(0, z) - t * z).mean(axis=1),
        (0.5 * (1 + np.tanh(z / 2)) - t) / z.shape[1],
    ),
    "cross_entropy": cross_entropy,
}


def reference(weights, biases, names, loss, X, T):
    """Loss and gradient in the order of `MLP.parameters()`."""
    outputs, sums = [X], []
    for W, b, name in zip(weights, biases, names):
        sums.append(outputs[-1] @ W.T + b)
        outputs.append(ACTIVATIONS[name][0](sums[-1]))
    values, delta = REFERENCE[loss](outputs[-1], T)
    delta = delta / len(X)
    gradients = []
    for i in reversed(range(len(weights))):
        delta = delta * ACTIVATIONS[names[i]][1](sums[i], outputs[i + 1])
        gradients.insert(0, np.concatenate([delta.T @ outputs[i], delta.sum(axis=0)[:, None]], axis=1).ravel())
        delta = delta @ weights[i]
    return values.mean(), np.concatenate(gradients)


def targets_for(loss, n, outputs, rng):
    if LOSSES[loss].coding == "numbers":
        return rng.normal(size=(n, outputs))
    if LOSSES[loss].coding == "classes":
        return np.eye(outputs)[rng.integers(outputs, size=n)]
    bits = rng.integers(2, size=(n, outputs)).astype(float)
    return 2 * bits - 1 if LOSSES[loss].coding == "signs" else bits


def test_the_reference_knows_every_loss():
    assert REFERENCE.keys() == LOSSES.keys()


@pytest.mark.parametrize("loss", REFERENCE)
@settings(max_examples=25)
@given(
    nin=st.integers(1, 4),
    nouts=st.lists(st.integers(1, 5), min_size=1, max_size=3),
    n=st.integers(1, 6),
    seed=st.integers(0, 10_000),
    data=st.data(),
)
def test_layers_and_losses_match(loss, nin, nouts, n, seed, data):
    if loss == "cross_entropy":
        nouts = [*nouts[:-1], nouts[-1] + 1]
    names = [data.draw(st.sampled_from(list(ACTIVATIONS))) for _ in nouts]
    model = nn.MLP(nin, nouts, activation=names, seed=seed)
    rng = np.random.default_rng(seed)
    for p in model.parameters():
        p.data += rng.normal(scale=0.3)
    X, T = rng.normal(size=(n, nin)), targets_for(loss, n, nouts[-1], rng)
    wanted = T if nouts[-1] > 1 else T[:, 0]
    vector = np.array([p.data for p in model.parameters()])
    value, gradient = EagerStep(Task(model, LOSSES[loss].function, X, wanted))(vector, np.arange(n))
    weights = [np.array([[w.data for w in neuron.w] for neuron in layer.neurons]) for layer in model.layers]
    biases = [np.array([neuron.b.data for neuron in layer.neurons]) for layer in model.layers]
    expected, slopes = reference(weights, biases, names, loss, X, T)
    assert value == pytest.approx(expected, rel=1e-12, abs=1e-14)
    assert np.abs(gradient - slopes).max() <= 1e-12 * max(np.abs(slopes).max(), 1e-3)
    assert np.mean(losses_of(LOSSES[loss].function, nn.outputs(model, X), wanted)) == pytest.approx(
        expected, rel=1e-12, abs=1e-14
    )


def test_the_error_of_n_examples_is_the_lessons():
    y, target = [[1.0, 2.0], [0.0, -1.0], [3.0, 3.0]], [[0.0, 0.0], [0.0, 1.0], [3.0, 1.0]]
    errors = [nn.half_squared_error(a, b) for a, b in zip(y, target)]
    squares = [(1 + 4), (0 + 4), (0 + 4)]
    assert sum(errors) / 3 == sum(squares) / (2 * 3)
    outputs = [Value(x) for x in y[0]]
    nn.half_squared_error(outputs, target[0]).backward()
    assert [v.grad for v in outputs] == [1.0, 2.0]  # y' − y


def test_losses_are_stable_far_out():
    z = [Value(1000.0), Value(-1000.0), Value(0.0)]
    loss = nn.cross_entropy(z, [0, 1, 0])
    loss.backward()
    assert loss.data == 2000.0
    assert [v.grad for v in z] == [1.0, -1.0, 0.0]
    for logit, bit, expected in ((1000.0, 0, 1000.0), (-1000.0, 1, 1000.0), (1000.0, 1, 0.0), (-1000.0, 0, 0.0)):
        assert nn.binary_cross_entropy(Value(logit), bit).data == expected


def test_cross_entropy_of_equal_logits_is_fair():
    z = [Value(0.5) for _ in range(5)]
    loss = nn.cross_entropy(z, [0, 0, 1, 0, 0])
    loss.backward()
    assert loss.data == pytest.approx(math.log(5))
    assert [v.grad for v in z] == pytest.approx([0.2, 0.2, -0.8, 0.2, 0.2])


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_refuse_unequal_lengths_and_take_numbers(loss):
    function = LOSSES[loss].function
    with pytest.raises(
        ValueError, match=f"{loss} compares outputs with targets one by one, got 2 outputs and 1 targets"
    ):
        function([Value(1.0), Value(2.0)], 1)
    assert function([1.0, 2.0], [1, 0]) == pytest.approx(function([Value(1.0), Value(2.0)], [1, 0]).data, rel=1e-15)


def test_penalties_by_the_engine_and_by_arrays_agree():
    parameters = [Value(x) for x in (1.5, -2.0, 0.0, 0.25)]
    total = nn.l1_penalty(parameters, 0.1) + nn.l2_penalty(parameters, 0.3)
    total.backward()
    value, gradient = penalties(np.array([p.data for p in parameters]), 0.1, 0.3)
    assert total.data == pytest.approx(value, rel=1e-14)
    assert [p.grad for p in parameters] == pytest.approx(gradient.tolist(), rel=1e-14)
    assert value == pytest.approx(0.1 * 3.75 + 0.3 * (2.25 + 4 + 0.0625))


@pytest.mark.parametrize(
    ("targets", "coding", "count", "expected"),
    [
        ([0, 1], "signs", 1, [-1, 1]),
        ([-1, 1], "signs", 1, [-1, 1]),
        ([-1, 1], "bits", 1, [0, 1]),
        ([True, False], "bits", 1, [1, 0]),
        ([2, 0], "classes", 3, [[0, 0, 1], [1, 0, 0]]),
        ([1, 0], "signs", 2, [[-1, 1], [1, -1]]),
        ([[1.5], [2.5]], "numbers", 1, [1.5, 2.5]),
        ([[0, 1], [1, 0]], "classes", 2, [[0, 1], [1, 0]]),
    ],
)
def test_targets_are_coded_as_the_loss_wants_them(targets, coding, count, expected):
    assert encoded(targets, coding, count, 2).tolist() == expected


@pytest.mark.parametrize(
    ("targets", "coding", "count", "message"),
    [
        ([0, 1, 1], "bits", 1, "there are 2 examples but 3 targets"),
        (["a", "b"], "bits", 1, "targets must be numbers, got <U1: number the classes"),
        ([0, 1], "classes", 1, "use binary_cross_entropy"),
        ([0, 2], "signs", 1, "the classes are 0 and 1"),
        ([0, 2], "bits", 1, "the classes are 0 and 1"),
        ([0, 3], "classes", 3, "classes must be whole numbers from 0 to 2"),
        ([0.5, 1], "classes", 3, "classes must be whole numbers from 0 to 2"),
        ([0.5, 1], "numbers", 2, r"the shape .2, 2., got .2,."),
        ([0.5, math.nan], "numbers", 1, "target 1 is not finite"),
    ],
)
def test_targets_that_do_not_fit_are_refused(targets, coding, count, message):
    with pytest.raises(ValueError, match=message):
        encoded(targets, coding, count, 2)
