"""micrograd's own names and demo, with the import line changed."""

import random
from pathlib import Path

import numpy as np
import pytest

from glassgrad import nn
from glassgrad.engine import Value
from glassgrad.nn import MLP, Layer, Module, Neuron

GOLDEN = Path(__file__).parent.parent / "golden"
micrograd = pytest.importorskip("micrograd.nn")


def test_the_same_seed_gives_the_same_network_and_the_same_words():
    random.seed(7)
    theirs = micrograd.MLP(3, [4, 4, 1])
    random.seed(7)
    ours = MLP(3, [4, 4, 1])
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
    ours = demo(Value, MLP(2, [4, 4, 1]), X, y, 10)
    assert ours[0] == pytest.approx(theirs[0], rel=1e-9)
    assert ours[1] == theirs[1]


def test_the_demo_with_its_own_seeds_gives_micrograds_numbers():
    """To 13 digits, as far as micrograd agrees with itself from run to run (1.6e-14 apart: it adds in the order of a
    set). The golden file is what micrograd gave: 100 losses, without a seed given to anything but the two modules."""
    datasets = pytest.importorskip("sklearn.datasets")
    np.random.seed(1337)
    random.seed(1337)
    X, y = datasets.make_moons(n_samples=100, noise=0.1)
    losses, accuracy = demo(Value, MLP(2, [16, 16, 1]), X, y * 2 - 1, 100)
    theirs = [float(line) for line in (GOLDEN / "micrograd_demo.txt").read_text().split()]
    assert losses == pytest.approx(theirs, rel=1e-13)
    assert accuracy == 1.0


def test_neurons_made_one_by_one_differ_and_follow_the_global_seed():
    random.seed(5)
    layer = [Neuron(2) for _ in range(3)]
    assert len({n.w[0].data for n in layer}) == 3
    random.seed(5)
    assert [w.data for n in layer for w in n.w] == [random.uniform(-1, 1) for _ in range(6)]
    state = random.getstate()
    again = nn.files.from_bytes(nn.files.to_bytes(MLP(2, [3, 1], seed=1)))[0]
    nn.fit(again, *nn.moons(20), loss="hinge", epochs=1)
    assert random.getstate() == state  # what has a seed, or is read, draws nothing from it
