"""Stage 3: units of the same level, op and operand groups form one group: one array, computed at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .linear import FORM, Units
from .trace import Ints, Trace

CONSTANTS, PARAMS, INPUTS = 0, 1, 2  # groups that are there from the start
_MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x165667B19E3779F9))
PADDING_LIMIT = 2.5  # forms of unequal length are padded to one group while it grows by no more than this


class Group(NamedTuple):
    """Units computed by one step.

    Attributes:
        op: name of the op, `"form"` for Σ a·b.
        slots: the slots computed.
        operands: for an op, one row of slots per input; for a form two matrices (units x terms), a and b.
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
    length = np.diff(units.start)
    for level in levels(t, units):
        at = np.repeat(units.start[level], length[level]) + _within(length[level])
        read = units.operands[at]
        begins = np.concatenate([[0], np.cumsum(length[level])[:-1]])
        computed = units.slot[level]
        varies[computed] = np.logical_or.reduceat(varies[read], begins)
        active[computed] = np.logical_or.reduceat(active[read], begins)
        rank[computed] = np.where(varies[computed], 4, 2)
        is_form = units.code[level] == FORM
        for members, key in (
            (level[is_form], _form_keys(t, units, level[is_form], rank, group_of)),
            (level[~is_form], _op_keys(t, units, level[~is_form], group_of)),
        ):
            if len(members):
                _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
                order = np.argsort(inverse, kind="stable")
                parts = np.split(members[order], np.cumsum(np.bincount(inverse))[:-1])
                for k in np.argsort(first):
                    for part in _padded(units, parts[k]):
                        group_of[units.slot[part]] = len(groups) + 3
                        groups.append(_group(t, units, part))
    return Grouping(tuple(groups), varies, active)


def levels(t: Trace, units: Units) -> list[Ints]:
    """The units by longest path from the leaves: each level reads earlier levels only."""
    unit_of = np.full(t.first_constant + len(t.constants), -1)
    unit_of[units.slot] = np.arange(len(units.slot))
    reader = np.repeat(np.arange(len(units.slot)), np.diff(units.start))
    source = unit_of[units.operands]
    inner = source >= 0
    reader, source = reader[inner], source[inner]
    missing = np.bincount(reader, minlength=len(units.slot))
    order = np.argsort(source, kind="stable")
    reader = reader[order]
    begin = np.concatenate([[0], np.cumsum(np.bincount(source, minlength=len(units.slot)))])
    ready = np.flatnonzero(missing == 0)
    found = []
    while len(ready):
        found.append(ready)
        count = begin[ready + 1] - begin[ready]
        readers = reader[np.repeat(begin[ready], count) + _within(count)]
        touched, times = np.unique(readers, return_counts=True)
        missing[touched] -= times
        ready = touched[missing[touched] == 0]
    return found


def _within(counts: Ints) -> Ints:
    """0 … c-1 for each count, one after the other."""
    return np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)


def _op_keys(t: Trace, units: Units, members: Ints, group_of: Ints) -> Ints:
    """A number per unit that is equal for equal op and operand groups (and exponents, in pow_const)."""
    key = np.zeros(len(members), dtype=np.uint64)
    code = units.code[members]
    own_constant = np.isin(code, [i for i, name in enumerate(t.ops) if name in ("pow_const", "leaky_relu")])
    width = int(np.diff(units.start)[members].max()) if len(members) else 0
    count = np.diff(units.start)[members]
    for k in range(width):
        has = count > k
        read = units.operands[np.where(has, units.start[members] + k, 0)]
        kind = np.where(has, group_of[read] + 1, 0)
        kind = np.where(has & own_constant & (read >= t.first_constant), -read, kind)
        key = key * _MIX[0] + kind.astype(np.uint64) * _MIX[1] + _MIX[2]
    return (key * _MIX[0] + code.astype(np.uint64)).view(np.int64)


def _form_keys(t: Trace, units: Units, members: Ints, rank: Ints, group_of: Ints) -> Ints:
    """A number per form; turns the pairs of `units.operands` round in place so that like stands below like."""
    count = np.diff(units.start)[members] // 2
    if not len(members):
        return count
    at = np.repeat(units.start[members], count) + 2 * _within(count)
    a, b = units.operands[at], units.operands[at + 1]
    plain = (b == t.first_constant + 1) | (b == t.first_constant + 2)
    swap = ~plain & ((rank[a] > rank[b]) | ((rank[a] == rank[b]) & (group_of[a] > group_of[b])))
    a, b = np.where(swap, b, a), np.where(swap, a, b)
    units.operands[at], units.operands[at + 1] = a, b
    sign = np.where(plain, b, 0)  # +c and -c are different terms
    kind = (
        group_of[a].astype(np.uint64) * _MIX[0]
        + group_of[b].astype(np.uint64) * _MIX[1]
        + sign.astype(np.uint64) * _MIX[2]
    )
    kind = (kind ^ (kind >> np.uint64(29))) * _MIX[1]
    begins = np.concatenate([[0], np.cumsum(count)[:-1]])
    uniform = np.maximum.reduceat(kind, begins) == np.minimum.reduceat(kind, begins)
    place = _within(count).astype(np.uint64) * _MIX[2] + _MIX[0]
    whole = np.add.reduceat(kind * (place ^ (place >> np.uint64(31))), begins) + count.astype(np.uint64)
    return np.where(uniform, kind[begins], whole).view(np.int64)


def _padded(units: Units, members: Ints) -> list[Ints]:
    """Members that may share one matrix: all of them if padding to the longest is cheap, else one part per length."""
    length = np.diff(units.start)[members]
    if len(members) * length.max() <= PADDING_LIMIT * length.sum():
        return [members]
    return [members[length == n] for n in np.unique(length)]


def _group(t: Trace, units: Units, members: Ints) -> Group:
    begin, length = units.start[members], np.diff(units.start)[members]
    slots, nodes = units.slot[members], int(units.nodes[members].sum())
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
