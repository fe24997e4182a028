"""The three functions that generated code calls beside NumPy's own."""

from __future__ import annotations

from typing import Any

import numpy as np

from .ir import Shape
from .trace import Floats


def cells(array: Floats, offset: int, shape: Shape, strides: Shape, fold: bool = False) -> Floats:
    """Cells of a buffer as an array of any shape, without a copy; `fold` merges the last axis with the examples'."""
    step, rest = array.strides[0], array.strides[1:]
    sizes = array.shape[1:]
    if fold:
        sizes, shape, strides = (shape[-1] * sizes[0],), shape[:-1], strides[:-1]
    return np.lib.stride_tricks.as_strided(array[offset:], (*shape, *sizes), (*(s * step for s in strides), *rest))


def totals(values: Floats, order: Any, starts: Any) -> Floats:
    """Rows of `values` in `order`, added up between the `starts`."""
    summed: Floats = np.add.reduceat(values[order], starts, axis=0)
    return summed


def winners(values: Floats, best: Floats) -> Floats:
    """The slopes of max(max(a, b), c)…: 1 where a value is the best; a tie halves at every max it passes.

    >>> winners(np.array([[1.0, 5.0], [3.0, 5.0], [2.0, 5.0]]), np.array([3.0, 5.0])).tolist()
    [[0.0, 0.25], [1.0, 0.25], [0.0, 0.5]]
    """
    tied = values == best
    later = np.cumsum(tied[::-1], axis=0)[::-1]
    slopes = np.where(tied, 0.5**later, 0.0)
    slopes[tied & (later == later[0])] *= 2.0  # the first has met nobody before it
    return slopes
