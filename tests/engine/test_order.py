"""The order of backpropagation, on the smallest graphs where a wrong one gives wrong numbers."""

from __future__ import annotations

import random

import pytest

import glassgrad as gg
from glassgrad import Value


def both_ways(y: Value, xs: list[Value]) -> list[float]:
    """∂y/∂x by `backward()`, which must be that of `grad()` and of the steps, bit for bit."""
    plain = gg.grad(y, xs)
    for v in gg.topological_order(y):
        v.grad = None
    y.backward()
    assert [x.grad for x in xs] == plain
    walk, order = gg.steps(y), gg.topological_order(y)
    after = [arrived[-1][1] if arrived else 0.0 for arrived in walk.arrivals]
    assert [after[order.index(x)] for x in xs] == plain
    return plain


def test_a_node_waits_for_all_that_use_it():
    """d = a·b feeds e directly and through f: taken before f has given its part, d would hand on too little."""
    a, b = Value(2.0, "a"), Value(3.0, "b")
    d = a * b
    for e in (d.exp() * 0 + d * (d + 1), (d + 1) * d):  # d as the first and as the second operand
        assert both_ways(e, [a, b]) == pytest.approx([13.0 * 3.0, 13.0 * 2.0])


def test_diamond_of_diamonds():
    x = Value(1.5, "x")
    y = x
    for _ in range(12):
        y = y + y
    assert both_ways(y, [x]) == [4096.0]
    y = x
    for _ in range(5):
        y = y * y
    assert both_ways(y, [x]) == pytest.approx([32 * 1.5**31])


def test_the_shorter_path_does_not_go_first():
    """From x to y one path has 1 edge, another 30: depth alone is no order."""
    x = Value(0.5, "x")
    chain = x
    for _ in range(30):
        chain = chain + x
    for y, slope in ((chain * x, 31.0), (x * chain, 31.0), (chain * chain + x, 962.0)):
        assert both_ways(y, [x]) == pytest.approx([slope])


def test_reuse_across_results_adds_up_on_leaves_and_starts_anew_in_between():
    x, w = Value(2.0), Value(3.0)
    shared = x * w
    first, second = shared * shared, shared + 1
    first.backward()
    assert (x.grad, w.grad, shared.grad) == (36.0, 24.0, 12.0)
    second.backward()
    assert (x.grad, w.grad, shared.grad) == (39.0, 26.0, 1.0)
    assert second.grad == 1.0
    assert first.grad == 1.0


def test_backward_of_a_leaf_and_twice():
    x = Value(2.0)
    x.backward()
    assert x.grad == 1.0
    x.backward()
    assert x.grad == 2.0
    y = x * x
    x.grad = None
    y.backward()
    y.backward()
    assert (x.grad, y.grad) == (8.0, 1.0)


def tangled(seed: int, size: int) -> tuple[Value, list[Value]]:
    rng = random.Random(seed)
    leaves = [Value(rng.uniform(-1, 1), f"x{i}") for i in range(4)]
    nodes = list(leaves)
    while len(nodes) < size:
        a, b, c = (rng.choice(nodes[-8:] if rng.random() < 0.6 else nodes) for _ in range(3))
        nodes.append(
            rng.choice(
                [
                    lambda a, b, c: a + b,
                    lambda a, b, c: (a - b) * 0.7,
                    lambda a, b, c: (a * b).tanh(),
                    lambda a, b, c: gg.dot([a, b], [c, a], b).sin(),
                    lambda a, b, c: gg.sum([a, b, c, a]) * 0.3,
                    lambda a, b, c: gg.max(a, b),
                ]
            )(a, b, c)
        )
    return gg.sum(nodes[-3:]), leaves


def test_inputs_come_before_results_and_each_node_once(fresh_seed):
    y, _ = tangled(fresh_seed, 300)
    order = gg.topological_order(y)
    place = {id(v): i for i, v in enumerate(order)}
    assert len(place) == len(order)
    assert order[-1] is y
    for v in order:
        for u in v.inputs:
            assert place[id(u)] < place[id(v)]


def by_paths(y: Value, x: Value) -> float:
    """∂y/∂x by its definition, forward from x: no order of the way back is needed."""
    dots: dict[int, float] = {}
    for v in gg.topological_order(y):
        dots[id(v)] = (
            1.0 if v is x else sum(dots[id(u)] * slope for u, slope in zip(v.inputs, v.slopes) if slope is not None)
        )
    return dots[id(y)]


def test_backward_is_forward_mode_on_tangled_graphs(fresh_seed):
    y, leaves = tangled(fresh_seed, 300)
    used = [v for v in leaves if any(v is u for u in gg.topological_order(y))]
    assert both_ways(y, used) == pytest.approx([by_paths(y, x) for x in used], rel=1e-9, abs=1e-12)


# -- a graph whose numbers have changed ---------------------------------------------------------------------


@pytest.mark.parametrize("factor", [1 + 1e-6, 2.0, -1.0, 0.0])
def test_a_second_derivative_of_changed_numbers_is_refused(factor):
    x, w = Value(1.5, "x"), Value(0.7, "w")
    y = (x * w).tanh() * x
    gg.grad(y, [x, w], create_graph=True)  # unchanged: fine
    x.data *= factor
    with pytest.raises(ValueError, match=r"changed after it was computed .*compute y again first"):
        gg.grad(y, [x, w], create_graph=True)
    assert gg.grad(y, w) == gg.grad(y, w)  # the first derivative is that of the numbers as they were used
    x.data = 1.5
    assert [g.data for g in gg.grad(y, [x, w], create_graph=True)] == pytest.approx(gg.grad(y, [x, w]), rel=1e-12)


def test_a_change_that_no_slope_reads_is_no_matter():
    x, b = Value(1.5), Value(0.5)
    y = x * x + b
    b.data = 7.0
    assert gg.grad(y, x, create_graph=True).data == 3.0


def test_what_grad_gives_for_one_for_several_and_for_what_is_not_there():
    x, w, other = Value(2.0), Value(3.0), Value(1.0)
    y = x * w
    assert gg.grad(y, [other, w, x, w]) == [0.0, 2.0, 3.0, 2.0]
    made = gg.grad(y, [other, x], create_graph=True)
    assert [v.data for v in made] == [0.0, 3.0]
    assert all(isinstance(v, Value) for v in made)
    assert gg.grad(y, []) == []
    assert gg.grad(y, (x,)) == [3.0]
