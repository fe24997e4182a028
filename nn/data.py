"""Data sets to learn from, made with a seed or read from a file, and what is done to them before training."""

from __future__ import annotations

import csv
import io
import math
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.choices import whole
from ..engine.shown import clipped, few

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class Dataset:
    """Examples with their targets. `X, y = dataset` unpacks the two arrays.

    Attributes:
        inputs: shape (n, features).
        targets: shape (n,): class numbers 0, 1, … (integers), or real numbers.
        features: a name for each column.
        classes: a name for each class; empty for a regression.
        target: what is predicted.
    """

    inputs: Array
    targets: NDArray[Any]
    features: tuple[str, ...]
    classes: tuple[str, ...] = ()
    target: str = "y"

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return iter((self.inputs, self.targets))

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, rows: Any) -> Dataset:
        """The examples at these indices: a slice, a list or an array."""
        if isinstance(rows, (int, np.integer)):
            raise TypeError(
                f"a data set takes a slice, a list or an array of indices, got {rows!r}: "
                "`inputs, targets = dataset` gives its two arrays"
            )
        return replace(self, inputs=self.inputs[rows], targets=self.targets[rows])


def _plane(inputs: Array, targets: NDArray[np.int_], rng: np.random.Generator, noise: float, *classes: str) -> Dataset:
    noisy = inputs + _noise(rng, noise, inputs.shape)
    order = rng.permutation(len(inputs))
    return Dataset(noisy[order], targets[order], ("x1", "x2"), classes or ("0", "1"))


def _noise(rng: np.random.Generator, noise: float, shape: tuple[int, ...]) -> Array:
    if isinstance(noise, str) or not 0 <= noise < math.inf:
        raise ValueError(f"noise is a standard deviation and must be a number from 0 up, got {noise!r}")
    return rng.normal(0.0, noise, shape)


def _cos_sin(angles: Array) -> Array:
    """Points on the circle, by `math`: NumPy's functions differ in the last bit by version and processor."""
    return np.array([[math.cos(angle), math.sin(angle)] for angle in angles.tolist()])


def _halves(n: int) -> tuple[int, NDArray[np.int_]]:
    first = whole(n, "n (one example of each class)", 2) - n // 2
    return first, np.repeat([0, 1], [first, n // 2])


def xor(n: int = 100, noise: float = 0.1, seed: int = 0) -> Dataset:
    """The corners of a square, opposite ones of one class: what no single linear unit can separate.

    Args:
        n: number of examples.
        noise: standard deviation of the normal noise on both coordinates.
        seed: the same seed gives the same bits.

    >>> corners = xor(4, noise=0)
    >>> sorted(zip(map(tuple, corners.inputs.tolist()), corners.targets.tolist()))
    [((-1.0, -1.0), 0), ((-1.0, 1.0), 1), ((1.0, -1.0), 1), ((1.0, 1.0), 0)]
    """
    corner = np.arange(n) % 4
    inputs = np.stack([np.where(corner & 1, 1.0, -1.0), np.where(corner & 2, 1.0, -1.0)], axis=1)
    return _plane(inputs, ((corner & 1) ^ (corner >> 1)).astype(int), np.random.default_rng(seed), noise)


def moons(n: int = 100, noise: float = 0.1, seed: int = 0) -> Dataset:
    """Two half circles that interlock. Arguments as for `xor`.

    >>> X, y = moons(100, seed=1)
    >>> X.shape, int(y.sum())
    ((100, 2), 50)
    """
    first, targets = _halves(n)
    upper, lower = (_cos_sin(np.linspace(0, np.pi, count)) for count in (first, n - first))
    inputs = np.concatenate([upper, np.array([1, 0.5]) - lower])
    return _plane(inputs, targets, np.random.default_rng(seed), noise)


def circles(n: int = 100, noise: float = 0.05, seed: int = 0, ratio: float = 0.5) -> Dataset:
    """A circle of radius 1 around one of radius `ratio`. Other arguments as for `xor`."""
    first, targets = _halves(n)
    outer, inner = (np.linspace(0, 2 * np.pi, count, endpoint=False) for count in (first, n - first))
    angle, radius = np.concatenate([outer, inner]), np.where(targets == 0, 1.0, ratio)
    return _plane(radius[:, None] * _cos_sin(angle), targets, np.random.default_rng(seed), noise)


def spiral(n: int = 150, noise: float = 0.02, seed: int = 0, arms: int = 3) -> Dataset:
    """Arms that wind around each other, one class each, as in CS231n's case study. Other arguments as for `xor`."""
    if not 2 <= arms <= n:
        raise ValueError(f"arms must be from 2 to n = {n}, got {arms}")
    targets = np.sort(np.arange(n) % arms)
    along = np.concatenate([np.linspace(0.05, 1, int(count)) for count in np.bincount(targets)])
    angle = 4 * along + targets * 2 * np.pi / arms
    inputs = along[:, None] * _cos_sin(angle)[:, ::-1]
    return _plane(inputs, targets, np.random.default_rng(seed), noise, *map(str, range(arms)))


def blobs(n: int = 150, noise: float = 0.6, seed: int = 0, classes: int = 3) -> Dataset:
    """Round clouds, their centres evenly on a circle of radius 2. Other arguments as for `xor`."""
    if not 2 <= classes <= n:
        raise ValueError(f"classes must be from 2 to n = {n}, got {classes}")
    targets = np.sort(np.arange(n) % classes)
    angle = 2 * np.pi * targets / classes
    return _plane(2 * _cos_sin(angle), targets, np.random.default_rng(seed), noise, *map(str, range(classes)))


def sine(n: int = 80, noise: float = 0.1, seed: int = 0) -> Dataset:
    """y = sin(x) on −π … π with normal noise on y: a regression. Arguments as for `xor`."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-np.pi, np.pi, n)
    return Dataset(x[:, None], _cos_sin(x)[:, 1] + _noise(rng, noise, (n,)), ("x",))


def iris() -> Dataset:
    """Fisher's iris flowers: 150 examples, 4 measures in cm, 3 species. Needs scikit-learn."""
    return _of_sklearn("iris", "species")


def digits() -> Dataset:
    """1797 handwritten digits of 8×8 grey levels, scaled from 0–16 to 0–1. Needs scikit-learn."""
    return _of_sklearn("digits", "digit", 16.0)


def _of_sklearn(name: str, target: str, scale: float = 1.0) -> Dataset:
    try:
        from sklearn import datasets  # type: ignore[import-untyped]  # scikit-learn has no types
    except ImportError:
        raise ImportError(f'the {name} data come with scikit-learn: pip install "glassgrad[sklearn]"') from None
    found = getattr(datasets, f"load_{name}")()
    features, classes = tuple(map(str, found.feature_names)), tuple(map(str, found.target_names))
    return Dataset(found.data / scale, found.target, features, classes, target)


MADE: dict[str, Callable[..., Dataset]] = {make.__name__: make for make in (xor, moons, circles, spiral, blobs, sine)}
REAL: dict[str, Callable[[], Dataset]] = {"iris": iris, "digits": digits}


@dataclass(frozen=True)
class Standardisation:
    """Shift and scale of each column, so that new data can be treated like the training data.

    >>> scaling = Standardisation.of([[0.0, 5.0], [2.0, 5.0]])
    >>> scaling.apply([[1.0, 6.0], [4.0, 5.0]]).tolist()
    [[0.0, 1.0], [3.0, 0.0]]
    """

    mean: tuple[float, ...]
    scale: tuple[float, ...]

    @classmethod
    def of(cls, inputs: ArrayLike) -> Standardisation:
        """Mean and deviation of each column of `inputs`, shape (n, features).

        A column that is constant, or differs by no more than its numbers are rounded (4e-16 of the greatest), keeps
        scale 1: there is nothing in it to learn from.
        """
        columns = np.asarray(inputs, dtype=float)
        power = np.frexp(np.abs(columns).max(axis=0, initial=0.0))[1]
        scaled = np.ldexp(columns, -power)  # exact, and no square overflows
        spread = scaled.std(axis=0)
        scale = np.where(spread <= 2 * np.finfo(float).eps, 0.0, np.ldexp(spread, power))
        return cls(tuple(np.ldexp(scaled.mean(axis=0), power).tolist()), tuple(np.where(scale, scale, 1.0).tolist()))

    def apply(self, inputs: ArrayLike) -> Array:
        """(inputs − mean) / scale."""
        columns = np.asarray(inputs, dtype=float)
        if columns.ndim != 2 or columns.shape[1] != len(self.mean):
            raise ValueError(f"expected inputs of shape (n, {len(self.mean)}), got {columns.shape}")
        with np.errstate(over="ignore"):  # the network refuses what is infinite; the difference of halves is not
            return np.asarray((columns / 2 - np.array(self.mean) / 2) / (np.array(self.scale) / 2))


def split(dataset: Dataset, test: float = 0.25, seed: int = 0) -> tuple[Dataset, Dataset]:
    """Training and test part, drawn at random; every class (if there are classes) gives its share to both.

    Args:
        dataset: what to split.
        test: the share of the test part, above 0 and below 1.
        seed: the same seed gives the same split.

    Raises:
        ValueError: if either part would be empty.

    >>> train, test = split(moons(100), test=0.2)
    >>> len(train), len(test), int(test.targets.sum())
    (80, 20, 10)
    """
    kept, held_out = split_indices(dataset.targets if dataset.classes else None, len(dataset), test, seed)
    return dataset[kept], dataset[held_out]


def split_indices(
    labels: NDArray[Any] | None, n: int, test: float, seed: int
) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """The indices of the two parts that `split` makes; `labels` are class numbers, or None for a regression."""
    if not 0 < test < 1:
        raise ValueError(f"test must be a share above 0 and below 1, got {test!r}")
    rng = np.random.default_rng(seed)
    groups = [np.arange(n)] if labels is None else [np.flatnonzero(labels == c) for c in np.unique(labels)]
    shuffled = [rng.permutation(group) for group in groups]
    counts = [round(test * len(group)) for group in shuffled]
    held_out = np.concatenate([group[:count] for group, count in zip(shuffled, counts)])
    kept = np.concatenate([group[count:] for group, count in zip(shuffled, counts)])
    if not len(held_out) or not len(kept):
        raise ValueError(f"{n} examples are too few to hold out a share of {test}")
    return rng.permutation(kept), rng.permutation(held_out)


def batches(n: int, size: int | None, rng: np.random.Generator) -> list[NDArray[np.int_]]:
    """The indices 0 … n−1 in random order, cut into mini-batches; `size` None is one batch in the given order."""
    if size is None or whole(size, "batch_size") >= n:
        return [np.arange(n)]
    order = rng.permutation(n)
    return [order[start : start + size] for start in range(0, n, size)]


def one_hot(targets: ArrayLike, count: int) -> Array:
    """Class numbers as rows with a 1 in the class's place.

    >>> one_hot([1, 0], 3).tolist()
    [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    """
    numbers = np.asarray(targets)
    if numbers.ndim != 1 or not np.all((numbers == numbers.astype(int)) & (numbers >= 0) & (numbers < count)):
        raise ValueError(f"classes must be whole numbers from 0 to {count - 1}, got {np.unique(numbers)[:10].tolist()}")
    return np.asarray(np.eye(count)[numbers.astype(int)])


def read_csv(
    path: str | Path, target: str | None = None, task: str | None = None, features: Sequence[str] | None = None
) -> Dataset:
    """Read examples from a CSV file with a header line; commas, semicolons or tabs.

    Args:
        path: the file.
        target: the column to predict; without one every column is an input and `targets` is empty.
        task: `"classification"` or `"regression"`; without it, texts are classes, and so are whole numbers
            that take at most 20 values.
        features: the columns that are inputs, in this order; unless given all but the target.

    Raises:
        ValueError: names the line and column that cannot be used.
        OSError: if the file cannot be read.
    """
    header, rows = _read_table(Path(path))
    if target is not None and target not in header:
        raise ValueError(f"{path} has no column {_short(target)} (columns: {_listed(header)})")
    features = tuple(name for name in header if name != target) if features is None else tuple(features)
    missing = [name for name in features if name not in header]
    if missing:
        raise ValueError(f"{path} has no column {_listed(missing)} (columns: {_listed(header)})")
    if not features:
        raise ValueError(f"{path} has no column beside {_short(str(target))} to learn from")
    where = {name: header.index(name) for name in header}
    inputs = np.array([[_cell(path, line, name, row[where[name]]) for name in features] for line, row in rows])
    if target is None:
        return Dataset(inputs, np.zeros(0), features)
    texts, column = [row[where[target]].strip() for _, row in rows], f"{path}: column {_short(target)}"
    for (line, _), text in zip(rows, texts):
        if not text:
            raise ValueError(f"{path}, line {line}: column {_short(target)} is empty")
    if (task or _task_of(texts)) == "regression":
        numbers = [_cell(path, line, target, text) for (line, _), text in zip(rows, texts)]
        return Dataset(inputs, np.array(numbers), features, (), target)
    classes = sorted(set(texts), key=_natural)
    if len(classes) < 2:
        raise ValueError(f"{column} has only the class {_short(classes[0])}; there is nothing to tell apart")
    for one, other in zip(classes, classes[1:]):
        if _number(one) == _number(other) is not None:
            raise ValueError(f"{column} spells one class as {_short(one)} and as {_short(other)}: write it in one way")
    return Dataset(inputs, np.array([classes.index(text) for text in texts]), features, tuple(classes), target)


def csv_columns(path: str | Path) -> list[str]:
    """The names in the header line of a CSV file."""
    return _read_table(Path(path))[0]


def _read_table(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no text in UTF-8 ({error}): save it in that encoding") from None
    if "\0" in text:
        raise ValueError(f"{path} is no CSV file: it has NUL characters")
    first = re.sub(r'"[^"]*"', "", text.lstrip()).partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count), strict=True)
    try:
        header, *rows = [(reader.line_num, row) for row in reader if any(map(str.strip, row))] or [(1, [])]
    except csv.Error as error:
        raise ValueError(f"{path}, line {reader.line_num} is no CSV: {error}") from None
    names = [name.strip() for name in header[1]]
    repeated = sorted({name for name in names if names.count(name) > 1 or not name})
    if not names or repeated:
        raise ValueError(
            f"{path} needs a header line with a different name for each column"
            + (f", got twice or empty: {_listed(repeated)}" if repeated else "")
        )
    for line, row in rows:
        if len(row) != len(names):
            raise ValueError(f"{path}, line {line} has {len(row)} fields, the header has {len(names)}")
    if not rows:
        raise ValueError(f"{path} has a header but no examples")
    return names, rows


def _cell(path: str | Path, line: int, column: str, text: str) -> float:
    found = _number(text)
    if found is None or not math.isfinite(found):
        raise ValueError(f"{path}, line {line}: column {_short(column)} must be a finite number, got {_short(text)}")
    return found


def _number(text: str) -> float | None:
    try:
        return None if "_" in text else float(text)  # to Python 1_000 is a number
    except ValueError:
        return None


def _natural(text: str) -> tuple[float, str]:
    number = _number(text)
    return (math.inf if number is None or number != number else number), text


def _task_of(texts: list[str]) -> str:
    numbers = set(map(_number, texts))
    few = len(numbers) <= 20 and all(x is not None and x.is_integer() for x in numbers)
    return "classification" if few or None in numbers else "regression"


def _short(text: str) -> str:
    return repr(clipped(text))


def _listed(names: Sequence[str]) -> str:
    return few(list(map(_short, names)), 12)
