"""Stage 2: chains of + and * that are used once become one n-ary form, Σ aᵢ·bᵢ + Σ cⱼ; chains of max one max.

What remains are units: forms, n-ary max and min, and single nodes of every other op. A plain term c is written
c·1, a subtracted one c·(-1), so that a form is nothing but pairs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .trace import Ints, Trace

FORM, MAX, MIN = -2, -3, -4  # stand where other units have their op


class Units(NamedTuple):
    """The units in topological order.

    Attributes:
        slot: the slot each unit computes.
        code: index of its op in the trace, or FORM, MAX, MIN.
        start: `operands[start[i]:start[i + 1]]` are the slots unit i reads; of a form a₀ b₀ a₁ b₁ ….
        operands: slots read.
        length: how many slots each reads.
        nodes: how many scalar nodes each stands for.
    """

    slot: Ints
    code: Ints
    start: Ints
    operands: Ints
    length: Ints
    nodes: Ints


def linear_forms(t: Trace) -> Units:
    """Collect the forms of a trace; every pass is over whole columns."""
    slots = t.first_constant + len(t.constants)
    code = np.full(slots, -1)
    code[: t.first_constant] = t.code
    counts = np.diff(t.start)

    def of_op(name: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        return np.equal(code, (t.ops.index(name) if name in t.ops else -3))  # type: ignore[no-any-return]  # NumPy's comparison is typed as Any

    sub, neg, mul, dot = of_op("sub"), of_op("neg"), of_op("mul"), of_op("dot")
    add_like = of_op("add") | sub | neg
    nary = of_op("sum") | dot
    additive = add_like | nary

    consumer = np.repeat(np.arange(t.first_constant), counts)
    operand = t.operands
    position = np.arange(len(operand)) - t.start[consumer]
    half = counts[consumer] // 2
    factor = dot[consumer] & (position < 2 * half)
    edge_sign = np.where((sub[consumer] & (position == 1)) | neg[consumer], -1, 1)
    uses = np.bincount(operand, minlength=slots)
    uses[t.outputs] += 2

    joins = additive[consumer] & ~factor & (uses[operand] == 1) & (additive | mul)[operand]
    up = np.arange(slots)
    sign = np.ones(slots, dtype=np.int64)
    up[operand[joins]] = consumer[joins]
    sign[operand[joins]] = edge_sign[joins]
    _, total = _roots(up, sign)
    subtracted = (mul | dot) & (total < 0)  # -(a·b) stays a node of its own: it is then c·(-1)
    up[subtracted] = np.flatnonzero(subtracted)
    sign[subtracted] = 1
    root, total = _roots(up, sign)

    absorbed = root != np.arange(slots)
    is_form = np.zeros(slots, dtype=bool)
    is_form[root[absorbed]] = True
    is_form |= nary & ~absorbed

    chain = np.zeros(slots, dtype=np.int64)  # n-ary max and min: their code at the root
    chain_edges = np.zeros(len(operand), dtype=bool)
    for name, mark in (("max", MAX), ("min", MIN)):
        member = of_op(name)
        links = member[consumer] & member[operand] & (uses[operand] == 1)
        links[1:] &= ~(links[:-1] & (consumer[1:] == consumer[:-1]))  # of two chains that meet only one goes on
        up = np.arange(slots)
        up[operand[links]] = consumer[links]
        end, _ = _roots(up, np.ones(slots, dtype=np.int64))
        chain[end[member]] = mark
        chain[consumer[member[consumer] & (operand >= t.first_constant)]] = 0  # beside a number it stays elementwise
        chain[end[member & (end != np.arange(slots))]] = mark
        absorbed |= member & (end != np.arange(slots))
        chain_edges |= member[consumer] & ~links & (chain[end[consumer]] == mark)
        root = np.where(member, end, root)

    one, minus_one = t.first_constant + 1, t.first_constant + 2
    edges = np.arange(len(operand))
    in_form = additive[consumer] & is_form[root[consumer]]
    plain = edges[in_form & ~factor & ~absorbed[operand]]
    products = edges[in_form & ~factor & absorbed[operand] & mul[operand]]
    pairs = edges[factor & in_form & (position < half)]
    inner = t.start[operand[products]]  # where the operands of an absorbed product stand
    signs = edge_sign[plain] * total[consumer[plain]]
    form = root[consumer[np.concatenate([products, pairs, plain])]]
    left = np.concatenate([operand[inner], operand[pairs], operand[plain]])
    right = np.concatenate([operand[inner + 1], operand[pairs + half[pairs]], np.where(signs > 0, one, minus_one)])
    is_plain = np.repeat([False, True], [len(products) + len(pairs), len(plain)])
    order = np.lexsort((np.concatenate([products, pairs, plain]), is_plain, form))
    form, left, right = form[order], left[order], right[order]

    single = (code >= 0) & ~absorbed & ~is_form
    single_edges = edges[(single[consumer] & (chain[consumer] == 0)) | chain_edges]
    owner = np.concatenate([np.repeat(form, 2), np.where(chain_edges, root[consumer], consumer)[single_edges]])
    read = np.concatenate([np.stack([left, right], axis=1).ravel(), operand[single_edges]])
    order = np.argsort(owner, kind="stable")
    slot = np.flatnonzero(single | is_form)
    length = np.bincount(owner, minlength=slots)[slot]
    return Units(
        slot=slot,
        code=np.where(is_form[slot], FORM, np.where(chain[slot] < 0, chain[slot], code[slot])),
        start=np.concatenate([[0], np.cumsum(length)]),
        operands=read[order],
        length=length,
        nodes=np.bincount(root[code >= 0], minlength=slots)[slot],
    )


def _roots(up: Ints, sign: Ints) -> tuple[Ints, Ints]:
    """Follow `up` to its end by doubling; with the product of the signs on the way."""
    while True:
        further = up[up]
        if np.array_equal(further, up):
            return up, sign
        sign = sign * sign[up]
        up = further
