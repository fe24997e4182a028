"""What nn says of itself: summaries, messages, progress, file layout, and why it trains eagerly."""

from __future__ import annotations

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import Value, nn
from glassgrad.nn.files import to_bytes


def test_a_history_in_one_line():
    epoch = nn.Epoch(3, 0.123456789, 0.9166666, 0.2, 0.5, 0.01, 1.5)
    history = nn.History([epoch._replace(number=1), epoch], "all epochs done", "compiled", 1)
    assert repr(history) == "History(2 epochs, loss=0.123457, accuracy=91.7%, all epochs done, compiled)"
    number = nn.History([epoch._replace(accuracy=float("nan"))], "interrupted", "eager")
    assert repr(number) == "History(1 epoch, loss=0.123457, interrupted, eager)"
    assert repr(nn.History(stopped="interrupted")) == "History(no epochs, interrupted)"


@pytest.mark.parametrize(("count", "end"), [(5, "p[4]"), (6, "p[4] and 1 more"), (9, "p[4] and 4 more")])
def test_a_state_that_lacks_many_parameters_names_five(count, end):
    class Many(nn.Module):
        def __init__(self):
            self.p = [Value(0.0) for _ in range(count)]

    with pytest.raises(ValueError, match=r"the state lacks p\[0\], ") as caught:
        Many().load_state_dict({})
    assert f"p[3], {end}; Many has {count} parameters" in str(caught.value)


def test_tensors_begin_at_a_multiple_of_eight_bytes():
    """As the format asks, whatever the length of the header."""
    for length in range(16):
        content = to_bytes(nn.Neuron(2), {"note": "x" * length})
        assert int.from_bytes(content[:8], "little") % 8 == 0


def test_the_bar_tells_loss_and_accuracy(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    data = nn.moons(20, seed=1)
    history = nn.fit(
        nn.MLP(2, [3, 1], seed=1), *data, loss="hinge", epochs=2, progress=True, validation=nn.moons(10, seed=2)
    )
    told, last = capsys.readouterr().err, history.epochs[-1]
    assert f"loss {last.loss:.4g}" in told
    assert f"accuracy {last.accuracy:.1%}" in told
    assert f"validation loss {last.validation_loss:.4g}" in told


class Deceiving(nn.Module):
    """Gives the eager engine, which hands in constants, other numbers than the compiler, for inputs above a limit."""

    def __init__(self, limit, factor):
        self.w, self.limit, self.factor = Value(0.5), limit, factor

    def __call__(self, x):
        if getattr(x[0], "op", "") == "const" and x[0].data > self.limit:
            return self.w * x[0] * self.factor
        return self.w * x[0]


@pytest.mark.parametrize("factor", [1.05, 1 + 1e-6])
@pytest.mark.parametrize("limit", [-1.0, 98.5])
def test_a_compiled_program_that_gives_other_numbers_is_not_trusted(factor, limit):
    """Not even by a little, nor on the last of a hundred examples alone."""
    X = np.arange(100.0)[:, None]
    with pytest.warns(RuntimeWarning, match="eager engine: the compiled program gives other numbers on example"):
        history = nn.fit(Deceiving(limit, factor), X, X[:, 0], loss="half_squared_error", epochs=1, learning_rate=1e-6)
    assert history.engine.startswith("eager: the compiled program gives other numbers on example ")
    honest = nn.fit(Deceiving(limit, 1.0), X, X[:, 0], loss="half_squared_error", epochs=1, learning_rate=1e-6)
    assert honest.engine == "compiled"


def test_an_optimiser_of_ones_own():
    class Half(nn.Optimizer):
        def direction(self, gradient):
            return 0.5 * gradient

    optimizer = Half(learning_rate=0.1)
    assert optimizer.update(np.array([1.0]), np.array([1.0])).tolist() == [0.95]  # no weight decay unless asked for
    assert optimizer.updates == 1


def test_the_calls_of_losses_are_loss_boxes():
    z, y = Value(0.5, "z"), Value(1.0, "y")
    graph = gg.Graph(nn.mean_squared_error([z, y], [1.0, 0.0]))
    assert [(group.name, group.kind) for group in graph.groups] == [("mean_squared_error", "Loss")]


def test_columns_stay_in_the_order_of_the_file(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("z,a,y,m\n1,2,3.5,4\n5,6,7.5,8\n")
    data = nn.read_csv(path, "y")
    assert data.features == ("z", "a", "m")
    assert data.inputs.tolist() == [[1, 2, 4], [5, 6, 8]]
    assert nn.data.csv_columns(path) == ["z", "a", "y", "m"]
