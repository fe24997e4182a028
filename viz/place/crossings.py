"""Fewer crossings in a layered drawing: the order of the items in every column.

Median sweeps and adjacent swaps are those of Gansner et al. 1993, moving single items is the sifting of Matuszewski,
Schönfeld and Molitor 1999. Nothing depends on hash order or time.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from typing import Final

MEDIUM: Final = 2_000
LARGE: Final = 20_000
"""With more lines than these, fewer rounds are tried."""
REACH: Final = 80
"""How far a single item is moved at a time (an eighth of it in a large drawing)."""


def reduce_crossings(columns: list[list[int]], before: list[list[int]], after: list[list[int]], count: int) -> int:
    """Order every column so that few links cross, and leave the best order seen in `columns`; returns how many do.

    First the depth-first order is improved (adjacent items swapped, then single items moved, while that saves
    crossings), then what median sweeps make of it; in a small drawing again and again, since every start may lead
    elsewhere. A lane counts for as many links as run along it, so lanes end up at the side to which most of their
    links leave.
    """
    lines = sum(map(len, after))
    rounds = 1 if lines > LARGE else 2 if lines > MEDIUM else 6
    current = [column[:] for column in columns]
    one_before, one_after = _distinct(before), _distinct(after)
    fewest = _improve(columns, before, after, _places(columns, count), rounds)
    for attempt in range(1 if lines > MEDIUM else 6):
        if fewest == 0:
            break
        place = _places(current, count)
        for sweep in range(attempt, attempt + (2 if lines > LARGE else 8 if lines > MEDIUM else 3)):
            forward = sweep % 2 == 0
            for column in current if forward else reversed(current):
                _by_median(column, one_before if forward else one_after, place)
            _swap_adjacent(current, one_before, one_after, place)
        found = _improve(current, before, after, place, rounds)
        if found < fewest:
            fewest = found
            columns[:] = [column[:] for column in current]
    return fewest


def _improve(
    columns: list[list[int]], before: list[list[int]], after: list[list[int]], place: list[int], rounds: int
) -> int:
    """Swap and move items until it saves nothing (or `rounds` times); returns how many crossings are left."""
    fewest = _crossings(columns, after, place)
    for _ in range(rounds):
        if fewest == 0:
            break
        for _ in range(4 * rounds):
            if not _swap_adjacent(columns, before, after, place):
                break
        _move_single(columns, before, after, place, REACH if rounds > 1 else REACH // 8)
        found = _crossings(columns, after, place)
        if found == fewest:
            break
        fewest = found
    return fewest


def _places(columns: list[list[int]], count: int) -> list[int]:
    place = [0] * count
    for column in columns:
        for i, item in enumerate(column):
            place[item] = i
    return place


def _distinct(sides: list[list[int]]) -> list[list[int]]:
    return [list(dict.fromkeys(others)) if len(others) > 1 else others for others in sides]


def _move_single(
    columns: list[list[int]], before: list[list[int]], after: list[list[int]], place: list[int], reach: int
) -> None:
    """Sifting: move each item to the place in its column, at most `reach` away, where its lines cross fewest others."""
    for column in columns:
        left = {item: sorted([place[other] for other in before[item]]) for item in column}
        right = {item: sorted([place[other] for other in after[item]]) for item in column}
        for item in column[:]:
            at = place[item]
            mine_left, mine_right = left[item], right[item]
            least, goal = 0, at
            for places, sign in (
                (range(at - 1, max(-1, at - reach), -1), 1),
                (range(at + 1, min(len(column), at + reach)), -1),
            ):
                change = 0
                for k in places:
                    its_left, its_right = left[column[k]], right[column[k]]
                    above = _inversions(mine_left, its_left) + _inversions(mine_right, its_right)
                    below = _inversions(its_left, mine_left) + _inversions(its_right, mine_right)
                    change += sign * (above - below)
                    if change < least:
                        least, goal = change, k
            if goal != at:
                column.insert(goal, column.pop(at))
                for k in range(min(at, goal), max(at, goal) + 1):
                    place[column[k]] = k


def _by_median(column: list[int], sides: list[list[int]], place: list[int]) -> None:
    """Sort by the median place of the neighbours on one side; items without neighbours keep their places."""
    fixed = {i: item for i, item in enumerate(column) if not sides[item]}
    keys: dict[int, float] = {}
    for item in column:
        if sides[item]:
            places = sorted([place[other] for other in sides[item]])
            keys[item] = (places[(len(places) - 1) // 2] + places[len(places) // 2]) / 2
    moving = iter(sorted(keys, key=keys.__getitem__))
    column[:] = [fixed[i] if i in fixed else next(moving) for i in range(len(column))]
    for i, item in enumerate(column):
        place[item] = i


def _swap_adjacent(columns: list[list[int]], before: list[list[int]], after: list[list[int]], place: list[int]) -> bool:
    """Swap neighbours in a column wherever that saves a crossing; whether it did anywhere."""
    swapped = False
    for column in columns:
        left = [sorted([place[other] for other in before[item]]) for item in column]
        right = [sorted([place[other] for other in after[item]]) for item in column]
        for i in range(len(column) - 1):
            j = i + 1
            gain = _inversions(left[i], left[j]) - _inversions(left[j], left[i])
            gain += _inversions(right[i], right[j]) - _inversions(right[j], right[i])
            if gain > 0:
                swapped = True
                for row in (column, left, right):
                    row[i], row[j] = row[j], row[i]  # type: ignore[assignment]  # the same two places in each
                place[column[i]], place[column[j]] = i, j
    return swapped


def _inversions(upper: list[int], lower: list[int]) -> int:
    """Crossings between the lines of two items, `upper` above `lower`, from the sorted places of their other ends."""
    if not upper or not lower or upper[-1] <= lower[0]:
        return 0
    if len(upper) == 1:
        return bisect_left(lower, upper[0])
    return sum([bisect_left(lower, p) for p in upper])


def _crossings(columns: list[list[int]], after: list[list[int]], place: list[int]) -> int:
    total = 0
    for column in columns:
        ends: list[int] = []
        for item in column:
            places = sorted([place[other] for other in after[item]])
            for p in places:
                total += len(ends) - bisect_right(ends, p)
            for p in places:
                insort(ends, p)
    return total
