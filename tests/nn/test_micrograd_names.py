"""micrograd's own names and demo, with the import line changed."""

import random

import numpy as np
import pytest

from glassgrad.engine import Value
from glassgrad.nn import MLP, Layer, Module, Neuron

micrograd = pytest.importorskip("micrograd.nn")


def test_the_same_seed_gives_the_same_network_and_the_same_words():
    random.seed(7)
    theirs = micrograd.MLP(3, [4, 4, 1])
    random.seed(7)
    ours = MLP(3, [4, 4, 1], rng=random)
    assert [p.data for p in ours.parameters()] == [p.data for p in theirs.parameters()]
    assert repr(ours) == repr(theirs)
    assert repr(Neuron(2, nonlin=False)) == repr(micrograd.Neuron(2, nonlin=False)) == "LinearNeuron(2)"
    assert repr(Layer(2, 2, nonlin=True)) == repr(micrograd.Layer(2, 2, nonlin=True))
    x = [2.0, 3.0, -1.0]
    a, b = ours(x), theirs(x)
    a.backward()
    b.backward()
    assert a.data == pytest.approx(b.data, rel=1e-14)
    assert [p.grad for p in ours.parameters()] == pytest.approx([p.grad for p in theirs.parameters()], rel=1e-12)
    assert isinstance(ours, Module)


def demo(value_class, model, X, y, steps):
    """The training cell of micrograd's demo.ipynb."""
    losses = []
    for k in range(steps):
        inputs = [list(map(value_class, xrow)) for xrow in X]
        scores = list(map(model, inputs))
        losses_ = [(1 + -yi * scorei).relu() for yi, scorei in zip(y, scores)]
        data_loss = sum(losses_) * (1.0 / len(losses_))
        alpha = 1e-4
        reg_loss = alpha * sum(p * p for p in model.parameters())
        total_loss = data_loss + reg_loss
        accuracy = [(yi > 0) == (scorei.data > 0) for yi, scorei in zip(y, scores)]
        model.zero_grad()
        total_loss.backward()
        learning_rate = 1.0 - 0.9 * k / 100
        for p in model.parameters():
            p.data -= learning_rate * p.grad
        losses.append(total_loss.data)
    return losses, sum(accuracy) / len(accuracy)


def test_the_demo_takes_the_same_steps():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(12, 2)), np.tile([-1, 1], 6)
    random.seed(3)
    theirs = demo(micrograd.Value, micrograd.MLP(2, [4, 4, 1]), X, y, 10)
    random.seed(3)
    ours = demo(Value, MLP(2, [4, 4, 1], rng=random), X, y, 10)
    assert ours[0] == pytest.approx(theirs[0], rel=1e-9)
    assert ours[1] == theirs[1]


def test_the_demo_learns_the_moons():
    from glassgrad.nn import moons

    X, y = moons(100, noise=0.1, seed=1)
    losses, accuracy = demo(Value, MLP(2, [16, 16, 1], seed=1), X, 2 * y - 1, 100)
    assert accuracy == 1.0
    assert losses[-1] < 0.03
