"""The eager engine against micrograd (from PyPI) and plain floats: speed, memory, import time.

pip install "glassgrad[bench]"
python tests/benchmarks/engine_vs_micrograd.py
python tests/benchmarks/engine_vs_micrograd.py --beside OTHER/bin/python   # its glassgrad in the same run
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
import tracemalloc
from typing import Any

from micrograd.engine import Value as MicrogradValue
from workloads import demo_step, float_demo_step, micrograd_tanh, neuron, side_by_side, table, work

import glassgrad as gg


def bytes_per_node(steps: int = 500_000) -> tuple[float, float]:
    """Bytes per operation (tracemalloc) of a chain x*a + b: after forward, and the peak of backward."""
    tracemalloc.start()
    y = gg.Value(1.0)
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(steps):
        y = y * 1.0000001 + 1e-7
    after = tracemalloc.get_traced_memory()[0]
    y.backward()
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return (after - before) / (2 * steps), (kept - before) / (2 * steps)


def import_milliseconds(rounds: int = 15) -> float:
    """How much longer `import glassgrad` takes than the bare interpreter, median of pairs."""

    def run(code: str) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        return time.perf_counter() - start

    return 1e3 * statistics.median(run("import glassgrad") - run("pass") for _ in range(rounds))


def _dot() -> Any:
    """The op as one node, as quick as it gets in this glassgrad."""
    older = getattr(gg.engine, "eager", None)
    return gg.dot if older is None else older.kernel("dot", "VVV")


W1 = {
    "micrograd": lambda: demo_step(MicrogradValue),
    "glassgrad, * and + nodes": lambda: demo_step(gg.Value),
    "glassgrad, one dot a neuron": lambda: demo_step(gg.Value, _dot()),
    "plain floats, forward only": float_demo_step,
}
W2 = {
    "micrograd ": lambda: neuron(MicrogradValue, micrograd_tanh),
    "glassgrad": lambda: neuron(gg.Value, lambda v: v.tanh()),
}


def main() -> None:
    """Print the tables."""
    print(f"Python {sys.version.split()[0]}")
    print(table("W1: one step of micrograd's demo", side_by_side(__file__, W1, rounds=15), "micrograd"))
    print()
    times = side_by_side(__file__, W2, rounds=15, calls=5000)
    print(table("W2: one neuron, forward and backward", times, "micrograd "))
    print()
    forward, kept = bytes_per_node()
    print(f"bytes per node of a long chain (tracemalloc): {forward:.0f} after forward, {kept:.0f} after backward")
    print(f"import glassgrad: {import_milliseconds():.0f} ms beyond the bare interpreter")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        work({**W1, **W2}[sys.argv[2]]())
    else:
        main()
