"""A GPT-like training step in scalar code (1 layer, 16 wide, 4 heads, 8 positions), compiled.

Run: python tests/benchmarks/compile_gpt.py
"""

from __future__ import annotations

import random
import statistics
import time

import glassgrad as gg
from glassgrad import Value

WIDTH, HEADS, POSITIONS, LETTERS = 16, 4, 8, 27
Matrix = list[list[Value]]


def matrix(rng: random.Random, rows: int, columns: int) -> Matrix:
    return [[Value(rng.gauss(0, 0.3)) for _ in range(columns)] for _ in range(rows)]


def times(w: Matrix, x: list[Value]) -> list[Value]:
    return [sum((wi * xi for wi, xi in zip(row[1:], x[1:])), row[0] * x[0]) for row in w]


def norm(x: list[Value]) -> list[Value]:
    scale = (gg.sum([v * v for v in x]) * (1 / len(x)) + 1e-5) ** -0.5
    return [v * scale for v in x]


def softmax(x: list[Value]) -> list[Value]:
    largest = x[0]
    for v in x[1:]:
        largest = gg.max(largest, v)
    e = [(v - largest).exp() for v in x]
    total = gg.sum(e)
    return [v / total for v in e]


def step(p: dict[str, Matrix], letters: list[int]) -> Value:
    """The loss of predicting each letter from those before it; letters enter as one-hot vectors."""
    keys: list[list[Value]] = []
    values: list[list[Value]] = []
    losses = []
    size = WIDTH // HEADS
    for t in range(POSITIONS):
        one_hot = [1.0 if i == letters[t] else 0.0 for i in range(LETTERS)]
        embedded = [sum((row[i] * c for i, c in enumerate(one_hot)), 0) for row in p["embed"]]
        x = norm([e + row[t] for e, row in zip(embedded, p["place"])])
        before = x
        x = norm(x)
        q = times(p["q"], x)
        keys.append(times(p["k"], x))
        values.append(times(p["v"], x))
        out: list[Value] = []
        for h in range(0, WIDTH, size):
            scores = [gg.sum([q[h + i] * k[h + i] for i in range(size)]) * size**-0.5 for k in keys]
            weights = softmax(scores)
            out += [gg.sum([w * v[h + i] for w, v in zip(weights, values)]) for i in range(size)]
        x = [a + b for a, b in zip(times(p["o"], out), before)]
        before = x
        hidden = [v.relu() for v in times(p["up"], norm(x))]
        x = [a + b for a, b in zip(times(p["down"], hidden), before)]
        chances = softmax(times(p["head"], x))
        losses.append(-chances[letters[t + 1]].log())
    return gg.sum(losses) * (1 / POSITIONS)


def parameters(rng: random.Random) -> dict[str, Matrix]:
    shapes = {"q": WIDTH, "k": WIDTH, "v": WIDTH, "o": WIDTH, "up": 4 * WIDTH, "head": LETTERS}
    p = {name: matrix(rng, rows, WIDTH) for name, rows in shapes.items()}
    return p | {
        "down": matrix(rng, WIDTH, 4 * WIDTH),
        "embed": matrix(rng, WIDTH, LETTERS),
        "place": matrix(rng, WIDTH, POSITIONS),
    }


def main() -> None:
    rng = random.Random(4)
    p = parameters(rng)
    params = [v for m in p.values() for row in m for v in row]
    letters = [rng.randrange(LETTERS) for _ in range(POSITIONS + 1)]
    start = time.perf_counter()
    root = step(p, letters)
    recorded = time.perf_counter()
    program = gg.compile(root, params=params)
    compiled = time.perf_counter()
    print(program)
    value, gradient = program.value_and_grad()
    expected = gg.grad(root, params)
    error = max(abs(a - b) for a, b in zip(gradient, expected)) / max(map(abs, expected))
    runs = []
    for _ in range(300):
        t0 = time.perf_counter()
        program.value_and_grad()
        runs.append(time.perf_counter() - t0)
    print(
        f"\nrecording {recorded - start:.2f} s, compiling {compiled - recorded:.2f} s, "
        f"forward steps {program.steps} (asked: at most 60)"
    )
    print(
        f"value and gradient: {1e3 * statistics.median(runs):.3f} ms (asked: under 1.5 ms); "
        f"loss off by {abs(value - root.data):.1e}, gradient by {error:.1e}"
    )


if __name__ == "__main__":
    main()
