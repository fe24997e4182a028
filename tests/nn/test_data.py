import subprocess
import sys

import numpy as np
import pytest

from glassgrad import nn
from glassgrad.nn.data import MADE, batches, split_indices

DIGEST = """
import hashlib
from glassgrad.nn.data import MADE
print(hashlib.sha256(b"".join(a.tobytes() for make in MADE.values() for a in make(seed=5))).hexdigest())
"""


@pytest.mark.parametrize("name", MADE)
def test_made_data_have_the_size_asked_for_and_follow_the_seed(name):
    X, y = MADE[name](30, seed=1)
    assert X.shape == (30, 1 if name == "sine" else 2)
    assert y.shape == (30,)
    again, other = MADE[name](30, seed=1), MADE[name](30, seed=2)
    assert np.array_equal(X, again.inputs)
    assert not np.array_equal(X, other.inputs)
    assert len(again) == 30
    if again.classes:
        counts = np.bincount(y)
        assert len(counts) == len(again.classes)
        assert counts.max() - counts.min() <= 1


def test_the_same_bits_in_every_process():
    digests = {
        subprocess.run(
            [sys.executable, "-c", DIGEST], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": s}
        ).stdout
        for s in ("1", "2")
    }
    assert len(digests) == 1


def test_the_shapes_are_what_they_are_called():
    X, y = nn.moons(200, noise=0)
    assert np.allclose(np.hypot(*X[y == 0].T), 1)
    assert np.allclose(np.hypot(X[y == 1][:, 0] - 1, X[y == 1][:, 1] - 0.5), 1)
    X, y = nn.circles(100, noise=0, ratio=0.4)
    assert np.allclose(np.hypot(*X.T), np.where(y == 0, 1, 0.4))
    X, y = nn.xor(100, noise=0)
    assert np.array_equal(X[:, 0] * X[:, 1] < 0, y == 1)
    X, y = nn.sine(50, noise=0)
    assert np.allclose(y, np.sin(X[:, 0]))
    X, y = nn.blobs(300, noise=0.01, classes=4)
    assert np.allclose(np.hypot(*X.T), 2, atol=0.1)
    X, y = nn.spiral(99, noise=0)
    assert np.hypot(*X.T).max() == pytest.approx(1)


@pytest.mark.parametrize("call", [lambda: nn.moons(1), lambda: nn.spiral(2, arms=3), lambda: nn.blobs(5, classes=1)])
def test_too_few_examples_are_refused(call):
    with pytest.raises(ValueError, match=r"must be"):
        call()


def test_real_data():
    pytest.importorskip("sklearn")
    assert nn.iris().inputs.shape == (150, 4)
    assert nn.iris().classes == ("setosa", "versicolor", "virginica")
    digits = nn.digits()
    assert digits.inputs.shape == (1797, 64)
    assert digits.inputs.min() == 0
    assert digits.inputs.max() == 1


def test_without_scikit_learn_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ImportError, match=r'the iris data come with scikit-learn: pip install "glassgrad\[sklearn\]"'):
        nn.iris()


def test_a_split_takes_its_share_of_each_class_and_every_example_once():
    data = nn.blobs(90, seed=3)
    train, test = nn.split(data, test=1 / 3, seed=4)
    assert np.bincount(train.targets).tolist() == [20, 20, 20]
    assert np.bincount(test.targets).tolist() == [10, 10, 10]
    together = np.concatenate([train.inputs, test.inputs])
    assert np.array_equal(np.unique(together, axis=0), np.unique(data.inputs, axis=0))
    assert np.array_equal(nn.split(data, test=1 / 3, seed=4)[1].inputs, test.inputs)
    kept, held = split_indices(None, 10, 0.2, 0)
    assert sorted([*kept, *held]) == list(range(10))
    assert len(held) == 2
    for share in (0, 1, -0.5, 0.001):
        with pytest.raises(ValueError, match=r"test must be a share|too few"):
            nn.split(data, test=share)


def test_batches_cover_everything_once():
    rng = np.random.default_rng(0)
    parts = batches(10, 4, rng)
    assert [len(part) for part in parts] == [4, 4, 2]
    assert sorted(np.concatenate(parts).tolist()) == list(range(10))
    assert batches(10, None, rng)[0].tolist() == list(range(10))
    with pytest.raises(ValueError, match="at least 1, got 0"):
        batches(10, 0, rng)


def test_standardisation():
    X = np.random.default_rng(0).normal(3, 5, (50, 3))
    X[:, 1] = 7.0
    scaled = nn.Standardisation.of(X).apply(X)
    assert np.allclose(scaled.mean(axis=0), 0)
    assert np.allclose(scaled.std(axis=0), [1, 0, 1])
    with pytest.raises(ValueError, match=r"expected inputs of shape .n, 3., got .50, 2."):
        nn.Standardisation.of(X).apply(X[:, :2])


def test_csv_files(tmp_path):
    path = tmp_path / "flowers.csv"
    path.write_text("\ufeffwidth; length ;kind\n1;2.5;red\n\n-3;4e1;blue\n", encoding="utf-8")
    data = nn.read_csv(path, "kind")
    assert data.inputs.tolist() == [[1.0, 2.5], [-3.0, 40.0]]
    assert data.features == ("width", "length")
    assert data.classes == ("blue", "red")
    assert data.targets.tolist() == [1, 0]
    assert nn.read_csv(path, "length", features=["width"]).inputs.tolist() == [[1.0], [-3.0]]
    assert nn.read_csv(path, features=["length", "width"]).inputs.tolist() == [[2.5, 1.0], [40.0, -3.0]]


def test_the_task_follows_the_column(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("a,whole,real,word\n" + "".join(f"{i},{i % 12},{i}.5,w{i % 12}\n" for i in range(24)))
    whole = nn.read_csv(path, "whole", features=["a"])
    assert whole.classes[-2:] == ("10", "11")
    assert whole.targets.tolist() == [i % 12 for i in range(24)]
    assert nn.read_csv(path, "whole", task="regression", features=["a"]).classes == ()
    assert nn.read_csv(path, "real", features=["a"]).targets[1] == 1.5
    assert len(nn.read_csv(path, "word", features=["a"]).classes) == 12


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "needs a header line"),
        ("a,b\n", "has a header but no examples"),
        ("a,a\n1,2\n", "a different name for each column, got twice or empty: 'a'"),
        ("a,b,y\n1,2,0\n3,x,1\n", "line 3: column 'b' must be a number, got 'x'"),
        ("a,b,y\n1,,0\n", "line 2: column 'b' must be a number, got ''"),
        ("a,b,y\n1,nan,0\n", "line 2: column 'b' must be a number, got 'nan'"),
        ("a,b,y\n1,2\n", "line 2 has 2 fields, the header has 3"),
        ("a,b,y\n1,2,\n", "line 2: column 'y' is empty"),
        ("a,b,y\n1,2,u\n3,4,u\n", "column 'y' has only the class 'u'"),
        ("a,b\n1,2\n", r"has no column 'y' .columns: a, b."),
        ("y\n1\n", "has no column beside 'y'"),
        ('a,y\n"1,2\n', "is no CSV file in UTF-8"),
    ],
)
def test_csv_files_that_cannot_be_used_say_where(tmp_path, text, message):
    path = tmp_path / "my.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        nn.read_csv(path, "y")


def test_other_encodings_are_refused(tmp_path):
    path = tmp_path / "my.csv"
    path.write_bytes("größe,y\n1,2\n".encode("latin-1"))
    with pytest.raises(ValueError, match="is no CSV file in UTF-8"):
        nn.read_csv(path, "y")


@pytest.mark.parametrize("make", [nn.moons, nn.sine])
@pytest.mark.parametrize("noise", [-1.0, float("nan")])
def test_noise_is_a_standard_deviation(make, noise):
    with pytest.raises(ValueError, match="noise is a standard deviation and must be a number from 0 up"):
        make(10, noise=noise)
