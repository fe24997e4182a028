"""Compile time and memory against the number of scalar nodes: both should grow in proportion.

Run: python tests/benchmarks/compile_growth.py
"""

from __future__ import annotations

import random
import time
import tracemalloc

import glassgrad as gg
from glassgrad import Value

NEURONS, WIDTH = 10, 16


def graph(size: int) -> tuple[Value, list[Value]]:
    """A layer applied to as many samples as give `size` nodes."""
    rng = random.Random(0)
    rows = [[Value(rng.gauss(0, 1)) for _ in range(WIDTH)] for _ in range(NEURONS)]
    samples = size // (NEURONS * (2 * WIDTH + 1))
    outputs = []
    for _ in range(samples):
        x = [rng.gauss(0, 1) for _ in range(WIDTH)]
        outputs += [sum((w * v for w, v in zip(row, x)), 0).tanh() for row in rows]
    return gg.sum(outputs), [w for row in rows for w in row]


def main() -> None:
    print(
        f"{'nodes':>10}{'record s':>10}{'compile s':>11}{'µs a node':>11}{'peak MB':>9}{'bytes a node':>14}{'steps':>7}"
    )
    for size in (10_000, 100_000, 1_000_000):
        start = time.perf_counter()
        root, params = graph(size)
        recorded = time.perf_counter()
        program = gg.compile(root, params=params)
        took = time.perf_counter() - recorded
        tracemalloc.start()
        gg.compile(root, params=params)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        n = program.nodes
        print(
            f"{n:>10,}{recorded - start:>10.2f}{took:>11.2f}{1e6 * took / n:>11.2f}"
            f"{peak / 1e6:>9.0f}{peak / n:>14.0f}{program.steps:>7}"
        )


if __name__ == "__main__":
    main()
