import hashlib
import random
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


BITS = {
    "xor": "ea6b1e1b00475185",
    "moons": "4eb189ed5396ac77",
    "circles": "8df241e60e67994b",
    "spiral": "57dac4b0a6042f50",
    "blobs": "3c8a03b517bcaad6",
    "sine": "602dbe38e1c31c86",
}


@pytest.mark.parametrize("name", MADE)
def test_every_numpy_gives_the_same_bits(name):
    """Seen with NumPy 1.23.0, 1.25.0, 1.26.4, 2.2.6 and 2.4.6: sines are not NumPy's, and its generator stays."""
    digest = hashlib.sha256()
    for n in (20, 100, 333):
        for seed in (0, 1, 7):
            for part in MADE[name](n, seed=seed):
                digest.update(part.astype("<f8").tobytes())
    assert digest.hexdigest()[:16] == BITS[name]


def test_no_data_set_asks_numpy_for_a_sine(monkeypatch):
    for name in ("sin", "cos", "exp", "tan"):
        monkeypatch.setattr(np, name, lambda *given: pytest.fail("NumPy's own functions differ by version"))
    for make in MADE.values():
        make(20)


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
    with pytest.raises(ValueError, match="batch_size must be a whole number from 1 up, got 0"):
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
        ("a,b,y\n1,2,0\n3,x,1\n", "line 3: column 'b' must be a finite number, got 'x'"),
        ("a,b,y\n1,,0\n", "line 2: column 'b' must be a finite number, got ''"),
        ("a,b,y\n1,nan,0\n", "line 2: column 'b' must be a finite number, got 'nan'"),
        ("a,b,y\n1,2\n", "line 2 has 2 fields, the header has 3"),
        ("a,b,y\n1,2,\n", "line 2: column 'y' is empty"),
        ("a,b,y\n1,2,u\n3,4,u\n", "column 'y' has only the class 'u'"),
        ("a,b\n1,2\n", r"has no column 'y' .columns: 'a', 'b'."),
        ("y\n1\n", "has no column beside 'y'"),
        ('a,y\n"1,2\n', "line 2 is no CSV: unexpected end of data"),
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
    with pytest.raises(ValueError, match=r"is no text in UTF-8 .* save it in that encoding"):
        nn.read_csv(path, "y")


@pytest.mark.parametrize("make", [nn.moons, nn.sine])
@pytest.mark.parametrize("noise", [-1.0, float("nan")])
def test_noise_is_a_standard_deviation(make, noise):
    with pytest.raises(ValueError, match="noise is a standard deviation and must be a number from 0 up"):
        make(10, noise=noise)


@pytest.mark.parametrize(
    "column", [[1e200, 2e200, 3e200], [1e-200, 2e-200, 3e-200], [1.7e9, 1.7e9 + 1e-5, 1.7e9 + 2e-5]]
)
def test_a_column_of_any_size_is_standardised(column):
    scaling = nn.Standardisation.of(np.array(column)[:, None])
    assert scaling.apply(np.array(column)[:, None])[:, 0] == pytest.approx([-(1.5**0.5), 0, 1.5**0.5], rel=0.1, abs=0.1)


@pytest.mark.parametrize("column", [[0.1] * 3, [1e300] * 7, [0.0] * 2, [0.3, 0.1 + 0.2, 0.3]])
def test_a_column_without_information_keeps_its_scale(column):
    scaling = nn.Standardisation.of(np.array(column)[:, None])
    assert scaling.scale == (1.0,)
    assert np.abs(scaling.apply(np.array(column)[:, None])).max() <= 1e-15 * max(column)


def test_the_greatest_numbers_overflow_nowhere():
    column = np.array([-1.7e308, 1.7e308])[:, None]
    assert nn.Standardisation.of(column).apply(column).tolist() == [[-1.0], [1.0]]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["1", "1.0", "2"], "column 'y' spells one class as '1' and as '1.0'"),
        (["01", "2", "1"], "spells one class as '01' and as '1'"),
        (["0", "-0", "a"], "spells one class as '-0' and as '0'"),
        (["1e3", "1000", "b"], "spells one class as '1000' and as '1e3'"),
    ],
)
def test_one_class_in_two_spellings_is_refused(tmp_path, labels, message):
    path = tmp_path / "my.csv"
    path.write_text("x,y\n" + "".join(f"{i},{label}\n" for i, label in enumerate(labels)))
    with pytest.raises(ValueError, match=message):
        nn.read_csv(path, "y", "classification")


def test_texts_that_only_look_alike_are_classes(tmp_path):
    path = tmp_path / "my.csv"
    path.write_text("x,y\n1,1_0\n2,10\n3,nan\n4,NaN\n5,zwei\n")
    assert nn.read_csv(path, "y").classes == ("10", "1_0", "NaN", "nan", "zwei")


def written(draw, table, damage):
    """A CSV file of `table` in one of the ways people write them, and damaged."""
    delimiter, end = draw.choice(",;\t"), draw.choice(["\n", "\r\n", "\r"])
    quoted = draw.choice([0.0, 0.3, 1.0])
    rows = [list(row) for row in table]
    k = draw.randrange(1, len(rows))
    match damage:
        case "ragged":
            rows[k].append("1")
        case "short":
            rows[k].pop()
        case "empty field":
            rows[k][0] = ""
        case "repeated header":
            rows[0][1] = rows[0][0]
        case "no name":
            rows[0][0] = " "
        case "only a header":
            rows = rows[:1]
        case "empty":
            rows = []
        case "huge field":
            rows[k][0] = "1" * 200_000
        case "escape":
            rows[k][0] = "\x1b]0;owned\x07"
        case "1e400" | "nan" | "inf" | "-inf" | "1_000" | "1,5" | "0x10" | "1e" | "−1":
            rows[k][0] = damage

    def field(text):
        if draw.random() < quoted or any(c in text for c in f'{delimiter}"\r\n'):
            return '"' + text.replace('"', '""') + '"'
        return draw.choice(["", " "]) + text + draw.choice(["", " "])

    lines = [delimiter.join(map(field, row)) for row in rows]
    for _ in range(draw.randrange(3)):
        lines.insert(draw.randrange(len(lines) + 1), draw.choice(["", "  "]))
    text = end.join(lines) + draw.choice(["", end])
    match damage:
        case "open quote":
            text += f'{end}"'
        case "NUL":
            text = text.replace(delimiter, "\0", 1)
        case "utf-16" | "utf-32":
            return text.encode(damage)
        case "latin-1":
            return ("ö" + text).encode("latin-1")
        case "bytes":
            return draw.randbytes(300)
    return draw.choice([b"", "\ufeff".encode()]) + text.encode()


DAMAGES = [
    "ragged", "short", "empty field", "repeated header", "no name", "only a header", "empty", "huge field",
    "escape", "1e400", "nan", "inf", "-inf", "1_000", "1,5", "0x10", "1e", "−1", "open quote", "NUL", "utf-16",
    "utf-32", "latin-1", "bytes",
]  # fmt: skip


@pytest.mark.parametrize("damage", ["nothing"] * 6 + DAMAGES)
def test_ten_csv_files_are_read_rightly_or_refused_in_one_line(tmp_path, damage, fresh_seed):
    draw, path = random.Random(f"{damage} {fresh_seed}"), tmp_path / "my.csv"
    for _ in range(10):
        names = draw.sample(["größe", "a,b", "c;d", 'say "hi"', "x y", "e\tf", "h[t]"], 3)
        numbers = [[draw.uniform(-9, 9) * 10.0 ** draw.randrange(-30, 30) for _ in names[1:]] for _ in range(9)]
        labels = [draw.choice(["ja", "nein", "weiß nicht; oder", "a\nb"]) for _ in numbers]
        labels[:2] = ["ja", "nein"]
        table = [names, *([*map(repr, row), label] for row, label in zip(numbers, labels))]
        path.write_bytes(written(draw, table, damage))
        if damage == "nothing":
            data = nn.read_csv(path, names[2])
            assert data.inputs.tolist() == numbers
            assert [data.classes[k] for k in data.targets] == labels
            assert data.features == tuple(names[:2])
        else:
            with pytest.raises(ValueError, match=r"my\.csv") as caught:
                nn.read_csv(path, names[2])
            assert str(caught.value).isprintable() and len(str(caught.value)) < 400
