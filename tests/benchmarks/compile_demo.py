"""W1 and W2: the compiled scalar code beside micrograd, NumPy by hand and (where installed) torch and jax.

W1 is one training step of micrograd's demo: 2-16-16-1 MLP, 100 samples, relu, hinge loss + L2, with the update.
W2 is one neuron, tanh(x1*w1 + x2*w2 + b), value and gradient.

Run: python tests/benchmarks/compile_demo.py
"""

from __future__ import annotations

import gc
import importlib.util
import random
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import glassgrad as gg
from glassgrad import Value

RATE, ALPHA, SAMPLES, SIZES = 0.05, 1e-4, 100, (2, 16, 16, 1)
Step = Callable[[], float]


def data() -> tuple[np.ndarray, np.ndarray, list[float]]:
    rng = np.random.default_rng(1)
    weights = random.Random(1)
    count = sum(m * (n + 1) for n, m in zip(SIZES, SIZES[1:]))
    return (
        rng.normal(size=(SAMPLES, 2)),
        np.sign(rng.normal(size=SAMPLES)),
        [weights.uniform(-1, 1) for _ in range(count)],
    )


def scalar_net(
    make: Callable[[float], Any], numbers: list[float]
) -> tuple[list[list[tuple[list[Any], Any]]], list[Any]]:
    given = iter(numbers)
    net = [
        [([make(next(given)) for _ in range(n)], make(next(given))) for _ in range(m)] for n, m in zip(SIZES, SIZES[1:])
    ]
    return net, [p for layer in net for w, b in layer for p in (*w, b)]


def score(net: list[list[tuple[list[Any], Any]]], x: list[Any]) -> Any:
    for k, layer in enumerate(net):
        x = [sum((wi * xi for wi, xi in zip(w, x)), b) for w, b in layer]
        x = [v.relu() for v in x] if k < len(net) - 1 else x
    return x[0]


def total_loss(net: Any, params: list[Any], x: np.ndarray, y: np.ndarray, make: Callable[[float], Any]) -> Any:
    """The loss of all samples, as micrograd's demo writes it."""
    scores = [score(net, [make(v) for v in row]) for row in x.tolist()]
    losses = [(1 + -t * s).relu() for t, s in zip(y.tolist(), scores)]
    return sum(losses) * (1.0 / len(losses)) + ALPHA * sum(p * p for p in params)


def traced(backend: str) -> tuple[Step, gg.Program, float]:
    x, y, numbers = data()
    net, params = scalar_net(Value, numbers)
    start = time.perf_counter()
    program = gg.compile(
        lambda x, y: (1 - y * score(net, x)).relu() + ALPHA * gg.sum([p * p for p in params]),
        example=(x[0], y[0]),
        params=params,
        backend=backend,  # type: ignore[arg-type]  # one of the names
    )
    took = time.perf_counter() - start

    def step() -> float:
        value, gradient = program.value_and_grad(x, y)
        gradient *= RATE
        program.params -= gradient
        return value

    return step, program, took


def recorded() -> tuple[Step, gg.Program, float]:
    x, y, numbers = data()
    net, params = scalar_net(Value, numbers)
    start = time.perf_counter()
    program = gg.compile(total_loss(net, params, x, y, Value), params=params)
    took = time.perf_counter() - start

    def step() -> float:
        value, gradient = program.value_and_grad()
        gradient *= RATE
        program.params -= gradient
        return value

    return step, program, took


def numpy_by_hand() -> Step:
    """What a good engineer would write, tricks apart."""
    x, y, numbers = data()
    blocks, at = [], 0
    for n, m in zip(SIZES, SIZES[1:]):
        block = np.array(numbers[at : at + m * (n + 1)]).reshape(m, n + 1)
        blocks.append((block[:, :-1].copy(), block[:, -1].copy()))
        at += m * (n + 1)
    (w1, b1), (w2, b2), (w3, b3) = blocks

    def step() -> float:
        nonlocal w1, b1, w2, b2, w3, b3
        z1 = x @ w1.T + b1
        h1 = np.maximum(z1, 0)
        z2 = h1 @ w2.T + b2
        h2 = np.maximum(z2, 0)
        s = (h2 @ w3.T + b3)[:, 0]
        margin = 1 - y * s
        loss = np.maximum(margin, 0).mean() + ALPHA * sum((p * p).sum() for p in (w1, b1, w2, b2, w3, b3))
        ds = ((margin > 0) * -y / len(y))[:, None]
        dw3, db3 = ds.T @ h2 + 2 * ALPHA * w3, ds.sum(axis=0) + 2 * ALPHA * b3
        dz2 = (ds @ w3) * (z2 > 0)
        dw2, db2 = dz2.T @ h1 + 2 * ALPHA * w2, dz2.sum(axis=0) + 2 * ALPHA * b2
        dz1 = (dz2 @ w2) * (z1 > 0)
        dw1, db1 = dz1.T @ x + 2 * ALPHA * w1, dz1.sum(axis=0) + 2 * ALPHA * b1
        w1 -= RATE * dw1
        b1 -= RATE * db1
        w2 -= RATE * dw2
        b2 -= RATE * db2
        w3 -= RATE * dw3
        b3 -= RATE * db3
        return float(loss)

    return step


def micrograd_step() -> Step:
    from micrograd.engine import Value as Micro

    x, y, numbers = data()
    net, params = scalar_net(Micro, numbers)

    def step() -> float:
        loss = total_loss(net, params, x, y, Micro)
        for p in params:
            p.grad = 0
        loss.backward()
        for p in params:
            p.data -= RATE * p.grad
        return float(loss.data)

    return step


def torch_step() -> Step:
    import torch

    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)  # at this size a second thread only costs time
    x, y, numbers = data()
    tx, ty = torch.tensor(x), torch.tensor(y)
    params, at = [], 0
    for n, m in zip(SIZES, SIZES[1:]):
        block = torch.tensor(numbers[at : at + m * (n + 1)]).reshape(m, n + 1)
        params += [block[:, :-1].clone().requires_grad_(), block[:, -1].clone().requires_grad_()]
        at += m * (n + 1)

    def step() -> float:
        w1, b1, w2, b2, w3, b3 = params
        s = torch.relu(torch.relu(tx @ w1.T + b1) @ w2.T + b2) @ w3.T + b3
        loss = torch.relu(1 - ty * s[:, 0]).mean() + ALPHA * sum((p * p).sum() for p in params)
        grads = torch.autograd.grad(loss, params)
        with torch.no_grad():
            for p, g in zip(params, grads):
                p -= RATE * g
        return float(loss.detach())

    return step


def jax_step() -> Step:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    x, y, numbers = data()
    blocks, at = [], 0
    for n, m in zip(SIZES, SIZES[1:]):
        block = jnp.array(numbers[at : at + m * (n + 1)]).reshape(m, n + 1)
        blocks.append((block[:, :-1], block[:, -1]))
        at += m * (n + 1)

    def loss(params: Any) -> Any:
        h = x
        for k, (w, b) in enumerate(params):
            h = h @ w.T + b
            h = jnp.maximum(h, 0) if k < 2 else h
        penalty = sum((w * w).sum() + (b * b).sum() for w, b in params)
        return jnp.maximum(1 - y * h[:, 0], 0).mean() + ALPHA * penalty

    @jax.jit
    def update(params: Any) -> Any:
        value, grads = jax.value_and_grad(loss)(params)
        return value, jax.tree.map(lambda p, g: p - RATE * g, params, grads)

    state = blocks

    def step() -> float:
        nonlocal state
        value, state = update(state)
        return float(value)

    return step


def interleaved(steps: dict[str, Step], rounds: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            step()  # each starts with its own data in the cache, as in a training loop
            start = time.perf_counter()
            for _ in range(10):
                step()
            found[name].append((time.perf_counter() - start) / 10)
    return found


def training_step() -> None:
    steps: dict[str, Step] = {"NumPy by hand": numpy_by_hand()}
    steps["glassgrad, traced"], program, trace_time = traced("auto")
    steps["glassgrad, recorded graph"], whole, graph_time = recorded()
    if importlib.util.find_spec("numba"):
        steps["glassgrad, numba"], _, _ = traced("numba")
    for name, make in (("torch", torch_step), ("jax", jax_step)):
        if importlib.util.find_spec(name):
            steps[f"{name}, vectorised"] = make()
    losses = {name: [step() for _ in range(20)] for name, step in steps.items()}
    for name, found in losses.items():
        assert np.allclose(found, losses["NumPy by hand"], rtol=1e-9), name
    slow = micrograd_step()
    assert np.allclose([slow() for _ in range(3)], losses["NumPy by hand"][:3], rtol=1e-9)
    gc.collect()
    start = time.perf_counter()
    slow()
    micro = time.perf_counter() - start
    times = interleaved(steps, 100)
    hand = times["NumPy by hand"]
    print(
        f"W1: {whole.nodes:,} scalar nodes, {program.steps} forward steps traced, "
        f"{whole.steps} recorded (asked: at most 14)"
    )
    print(
        f"tracing one example and compiling {trace_time:.3f} s (asked 0.15); "
        f"recording and compiling all {graph_time:.3f} s (asked 0.6)\n"
    )
    print(f"{'training step':<28}{'µs':>9}{'of NumPy by hand':>18}{'micrograd /':>13}")
    for name, found in times.items():
        ratio = statistics.median(a / b for a, b in zip(found, hand))
        print(
            f"{name:<28}{1e6 * statistics.median(found):>9.1f}{ratio:>18.2f}{micro / statistics.median(found):>13,.0f}"
        )
    print(f"{'micrograd':<28}{1e6 * micro:>9.0f}")
    print(
        "asked: traced at most 0.90 of NumPy by hand and 1/5000 of micrograd, under torch and jax; numba at most 0.35\n"
    )


def neuron() -> None:
    x1, x2, w1, w2, b = (Value(v) for v in (2.0, 0.0, -3.0, 1.0, 6.88))
    program = gg.compile((x1 * w1 + x2 * w2 + b).tanh())
    runs = []
    for _ in range(100):
        start = time.perf_counter()
        for _ in range(1000):
            program.value_and_grad()
        runs.append((time.perf_counter() - start) / 1000)
    print(f"W2: value and gradient of a neuron {1e6 * statistics.median(runs):.2f} µs (asked: under 1.5)")


if __name__ == "__main__":
    training_step()
    neuron()
