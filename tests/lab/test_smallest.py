"""The smallest example of each fault: found fast, the same each time, and nothing smaller shows it."""

from __future__ import annotations

import itertools
import time

import pytest

import glassgrad as gg

UNARY = ["-{}", "tanh({})", "exp({})", "relu({})", "{}**2", "{}**3", "log({})", "sqrt({})", "1/{}", "3*{}", "{} + 1"]
BINARY = ["{} + {}", "{} - {}", "{} * {}", "{} / {}", "{} ** {}", "max({}, {})"]


@pytest.mark.parametrize("fault", gg.lab.FAULTS)
def test_it_is_small_and_quick_and_always_the_same(fault, golden):
    begin = time.perf_counter()
    example = gg.lab.smallest_example(fault)
    assert time.perf_counter() - begin < 5  # 0.1 s where nobody else is at work
    assert ops(example.comparison.graph) <= 4
    assert example.comparison.first is not None or fault == "cycle"
    assert all(x.is_integer() for leaf in example.comparison.leaves for x in (leaf.right, leaf.wrong))
    assert gg.lab.compare(example.expression, fault, **example.inputs).leaves == example.comparison.leaves
    golden(f"lab/smallest_{fault}.txt", f"{example}\n")


def ops(graph):
    return sum(node.op in gg.OPS for node in graph.nodes)


def expressions(count):
    """All expressions of so many ops, from more ops than those of the search, on one or two inputs; all are used."""
    for leaves in ("a", "ab"):
        for steps in itertools.product([*UNARY, *BINARY], repeat=count):
            pools = [
                itertools.product([*leaves, *(f"v{j}" for j in range(k))], repeat=step.count("{}"))
                for k, step in enumerate(steps)
            ]
            for chosen in itertools.product(*pools):
                used = set(itertools.chain(*chosen))
                if used == {*leaves, *(f"v{j}" for j in range(count - 1))}:
                    yield "; ".join(
                        f"v{k} = {step.format(*names)}" for k, (step, names) in enumerate(zip(steps, chosen))
                    )


@pytest.mark.parametrize(
    "fault", [name for name in gg.lab.FAULTS if ops(gg.lab.smallest_example(name).comparison.graph) > 1]
)
def test_nothing_smaller_shows_it(fault):
    fewest, tried = ops(gg.lab.smallest_example(fault).comparison.graph), 0
    for text in itertools.chain(*(expressions(count) for count in range(1, fewest))):
        inputs = {"a": 3.0, "b": 1.75} if "b" in text else {"a": 3.0}
        try:
            found = gg.lab.compare(text, fault, **inputs)
        except gg.ExpressionError:  # undefined at these numbers
            continue
        assert found.first is None, text
        tried += 1
    assert tried > 10


@pytest.mark.parametrize("fault", [None, 3, []])
def test_a_fault_is_named(fault):
    with pytest.raises(TypeError, match="a fault is given by its name, such as 'overwrite', got"):
        gg.lab.smallest_example(fault)
