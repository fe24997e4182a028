"""What the benchmarks share: the workloads, and timing side by side in one run.

W1: one full training step of micrograd's demo (2-16-16-1, 100 samples, relu, hinge loss + L2 1e-4, SGD).
W2: tanh(x1*w1 + x2*w2 + b), forward and backward.
"""

from __future__ import annotations

import math
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

SIZES = (2, 16, 16, 1)
SAMPLES = 100
RATE = 0.1
L2 = 1e-4


def demo_numbers(seed: int = 1) -> tuple[list, list, list, list]:
    """Inputs, targets ±1, weights and biases of W1 as nested lists of floats."""
    rng = random.Random(seed)
    inputs = [[rng.uniform(-1, 1) for _ in range(SIZES[0])] for _ in range(SAMPLES)]
    targets = [rng.choice([-1.0, 1.0]) for _ in inputs]
    weights = [[[rng.uniform(-1, 1) for _ in range(n)] for _ in range(m)] for n, m in zip(SIZES, SIZES[1:])]
    return inputs, targets, weights, [[0.0] * m for m in SIZES[1:]]


def demo_step(value: Any, dot: Callable[..., Any] | None = None) -> Callable[[], float]:
    """A function that does one step of W1 on Values of class `value`; `dot` makes a neuron one node."""
    inputs, targets, weights, biases = demo_numbers()
    ws = [[[value(w) for w in row] for row in layer] for layer in weights]
    bs = [[value(b) for b in layer] for layer in biases]
    if dot is not None:  # as the layers of glassgrad.nn keep them
        ws = [[tuple(row) for row in layer] for layer in ws]
    parameters = [w for layer in ws for row in layer for w in row] + [b for layer in bs for b in layer]

    def step() -> float:
        losses = []
        for x, y in zip(inputs, targets):
            h = tuple(value(v) for v in x)
            for k, (layer, offsets) in enumerate(zip(ws, bs)):
                if dot is None:
                    out = [sum((w * v for w, v in zip(row, h)), b) for row, b in zip(layer, offsets)]
                else:
                    out = [dot(row, h, b) for row, b in zip(layer, offsets)]
                h = tuple([n.relu() for n in out] if k < len(ws) - 1 else out)
            losses.append((1 + -y * h[0]).relu())
        loss = sum(losses) * (1.0 / len(losses)) + L2 * sum(p * p for p in parameters)
        for p in parameters:
            p.grad = 0
        loss.backward()
        for p in parameters:
            p.data -= RATE * p.grad
        return float(loss.data)

    return step


def float_demo_step() -> Callable[[], float]:
    """The sums of W1's forward pass on plain floats, without any graph."""
    inputs, targets, weights, biases = demo_numbers()

    def step() -> float:
        total = 0.0
        for x, y in zip(inputs, targets):
            h = x
            for k, (layer, offsets) in enumerate(zip(weights, biases)):
                h = [sum((w * v for w, v in zip(row, h)), b) for row, b in zip(layer, offsets)]
                if k < len(weights) - 1:
                    h = [n if n > 0.0 else 0.0 for n in h]
            total += max(0.0, 1 - y * h[0])
        return total / len(inputs) + L2 * sum(w * w for layer in weights for row in layer for w in row)

    return step


def neuron(value: Any, tanh: Callable[[Any], Any]) -> Callable[[], None]:
    """W2 on Values of class `value`."""
    x1, w1, x2, w2, b = value(2.0), value(-3.0), value(0.0), value(1.0), value(6.8813735870195432)

    def run() -> None:
        tanh(x1 * w1 + x2 * w2 + b).backward()

    return run


def micrograd_tanh(v: Any) -> Any:
    """The tanh of the lecture, which the micrograd package leaves out."""
    t = math.tanh(v.data)
    out = type(v)(t, (v,), "tanh")

    def _backward() -> None:
        v.grad += (1 - t**2) * out.grad

    out._backward = _backward
    return out


def side_by_side(script: str, contestants: Iterable[str], rounds: int, calls: int = 1) -> dict[str, list[float]]:
    """Seconds per call, in turn A B C A B C …, each contestant in a process of its own.

    So each has its own heap and the garbage collector just as its users have it; nobody inherits the garbage of
    another. `script` run with `--worker NAME` must call `work(...)`. With `--beside PYTHON`, the interpreter of an
    environment that has another glassgrad, that one takes part in the same run.
    """
    pythons = {"": sys.executable}
    if sys.argv[1:2] == ["--beside"]:
        pythons[" (beside)"] = sys.argv[2]
    workers = {
        name + suffix: subprocess.Popen(
            [python, script, "--worker", name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for name in contestants
        for suffix, python in pythons.items()
        if not suffix or name.startswith("glassgrad")
    }
    times: dict[str, list[float]] = {name: [] for name in workers}
    for turn in range(rounds + 1):
        for name, worker in workers.items():
            assert worker.stdin and worker.stdout
            print(calls, file=worker.stdin, flush=True)
            seconds = float(worker.stdout.readline())
            if turn:  # the first round warms up
                times[name].append(seconds / calls)
    for worker in workers.values():
        worker.communicate()
    return times


def work(run: Callable[[], Any]) -> None:
    """The other end of `side_by_side`: for each line, a number of calls, answer with the seconds they took."""
    for line in sys.stdin:
        start = time.perf_counter()
        for _ in range(int(line)):
            run()
        print(time.perf_counter() - start, flush=True)


def table(title: str, times: dict[str, list[float]], base: str) -> str:
    """Median, minimum, and the median of the round-by-round ratios base/contestant."""
    lines = [title, f"{'':40}{'median':>12}{'minimum':>12}   {base} takes × as long"]
    for name, found in times.items():
        ratio = statistics.median(a / b for a, b in zip(times[base], found))
        lines.append(f"{name:40}{_human(statistics.median(found)):>12}{_human(min(found)):>12}   {ratio:.4g}")
    return "\n".join(lines)


def _human(seconds: float) -> str:
    return f"{seconds * 1e3:.2f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.2f} µs"
