"""The faults: each does what a real engine with that mistake does, and `compare` points to the step where it begins."""

from __future__ import annotations

import itertools
import math
import random

import pytest

import glassgrad as gg
from glassgrad.engine.core.chain import topological_order

FAULTS = [name for name in gg.lab.FAULTS if name != "cycle"]
BEGUN = {"forget_zero_grad", "zero_only_parameters", "zero_everything", "forgot_root_gradient"}
ORDERS = {"recursive_order", "breadth_first_order"}
BINARY = {
    "+": (lambda a, b: a + b, lambda a, b, y: (1.0, 1.0)),
    "-": (lambda a, b: a - b, lambda a, b, y: (1.0, -1.0)),
    "*": (lambda a, b: a * b, lambda a, b, y: (b, a)),
    "/": (lambda a, b: a / b, lambda a, b, y: (1.0 / b, -y / b)),
}
OPS = {"+": "add", "-": "sub", "*": "mul", "/": "div"}


def program(seed: int) -> tuple[list[float], list[tuple[str, int, int]]]:
    """Numbers of some leaves, and ops on leaves and earlier ops; everything is used."""
    rng = random.Random(seed)
    leaves = [rng.choice([-2.0, -1.5, 0.5, 1.25, 3.0]) for _ in range(rng.randint(1, 3))]
    ops: list[tuple[str, int, int]] = []
    unused = set(range(len(leaves)))
    for k in range(len(leaves), len(leaves) + rng.randint(2, 9)):
        pick = lambda: rng.choice(sorted(unused) if unused and rng.random() < 0.4 else range(k))  # noqa: B023, E731
        i, j = pick(), pick()
        ops.append((rng.choice("++**-/"), i, j))
        unused = (unused - {i, j}) | {k}
    while len(unused) > 1:
        i, j, *_ = sorted(unused)
        ops.append(("+", i, j))
        unused = (unused - {i, j}) | {len(leaves) + len(ops) - 1}
    return leaves, ops


def values(leaves, ops):
    made = [gg.Value(x, f"x{k}") for k, x in enumerate(leaves)]
    for sign, i, j in ops:
        made.append(BINARY[sign][0](made[i], made[j]))
        made[-1].label = f"n{len(made) - 1}"
    return made


def tame(leaves, ops):
    """Whether nothing in it is undefined, or so large that rounding hides all else."""
    try:
        return all(
            abs(v.data) < 1e3 and all(abs(s) < 1e3 for s in v.slopes) for v in values(leaves, ops)[len(leaves) :]
        )
    except ZeroDivisionError:
        return False


PROGRAMS = list(itertools.islice((one for one in map(program, itertools.count()) if tame(*one)), 200))


# -- an engine that really has the faults -----------------------------------------------------------------------


class Node:
    """As in micrograd: closures over `.data` and `.grad`; `fault` says what is wrong with them."""

    def __init__(self, data, children=(), rule=None):
        self.data, self.children, self.grad = data, children, 0.0
        self.prev = tuple(dict.fromkeys(children))
        self.rule = rule

    def hand_on(self, fault, at):
        if self.rule is None:
            return
        sign, slopes = self.rule
        found = list(slopes(*(child.data for child in self.children), self.data))
        if fault == "wrong_sign" and sign == at:
            found[-1] = -found[-1]
        for child, slope in zip(self.children, found):
            factor = 1.0 if fault == "missing_factor" and sign == at else self.grad
            child.grad = slope * factor + (0.0 if fault == "overwrite" else child.grad)


def ordered(root):
    seen, order = set(), []

    def visit(v):
        if v not in seen:
            seen.add(v)
            for child in v.prev:
                visit(child)
            order.append(v)

    visit(root)
    return order[::-1]


def backward(root, fault, at=None):
    root.grad = 0.0 if fault == "forgot_root_gradient" else 1.0
    if fault == "recursive_order":

        def visit(v):
            v.hand_on(fault, at)
            for child in v.prev:
                visit(child)

        visit(root)
    elif fault == "breadth_first_order":
        queue, seen = [root], {root}
        for v in queue:
            v.hand_on(fault, at)
            queue += [child for child in v.prev if child not in seen]
            seen.update(v.prev)
    else:
        for v in ordered(root):
            v.hand_on(fault, at)


def really(leaves, ops, fault, at, change=None):
    """The gradients of the leaves in an engine with the fault."""
    nodes = [Node(x) for x in leaves]
    for sign, i, j in ops:
        pair = nodes[i], nodes[j]
        nodes.append(Node(BINARY[sign][0](pair[0].data, pair[1].data), pair, (sign, BINARY[sign][1])))
    root, given = nodes[-1], nodes[: len(leaves)]
    if change:
        given[change[0]].data = change[1]
    backward(root, fault, at)
    if fault in BEGUN - {"forgot_root_gradient"}:
        for v in nodes:
            leaf = v in given
            if fault == "zero_everything" or leaf == (fault == "zero_only_parameters"):
                v.grad = 0.0  # in forget_zero_grad the graph is built anew: nothing but leaves lives on
        backward(root, fault, at)
    return [v.grad for v in given]


def close(a, b, scale=1.0):
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9 * max(1.0, scale))


@pytest.mark.parametrize("fault", FAULTS)
def test_the_wrong_gradients_are_those_of_an_engine_with_the_fault(fault):
    different = 0
    for seed, (leaves, ops) in enumerate(PROGRAMS):
        *_, root = values(leaves, ops)
        found = gg.lab.compare(root, fault)
        change, at = None, {name: sign for sign, name in OPS.items()}.get(found.at)
        if fault == "stale_data":
            node = found.wrong.graph.find(found.at)
            change = int(found.at[1:]), node.now if node.now is not None else node.data
        wrong = really(leaves, ops, fault, at, change)
        by_name = {leaf.name: leaf for leaf in found.leaves}
        right = gg.grad(root, [v for v in topological_order(root) if v.label in by_name])
        scale = max(map(abs, right))
        twice = 2.0 if fault == "zero_everything" else 1.0
        for v, exact in zip([v for v in topological_order(root) if v.label in by_name], right):
            assert close(by_name[v.label].right, twice * exact, scale), (seed, v)
            assert close(by_name[v.label].wrong, wrong[int(v.label[1:])], scale), (seed, v)
        different += found.first is not None
    assert different > 40


@pytest.mark.parametrize("fault", FAULTS)
def test_each_step_stands_beside_that_through_the_same_edge(fault):
    """Up to the first wrong number both passes do the same, in the same order; at their end both are done."""
    for one in PROGRAMS:
        root = values(*one)[-1]
        found = gg.lab.compare(root, fault)
        steps, there = list(found.wrong), [found.right[k] for k in found.counterparts]
        assert len(steps) == len(there)
        assert found.counterparts[-1] == len(found.right) - 1
        for ours, theirs in zip(steps[:-1], there[:-1]):
            assert (ours.phase, ours.node, ours.position) == (theirs.phase, theirs.node, theirs.position)
        same = len(steps) if found.first is None else found.first
        if not any(flow.how for flow in found.wrong.flows[: max(same - len(found.graph) - 1, 0)]):
            assert found.counterparts[:same] == list(range(same))
            if fault in ORDERS:
                assert all(ours.new == theirs.new for ours, theirs in zip(steps[:same], there))
        if found.first is not None:
            assert found.of_right(found.first).partition(", step ")[2] in ("", str(found.counterpart + 1))
            assert there[found.first].input == steps[found.first].input
        came = set()  # the right pass is a topological order
        uses = [flow.input for flow in found.right.flows]
        for k, flow in enumerate(found.right.flows):
            came.add((flow.node, flow.position))
            assert flow.node not in uses[k:]


@pytest.mark.parametrize("fault", FAULTS)
def test_compare_points_to_the_step_where_it_begins(fault):
    """Before that step the pass can still be completed to the right gradients; with it, it cannot."""
    different = 0
    for seed, one in enumerate(PROGRAMS):
        root = values(*one)[-1]
        found = gg.lab.compare(root, fault)
        order = topological_order(root)
        exact = dict(enumerate(gg.grad(root, order)))
        kept = exact if fault == "zero_everything" else {}
        due = {
            (i, k): exact[i] * slope
            for i, v in enumerate(order)
            for k, slope in enumerate(v.slopes)
            if slope is not None
        }
        scale = max(map(abs, [*due.values(), *exact.values()]))
        ends = {
            i: exact[i] + (kept.get(i, 0.0) if not v.inputs else 0.0) for i, v in enumerate(order) if v.op != "const"
        }

        def completed(events):
            """The gradients if everything that has not come yet comes as it should."""
            grads = dict(found.wrong.begun)  # noqa: B023
            grads = {i: grads.get(i, 0.0) for i in range(len(order))}  # noqa: B023
            handed = set()
            for flow in events:
                grads[flow.input] = flow.new
                if flow.contribution != 0.0:
                    handed.add((flow.node, flow.position))
            for (i, k), x in due.items():  # noqa: B023
                if (i, k) not in handed:
                    grads[[order.index(u) for u in order[i].inputs][k]] += x  # noqa: B023
            return all(close(grads[i], end, scale) for i, end in ends.items())  # noqa: B023

        if found.first is None:
            assert all(close(leaf.right, leaf.wrong, scale) for leaf in found.leaves)
            assert f"smallest_example({fault!r})" in found.why
            continue
        different += 1
        flows, first = found.wrong.flows, found.first - len(found.graph)
        if fault in BEGUN:
            assert found.first == found.cause == len(found.graph)
            assert not completed([])
            continue
        if first <= len(flows) and flows[first - 1].contribution != 0.0:
            assert completed(flows[: first - 1]), seed
        assert not completed(flows[:first]) or flows[first - 1].contribution == 0.0, seed
        assert found.cause == (len(found.graph) if fault == "stale_data" else found.first)
        if fault not in ORDERS:  # the same edges in the same order: the first number that differs
            pairs = zip(found.right.flows, flows)
            assert first == next(k for k, (a, b) in enumerate(pairs, 1) if not close(a.new, b.new, 1e-3))
            assert found.counterpart == found.first
    assert different > 40
