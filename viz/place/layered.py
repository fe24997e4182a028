"""A layered layout: boxes in columns by how far they are computed, few crossings, edges that bend only between columns.

After Sugiyama, Tagawa and Toda 1981 and Gansner et al. 1993 ("A Technique for Drawing Directed Graphs"), with one lane
per source that all its long edges share. Here a column is a rank, `major` runs from column to column and `minor` along
one; which of them is x is the caller's business. Everything is deterministic and nothing recurses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from ..model.diagram import Point
from .crossings import reduce_crossings

BOX_GAP: Final = 14.0
LANE_GAP: Final = 10.0
COLUMN_GAP: Final = 38.0
WIDEST_GAP: Final = 180.0
MAX_PIECES: Final = 600_000
"""Links that cross more columns than this together are refused: nobody could read it, and it would take minutes."""

SMALL: Final = 300
"""With at most this many links, lanes of their own are tried too."""


class Placed(NamedTuple):
    """Where everything goes, as (major, minor): the middle of every box, a curve for every link, the size of it all."""

    middles: list[Point]
    curves: list[tuple[Point, ...]]
    size: Point
    slope_spots: list[Point] | None = None


def layered(sizes: Sequence[Point], links: Sequence[tuple[int, int]], stub: float = 0.0) -> Placed:
    """Place boxes of `sizes` (major, minor) so that every link (source, target) runs forward.

    Args:
        sizes: of each box.
        links: pairs of box numbers, those into one box in operand order; a pair may occur twice.
        stub: length of the straight piece before each target, for a text on it.

    Raises:
        ValueError: if the graph has so many long links that no picture of it could be read.

    >>> placed = layered([(60.0, 30.0)] * 3, [(0, 2), (1, 2)])
    >>> placed.middles[2][0] > placed.middles[0][0]
    True
    """
    ordered = _ordered(len(sizes), links, share=True)
    if ordered.crossings and len(links) <= SMALL:
        alone = _ordered(len(sizes), links, share=False)
        ordered = min(ordered, alone, key=lambda one: one.crossings)
    lengths = [minor for _, minor in sizes] + [0.0] * (len(ordered.before) - len(sizes))
    middle = _along(ordered.columns, ordered.before, ordered.after, lengths, len(sizes))
    return _routes(sizes, ordered.columns, ordered.paths, middle, stub)


class _Ordered(NamedTuple):
    columns: list[list[int]]
    paths: list[list[int]]
    before: list[list[int]]
    after: list[list[int]]
    crossings: int


def _ordered(count: int, links: Sequence[tuple[int, int]], share: bool) -> _Ordered:
    """Items in columns, in a good order; `share`: one lane for all long links of a source, or one for each link."""
    columns, paths, item_count = _columns(count, links, share)
    before, after = _neighbours(paths, item_count)
    crossings = reduce_crossings(columns, before, after, item_count)
    return _Ordered(columns, paths, before, after, crossings)


# -- ranks and lanes ----------------------------------------------------------------------------------------


def _ranks(count: int, links: Sequence[tuple[int, int]]) -> list[int]:
    """Longest paths from the left, then everything slid right as long as no line gets longer by it."""
    inputs: list[list[int]] = [[] for _ in range(count)]
    users: list[list[int]] = [[] for _ in range(count)]
    for u, v in links:
        inputs[v].append(u)
        users[u].append(v)
    waiting = [len(these) for these in inputs]
    order = [v for v in range(count) if not waiting[v]]
    rank = [0] * count
    for u in order:  # grows while it is walked
        for v in users[u]:
            rank[v] = max(rank[v], rank[u] + 1)
            waiting[v] -= 1
            if not waiting[v]:
                order.append(v)
    furthest = [max((rank[w] for w in these), default=0) for these in users]
    shared = [len(set(these)) > 1 for these in users]
    for v in reversed(order):
        if not users[v]:
            continue
        room = min(rank[w] for w in users[v]) - 1
        longer = sum(shared[u] and furthest[u] < room for u in set(inputs[v]))
        if room > rank[v] and longer <= 1:
            rank[v] = room
            for u in inputs[v]:
                furthest[u] = max(furthest[u], room)
    return rank


def _columns(count: int, links: Sequence[tuple[int, int]], share: bool) -> tuple[list[list[int]], list[list[int]], int]:
    """Items by column in depth-first operand order, the items along every link, and how many items there are."""
    rank = _ranks(count, links)
    lanes: dict[int, list[int]] = {}
    next_item = count
    paths: list[list[int]] = []
    pieces = 0
    for number, (u, v) in enumerate(links):
        lane = lanes.setdefault(u if share else number, [])
        while len(lane) < rank[v] - rank[u] - 1:
            lane.append(next_item)
            next_item += 1
        pieces += rank[v] - rank[u]
        if pieces > MAX_PIECES:
            raise ValueError(
                f"{count:,} boxes with this many long edges cannot be drawn readably: "
                'fold="auto" folds, or draw a part of the graph'
            )
        paths.append([u, *lane[: rank[v] - rank[u] - 1], v])
    column = rank + [0] * (next_item - count)
    for source, lane in lanes.items():
        start = rank[source if share else links[source][0]] + 1
        for k, item in enumerate(lane):
            column[item] = start + k
    into: list[list[int]] = [[] for _ in range(count)]
    for number, (_, v) in enumerate(links):
        into[v].append(number)
    columns: list[list[int]] = [[] for _ in range(max(rank, default=0) + 1)]
    seen = [False] * next_item
    used = {u for u, _ in links}
    stack = [v for v in reversed(range(count)) if v not in used]
    while stack:
        v = stack.pop()
        if seen[v]:
            continue
        seen[v] = True
        columns[column[v]].append(v)
        stack.extend(paths[number][0] for number in reversed(into[v]))
        for number in into[v]:
            for item in paths[number][-2:0:-1]:
                if not seen[item]:
                    seen[item] = True
                    columns[column[item]].append(item)
    return columns, paths, next_item


def _neighbours(paths: Sequence[Sequence[int]], count: int) -> tuple[list[list[int]], list[list[int]]]:
    """The items before and after each item, as often as links run between the two."""
    before: list[list[int]] = [[] for _ in range(count)]
    after: list[list[int]] = [[] for _ in range(count)]
    for path in paths:
        for a, b in zip(path, path[1:]):
            before[b].append(a)
            after[a].append(b)
    return before, after


# -- coordinates --------------------------------------------------------------------------------------------


def _along(
    columns: list[list[int]], before: list[list[int]], after: list[list[int]], lengths: list[float], boxes: int
) -> list[float]:
    """The middle of every item along its column: as near to its neighbours as order and gaps allow."""
    middle = [0.0] * len(lengths)
    apart: list[list[float]] = []
    for column in columns:
        offsets = [0.0]
        for a, b in zip(column, column[1:]):
            gap = BOX_GAP if a < boxes and b < boxes else LANE_GAP
            offsets.append(offsets[-1] + (lengths[a] + lengths[b]) / 2 + gap)
        apart.append(offsets)
        for item, offset in zip(column, offsets):
            middle[item] = offset - offsets[-1] / 2
    sweeps = 40 if len(lengths) < 2_000 else 12 if len(lengths) < 20_000 else 6
    for sweep in range(sweeps):
        last = sweep >= sweeps - 4
        numbers = range(len(columns)) if sweep % 2 else range(len(columns) - 1, -1, -1)
        for c in numbers:
            column = columns[c]
            wanted: list[float] = []
            weights: list[float] = []
            for item in column:
                others = before[item] + after[item] if last else (before if sweep % 2 else after)[item]
                heavy = [
                    (8.0 if item >= boxes and other >= boxes else 2.0 if item >= boxes or other >= boxes else 1.0)
                    for other in others
                ]
                weight = sum(heavy)
                wanted.append(
                    sum([w * middle[other] for w, other in zip(heavy, others)]) / weight if weight else middle[item]
                )
                weights.append(weight or 0.1)
            for item, at in zip(column, _separated(wanted, weights, apart[c])):
                middle[item] = at
    return middle


def _separated(wanted: list[float], weights: list[float], offsets: list[float]) -> list[float]:
    """Places nearest to `wanted` in weighted least squares that are at least as far apart as `offsets`.

    Isotonic regression by pooling adjacent violators (Ayer et al. 1955), after subtracting the offsets.
    """
    pools: list[tuple[float, float, int]] = []  # mean, weight, how many
    for want, weight, offset in zip(wanted, weights, offsets):
        mean, total, size = want - offset, weight, 1
        while pools and pools[-1][0] > mean:
            other, more, members = pools.pop()
            mean = (mean * total + other * more) / (total + more)
            total += more
            size += members
        pools.append((mean, total, size))
    means = [mean for mean, _, size in pools for _ in range(size)]
    return [mean + offset for mean, offset in zip(means, offsets)]


# -- routes -------------------------------------------------------------------------------------------------


def _routes(
    sizes: Sequence[Point], columns: list[list[int]], paths: list[list[int]], middle: list[float], stub: float
) -> Placed:
    boxes = len(sizes)
    top = min(
        (middle[i] - sizes[i][1] / 2 if i < boxes else middle[i] for column in columns for i in column), default=0.0
    )
    bottom = max(
        (middle[i] + sizes[i][1] / 2 if i < boxes else middle[i] for column in columns for i in column), default=0.0
    )
    middle = [round(at - top, 1) for at in middle]  # as a drawing has it: what looks level is level
    ports = _ports(sizes, paths, middle)
    column_of = {item: c for c, column in enumerate(columns) for item in column}
    rise = [0.0] * len(columns)
    for path, port in zip(paths, ports):
        for a, b in zip(path, path[1:]):
            end = port if b == path[-1] else middle[b]
            rise[column_of[a]] = max(rise[column_of[a]], abs(end - middle[a]))
    starts: list[float] = []
    ends: list[float] = []
    at = 0.0
    for c, column in enumerate(columns):
        starts.append(at)
        at += max((sizes[item][0] for item in column if item < boxes), default=0.0)
        ends.append(at)
        at += min(WIDEST_GAP, COLUMN_GAP + 0.12 * rise[c]) + stub
    middles = [((starts[column_of[i]] + ends[column_of[i]]) / 2, middle[i]) for i in range(boxes)]
    curves = []
    for path, port in zip(paths, ports):
        u, v = path[0], path[-1]
        pen = (middles[u][0] + sizes[u][0] / 2, middle[u])
        curve = [pen]
        for a, b in zip(path, path[1:]):
            _straight(curve, ends[column_of[a]])
            reached = starts[column_of[b]] - (stub if b == v else 0.0)
            _bend(curve, reached, port if b == v else middle[b])
        _straight(curve, middles[v][0] - sizes[v][0] / 2)
        curves.append(tuple(curve))
    return Placed(middles, curves, (ends[-1] if ends else 0.0, bottom - top))


def _ports(sizes: Sequence[Point], paths: list[list[int]], middle: list[float]) -> list[float]:
    """Where each link enters its target: spread over its side, in the order in which they come."""
    into: dict[int, list[int]] = {}
    for number, path in enumerate(paths):
        into.setdefault(path[-1], []).append(number)
    ports = [0.0] * len(paths)
    for v, numbers in into.items():
        numbers.sort(key=lambda number: middle[paths[number][-2]])  # stable: equal ones stay in operand order
        step = sizes[v][1] / (len(numbers) + 1)
        for k, number in enumerate(numbers):
            ports[number] = middle[v] + step * (k + 1) - sizes[v][1] / 2
    return ports


def _straight(curve: list[Point], to: float) -> None:
    """A level piece up to `to`; one with the level piece before it."""
    while len(curve) > 3 and curve[-1][1] == curve[-2][1] == curve[-3][1] == curve[-4][1] and to > curve[-1][0]:
        del curve[-3:]
    x, y = curve[-1]
    if to - x > 0.01:  # a shorter piece is rounding, and would leave an arrowhead without direction
        third = (to - x) / 3
        curve += [(x + third, y), (to - third, y), (to, y)]


def _bend(curve: list[Point], x1: float, y1: float) -> None:
    x0, y0 = curve[-1]
    if y0 == y1:
        _straight(curve, x1)
        return
    half = (x0 + x1) / 2
    curve += [(half, y0), (half, y1), (x1, y1)]
