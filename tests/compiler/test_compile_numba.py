"""The same program as loops through numba gives the NumPy program's numbers."""

from __future__ import annotations

import random

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import Value

pytest.importorskip("numba", reason="needs the extra jit")


def test_classifier_with_attention() -> None:
    """Products of all kinds, n-ary max, gathers, broadcasts, ops that call ops."""
    rng = random.Random(1)
    weights = [[Value(rng.gauss(0, 0.5)) for _ in range(4)] for _ in range(10)]
    params = [w for row in weights for w in row]

    def loss(tokens: list[list[Value]], target: list[Value]) -> Value:
        qkv = [[gg.dot(row[:3], t, row[3]) for row in weights[:6]] for t in tokens]
        out = []
        for t in range(len(tokens)):
            scores = [gg.sum([qkv[t][i] * qkv[s][2 + i] for i in range(2)]) for s in range(t + 1)]
            e = [s.exp() for s in scores]
            total = gg.sum(e)
            out += [gg.sum([w / total * qkv[s][4 + i] for s, w in enumerate(e)]).silu() for i in range(2)]
        z = [sum((w * h for w, h in zip(row, out)), row[0]) for row in weights[6:]]
        largest = z[0]
        for v in z[1:]:
            largest = gg.max(largest, v)
        total = gg.sum([(v - largest).exp() for v in z])
        return total.log() + largest - gg.dot(target, z) + 0.01 * gg.sum([p * p for p in params])

    numbers = np.random.default_rng(1)
    tokens, target = numbers.normal(size=(5, 3, 3)), np.eye(4)[numbers.integers(0, 4, 5)]
    example = (tokens[0], target[0])
    plain = gg.compile(loss, example=example, params=params)
    fast = gg.compile(loss, example=example, params=params, backend="numba")
    value, gradient = plain.value_and_grad(tokens, target)
    again, same_gradient = fast.value_and_grad(tokens, target)
    assert again == pytest.approx(value, rel=1e-12)
    assert np.abs(gradient - same_gradient).max() <= 1e-12 * np.abs(gradient).max()
    assert fast.run(tokens, target) == pytest.approx(plain.run(tokens, target), rel=1e-12)
    assert "for e in range(n):" in fast.source
