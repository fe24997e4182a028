"""Stage 3: units of the same level, op and operand groups form one group: one array, computed at once."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .errors import BrokenProgramError
from .linear import FORM, MAX, MIN, Units
from .trace import Ints, Trace

CONSTANTS, PARAMS, INPUTS = 0, 1, 2  # groups that are there from the start
_MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x165667B19E3779F9))
PADDING_LIMIT = 2.5  # forms of unequal length are padded to one group while it grows by no more than this


class Group(NamedTuple):
    """Units computed by one step.

    Attributes:
        op: name of the op, `"form"` for Σ a·b, `"largest"` and `"smallest"` for n-ary max and min.
        slots: the slots computed.
        operands: for an op, one row of slots per input; for a form two matrices (units x terms), a and b, for n-ary
            max and min one.
        nodes: how many scalar nodes it stands for.
    """

    op: str
    slots: Ints
    operands: tuple[Ints, ...]
    nodes: int


class Grouping(NamedTuple):
    """All groups in order; per slot, whether it depends on inputs (varies) and on parameters (active)."""

    groups: tuple[Group, ...]
    varies: np.ndarray[tuple[int], np.dtype[np.bool_]]
    active: np.ndarray[tuple[int], np.dtype[np.bool_]]


def group_units(t: Trace, units: Units, batched: bool = False) -> Grouping:
    """Sort the units into groups, level by level; if `batched`, what depends on an input varies with the example."""
    slots = t.first_constant + len(t.constants)
    group_of = np.zeros(slots, dtype=np.int64)
    group_of[: t.params] = PARAMS
    group_of[t.params : t.first_node] = INPUTS
    varies, active = (group_of == INPUTS) & batched, group_of == PARAMS
    rank = np.full(slots, 1)
    rank[: t.params] = 0
    rank[t.params : t.first_node] = 3
    groups: list[Group] = []
    length = units.length
    done = rank < 4
    done[t.first_node : t.first_constant] = False
    waiting = _weight_forms(t, units)
    for level in levels(t, units):
        level, waiting = _joined(units, level, waiting, group_of, done)
        if not len(level):
            continue
        at = np.repeat(units.start[level], length[level]) + _within(length[level])
        read = units.operands[at]
        begins = np.concatenate([[0], np.cumsum(length[level])[:-1]])
        computed = units.slot[level]
        varies[computed] = np.logical_or.reduceat(varies[read], begins)
        active[computed] = np.logical_or.reduceat(active[read], begins)
        rank[computed] = np.where(varies[computed], 4, 2)
        done[computed] = True
        is_form = units.code[level] == FORM
        for members, key in (
            (level[is_form], _form_keys(t, units, level[is_form], rank, group_of)),
            (level[~is_form], _op_keys(t, units, level[~is_form], group_of)),
        ):
            if len(members):
                key = np.where(varies[units.slot[members]], ~key, key)  # what varies with the example stays apart
                _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
                order = np.argsort(inverse, kind="stable")
                parts = np.split(members[order], np.cumsum(np.bincount(inverse))[:-1])
                for k in np.argsort(first):
                    for part in _padded(units, parts[k]):
                        group_of[units.slot[part]] = len(groups) + 3
                        groups.append(_group(t, units, part))
    return Grouping(tuple(groups), varies, active)


def _weight_forms(t: Trace, units: Units) -> Ints:
    """The forms Σ w·x in which one factor of every term is a parameter."""
    weight = units.operands < t.params
    either = weight[0::1].copy()
    either[:-1] |= weight[1:]
    begins, ends = units.start[:-1], units.start[1:]
    ok = np.zeros(len(units.operands) + 1, dtype=np.int64)
    pair = (np.arange(len(units.operands)) - np.repeat(begins, ends - begins)) % 2 == 0
    np.cumsum(pair & ~either, out=ok[1:])
    return np.flatnonzero((units.code == FORM) & (ok[ends] == ok[begins]))


def _joined(
    units: Units, level: Ints, waiting: Ints, group_of: Ints, done: np.ndarray[Any, np.dtype[np.bool_]]
) -> tuple[Ints, Ints]:
    """`level` with the later forms Σ w·x that read what its own read: one product instead of several (q, k and v)."""
    here = waiting[np.isin(waiting, level)]
    level = level[~done[units.slot[level]]]
    if not len(here):
        return level, waiting
    waiting = waiting[~done[units.slot[waiting]]]

    def read(forms: Ints) -> Ints:
        begin = units.start[forms]
        return np.maximum(group_of[units.operands[begin]], group_of[units.operands[begin + 1]])

    ready = np.isin(read(waiting), np.unique(read(here))[np.unique(read(here)) > PARAMS])
    length = units.start[waiting + 1] - units.start[waiting]
    at = np.repeat(units.start[waiting], length) + _within(length)
    if len(waiting):
        ready &= np.logical_and.reduceat(done[units.operands[at]], np.cumsum(length) - length)
    return np.union1d(level, waiting[ready]), waiting[~ready]


def levels(t: Trace, units: Units) -> list[Ints]:
    """The units by longest path to the result, so that each is computed as late as possible.

    Counted from the end, the positions of a sequence stay side by side though their pasts differ in length.
    """
    unit_of = np.full(t.first_constant + len(t.constants), -1)
    unit_of[units.slot] = np.arange(len(units.slot))
    reader = np.repeat(np.arange(len(units.slot)), np.diff(units.start))
    source = unit_of[units.operands]
    inner = source >= 0
    reader, source = reader[inner], source[inner]
    missing = np.bincount(source, minlength=len(units.slot))
    begin = np.concatenate([[0], np.cumsum(np.bincount(reader, minlength=len(units.slot)))])
    ready = np.flatnonzero(missing == 0)
    found = []
    while len(ready):
        found.append(ready)
        count = begin[ready + 1] - begin[ready]
        touched, times = np.unique(source[np.repeat(begin[ready], count) + _within(count)], return_counts=True)
        missing[touched] -= times
        ready = touched[missing[touched] == 0]
    return found[::-1]


def _within(counts: Ints) -> Ints:
    """0 … c-1 for each count, one after the other."""
    return np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)


def _op_keys(t: Trace, units: Units, members: Ints, group_of: Ints) -> Ints:
    """A number per unit that is equal for equal op and operand groups (and exponents, in pow_const)."""
    key = np.zeros(len(members), dtype=np.uint64)
    code = units.code[members]
    chain = np.isin(code, (MAX, MIN))
    own_constant = np.isin(code, [i for i, name in enumerate(t.ops) if name in ("pow_const", "leaky_relu")])
    width = int(units.length[members].max()) if len(members) else 0
    count = units.length[members]
    for k in range(width):
        has = (count > k) & (~chain | (k == 0))
        read = units.operands[np.where(has, units.start[members] + k, 0)]
        kind = np.where(has, group_of[read] + 1, 0)
        kind = np.where(has & own_constant & (read >= t.first_constant), -read, kind)
        key = key * _MIX[0] + kind.astype(np.uint64) * _MIX[1] + _MIX[2]
    mixed: Ints = (key * _MIX[0] + code.astype(np.uint64)).view(np.int64)
    return mixed


def _form_keys(t: Trace, units: Units, members: Ints, rank: Ints, group_of: Ints) -> Ints:
    """A number per form; turns the pairs of `units.operands` round in place so that like stands below like."""
    count = units.length[members] // 2
    if not len(members):
        return count
    at = np.repeat(units.start[members], count) + 2 * _within(count)
    a, b = units.operands[at], units.operands[at + 1]
    plain = (b == t.first_constant + 1) | (b == t.first_constant + 2)
    swap = ~plain & ((rank[a] > rank[b]) | ((rank[a] == rank[b]) & (group_of[a] > group_of[b])))
    a, b = np.where(swap, b, a), np.where(swap, a, b)
    units.operands[at], units.operands[at + 1] = a, b
    right = np.where((rank[a] == 0) & (group_of[b] > INPUTS), 1 << 40, group_of[b])  # weights meet any computed array
    kind = group_of[a].astype(np.uint64) * _MIX[0] + right.astype(np.uint64) * _MIX[1]
    kind = (kind ^ (kind >> np.uint64(29))) * _MIX[1]
    begins = np.concatenate([[0], np.cumsum(count)[:-1]])
    uniform = np.maximum.reduceat(kind, begins) == np.minimum.reduceat(kind, begins)
    place = _within(count).astype(np.uint64) * _MIX[2] + _MIX[0]
    whole = np.add.reduceat(kind * (place ^ (place >> np.uint64(31))), begins) + count.astype(np.uint64)
    return np.where(uniform, kind[begins], whole).view(np.int64)


def _padded(units: Units, members: Ints) -> list[Ints]:
    """Members that may share one matrix: all of them if padding to the longest is cheap, else one part per length."""
    length = units.length[members]
    if len(members) * length.max() <= PADDING_LIMIT * length.sum():
        return [members]
    return [members[length == n] for n in np.unique(length)]


def _group(t: Trace, units: Units, members: Ints) -> Group:
    begin, length = units.start[members], units.length[members]
    same = units.code[members] == units.code[members[0]]
    if not same.all() or (units.code[members[0]] >= 0 and (length != length[0]).any()):
        raise BrokenProgramError("units of different ops came into one group")
    slots, nodes = units.slot[members], int(units.nodes[members].sum())
    if units.code[members[0]] in (MAX, MIN):
        largest = units.code[members[0]] == MAX
        column = np.arange(length.max())
        neutral = t.first_constant + (3 if largest else 4)  # -inf or inf
        exists = column < length[:, None]
        read = np.where(exists, units.operands[np.where(exists, begin[:, None] + column, 0)], neutral)
        return Group("largest" if largest else "smallest", slots, (read,), nodes)
    if units.code[members[0]] != FORM:
        read = units.operands[begin[:, None] + np.arange(length[0])]
        return Group(t.ops[units.code[members[0]]], slots, tuple(read.T), nodes)
    terms = np.arange(length.max() // 2)
    exists = 2 * terms < length[:, None]
    at = np.where(exists, begin[:, None] + 2 * terms, 0)
    zero, last = t.first_constant, units.operands[begin + length - 1][:, None]
    plain = (last == zero + 1) | (last == zero + 2)
    a = np.where(exists, units.operands[at], zero)
    b = np.where(exists, units.operands[at + 1], np.where(plain, last, zero))
    return Group("form", slots, (a, b), nodes)
