"""784-128-10 classifier on 64-example batches: the compiled scalar code beside NumPy written by hand.

Run: python tests/benchmarks/compile_classifier.py
"""

from __future__ import annotations

import random
import resource
import statistics
import time
from collections.abc import Callable

import numpy as np

import glassgrad as gg
from glassgrad import Value

BATCH, SIZES, RATE = 64, (784, 128, 10), 0.01


def layers(rng: random.Random) -> list[list[tuple[list[Value], Value]]]:
    return [
        [([Value(rng.gauss(0, n**-0.5)) for _ in range(n)], Value(0.0)) for _ in range(m)]
        for n, m in zip(SIZES, SIZES[1:])
    ]


def loss_of(net: list[list[tuple[list[Value], Value]]], dot: bool) -> Callable[..., Value]:
    def apply(layer: list[tuple[list[Value], Value]], x: list[Value]) -> list[Value]:
        if dot:
            return [gg.dot(w, x, b) for w, b in layer]
        return [sum((wi * xi for wi, xi in zip(w, x)), b) for w, b in layer]

    def loss(x: list[Value], y: list[Value]) -> Value:
        scores = apply(net[1], [h.relu() for h in apply(net[0], x)])
        largest = scores[0]
        for s in scores[1:]:
            largest = gg.max(largest, s)
        total = gg.sum([(s - largest).exp() for s in scores])
        return total.log() + largest - gg.dot(y, scores)

    return loss


def by_hand(p: np.ndarray, x: np.ndarray, y: np.ndarray) -> float:
    """What a good engineer would write, tricks apart; updates p in place."""
    n, m, k = SIZES
    w1, w2 = p[: m * (n + 1)].reshape(m, n + 1), p[m * (n + 1) :].reshape(k, m + 1)
    a1, b1, a2, b2 = w1[:, :-1], w1[:, -1], w2[:, :-1], w2[:, -1]
    h = np.maximum(x @ a1.T + b1, 0)
    z = h @ a2.T + b2
    z = z - z.max(axis=1, keepdims=True)
    e = np.exp(z)
    s = e.sum(axis=1, keepdims=True)
    loss = float((np.log(s[:, 0]) - (y * z).sum(axis=1)).mean())
    dz = (e / s - y) / len(x)
    dh = (dz @ a2) * (h > 0)
    da2, db2, da1, db1 = dz.T @ h, dz.sum(axis=0), dh.T @ x, dh.sum(axis=0)
    a2 -= RATE * da2
    b2 -= RATE * db2
    a1 -= RATE * da1
    b1 -= RATE * db1
    return loss


def main() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(BATCH, SIZES[0]))
    y = np.eye(SIZES[-1])[rng.integers(0, SIZES[-1], BATCH)]
    print(
        f"{'scalar code':<14}{'compile s':>10}{'peak MB':>9}{'steps':>7}{'step µs':>10}{'by hand µs':>12}{'ratio':>8}"
    )
    for dot in (True, False):
        net = layers(random.Random(1))
        params = [p for layer in net for w, b in layer for p in (*w, b)]
        start = time.perf_counter()
        program = gg.compile(loss_of(net, dot), example=(x[0].tolist(), y[0].tolist()), params=params)
        took = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        hand = program.params.copy()

        def ours(program: gg.Program = program) -> float:
            value, gradient = program.value_and_grad(x, y)
            gradient *= RATE
            program.params -= gradient
            return value

        first, second = ours(), by_hand(hand, x, y)
        assert abs(first - second) < 1e-12 * abs(second), (first, second)
        assert np.allclose(program.params, hand, rtol=1e-10, atol=1e-13)
        times: list[tuple[float, float]] = []
        for _ in range(150):
            t0 = time.perf_counter()
            ours()
            t1 = time.perf_counter()
            by_hand(hand, x, y)
            times.append((t1 - t0, time.perf_counter() - t1))
        ratio = statistics.median(a / b for a, b in times)
        ours_us, hand_us = (1e6 * statistics.median(column) for column in zip(*times))
        print(
            f"{'dot' if dot else '+ and *':<14}{took:>10.2f}{peak:>9.0f}{program.steps:>7}"
            f"{ours_us:>10.0f}{hand_us:>12.0f}{ratio:>8.2f}"
        )


if __name__ == "__main__":
    main()
