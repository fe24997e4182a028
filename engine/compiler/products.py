"""Patterns in index matrices: strided views, shapes in which columns are views, and grids of unique rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .trace import Ints

MAX_AXES = 4
FILLED = 0.45  # an incomplete grid (the triangle of causal attention) is computed whole if at least so full


def strides_of(cells: Ints) -> tuple[int, ...] | None:
    """The strides with which `cells` walks through a buffer, or None if they are no regular walk.

    >>> strides_of(np.array([[3, 5], [4, 6]])), strides_of(np.array([1, 2, 4]))
    ((1, 2), None)
    """
    first = cells[(0,) * cells.ndim]
    strides = []
    expected = np.full(cells.shape, first)
    for axis, n in enumerate(cells.shape):
        step = 0
        if n > 1:
            step = int(cells[tuple(int(k == axis) for k in range(cells.ndim))] - first)
            expected += step * np.arange(n).reshape([n if k == axis else 1 for k in range(cells.ndim)])
        strides.append(step)
    return tuple(strides) if np.array_equal(expected, cells) else None


def runs(cells: Ints) -> tuple[int, ...] | None:
    """The shape in which a row of cells is a regular walk, or None.

    >>> runs(np.array([0, 1, 2, 10, 11, 12])), runs(np.array([0, 0, 1, 1])), runs(np.array([0, 1, 5]))
    ((2, 3), (2, 2), None)
    """
    shape: list[int] = []
    while len(cells) > 1:
        steps = np.diff(cells)
        breaks = np.flatnonzero(steps != steps[0])
        n = int(breaks[0]) + 1 if len(breaks) else len(cells)
        block = cells.reshape(-1, n) if len(cells) % n == 0 else None
        if block is None or (block - block[:, :1] != block[0] - block[0, 0]).any() or len(shape) == MAX_AXES:
            return None
        shape.append(n)
        cells = block[:, 0]
    return tuple(reversed(shape)) or (1,)


def common_shape(columns: Sequence[Ints]) -> tuple[int, ...]:
    """A shape in which as many columns as possible (the first ones first) are regular walks."""
    size = len(columns[0])
    cuts = {1, size}  # sizes of inner blocks
    for column in columns:
        shape = runs(column)
        if shape is None:
            continue
        wanted = sorted(cuts | {int(n) for n in np.cumprod(shape[::-1])})
        if all(q % p == 0 for p, q in zip(wanted, wanted[1:])) and len(wanted) <= MAX_AXES + 1:
            cuts = set(wanted)
    ordered = sorted(cuts)
    return tuple(q // p for p, q in zip(ordered, ordered[1:]))[::-1] or (1,)


def unique_rows(matrix: Ints) -> tuple[Ints, Ints] | None:
    """Index of the first of each kind of row, and the kind of every row; None if two kinds could not be told apart."""
    weights = np.random.default_rng(7).integers(1, 1 << 62, size=matrix.shape[1], dtype=np.uint64) | np.uint64(1)
    mixed = matrix.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(32)
    key = (mixed * weights).sum(axis=1)
    _, first, kind = np.unique(key, return_index=True, return_inverse=True)
    return (first, kind) if np.array_equal(matrix, matrix[first[kind]]) else None


def find_products(a: Ints, b: Ints, zero: int, place: Callable[[Ints], Ints]) -> tuple[Ints, Ints, Ints] | None:
    """The products that a group of forms Σ a·b is, or None.

    Args:
        a: slots of the left factors, one row per form.
        b: slots of the right factors.
        zero: the slot of the constant 0, which pads short forms.
        place: orders slots by where they live.

    Returns:
        Left rows (count, m, K), right rows (count, n, K), and which form each of the (count, m, n) products
        is (-1: none).
    """
    if a.shape[1] == 1 or (len(a) == 1 and a.shape[1] <= 4):
        return None
    a, b = _completed(a, b, zero), _completed(b, a, zero)
    rows, columns = unique_rows(a), unique_rows(b)
    if rows is None or columns is None:
        return None
    (first_a, kind_a), (first_b, kind_b) = rows, columns
    pairs = kind_a.astype(np.int64) * len(first_b) + kind_b
    if len(np.unique(pairs)) < len(pairs):
        return None
    part_a, part_b = _parts(kind_a, kind_b, len(first_a), len(first_b))
    count = int(part_a.max()) + 1
    sizes_a, sizes_b = np.bincount(part_a), np.bincount(part_b)
    m, n = int(sizes_a[0]), int(sizes_b[0])
    if (sizes_a != m).any() or (sizes_b != n).any() or len(a) < FILLED * count * m * n:
        return None
    if count > 1 and (m * n == 1 or (a.shape[1] <= 2 and 1 in (m, n))):
        return None
    chosen_a = _ordered(a[first_a], part_a, place).reshape(count, m)
    chosen_b = _ordered(b[first_b], part_b, place).reshape(count, n)
    by_place = (
        np.argsort(place(a[first_a][chosen_a[:, 0], 0]), kind="stable") if count > 1 else np.zeros(1, dtype=np.int64)
    )
    chosen_a, chosen_b = chosen_a[by_place], chosen_b[by_place]
    where = np.full((len(first_a), len(first_b)), -1) if count == 1 else None
    if where is not None:
        where[kind_a, kind_b] = np.arange(len(a))
        member = where[chosen_a[0][:, None], chosen_b[0]][None]
    else:
        member = _members(chosen_a, chosen_b, kind_a, kind_b)
    return a[first_a][chosen_a], b[first_b][chosen_b], member


def _members(chosen_a: Ints, chosen_b: Ints, kind_a: Ints, kind_b: Ints) -> Ints:
    """Which form is the product of row i and row j of part c; without a table of all pairs of rows."""
    count, m = chosen_a.shape
    n = chosen_b.shape[1]
    home_a, home_b = np.zeros(count * m, dtype=np.int64), np.zeros(count * n, dtype=np.int64)
    home_a[chosen_a.ravel()] = np.arange(count * m)
    home_b[chosen_b.ravel()] = np.arange(count * n)
    member = np.full(count * m * n, -1)
    member[home_a[kind_a] * n + home_b[kind_b] % n] = np.arange(len(kind_a))
    return member.reshape(count, m, n)


def _ordered(rows: Ints, part: Ints, place: Callable[[Ints], Ints]) -> Ints:
    """The rows by part and, within it, by where their cells live."""
    keys = [place(rows[:, k]) for k in reversed(range(min(rows.shape[1], 3)))]
    return np.lexsort([*keys, part])


def _parts(kind_a: Ints, kind_b: Ints, count_a: int, count_b: int) -> tuple[Ints, Ints]:
    """Connected parts of the graph whose edges are the pairs of rows: the part of each left and right row."""
    part_a = np.arange(count_a)
    while True:
        part_b = np.full(count_b, count_a)
        np.minimum.at(part_b, kind_b, part_a[kind_a])
        again = np.full(count_a, count_a)
        np.minimum.at(again, kind_a, part_b[kind_b])
        if np.array_equal(again, part_a):
            break
        part_a = again
    names, part_a = np.unique(part_a, return_inverse=True)
    return part_a, np.searchsorted(names, part_b)


def _completed(rows: Ints, other: Ints, zero: int) -> Ints:
    """Rows padded with 0 that begin like a longer row become that row, where `other` has the 0 in any case.

    >>> _completed(np.array([[1, 2], [1, 0]]), np.array([[5, 6], [7, 0]]), 0).tolist()
    [[1, 2], [1, 2]]
    """
    padded = (rows == zero) & (other == zero)
    if not padded.any():
        return rows
    length = (~padded).sum(axis=1)
    longest = np.argsort(-length, kind="stable")
    full: dict[tuple[int, int], Ints] = {}
    done: Ints = rows.copy()
    for i in longest:
        row = rows[i, : length[i]]
        key = (int(row[0]) if len(row) else -1, 0)
        best = full.setdefault(key, rows[i])
        if np.array_equal(best[: length[i]], row) and not (best[length[i] :] == zero).all():
            done[i, length[i] :] = best[length[i] :]
    return done
