"""What training reaches: micrograd's demo, and held-out accuracy on real data from the command line, seeds 1 to 5.

python tests/benchmarks/train_accuracy.py
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import time

from glassgrad import nn
from glassgrad.nn import schedules

SEEDS = range(1, 6)
COMMANDS = {"moons": [], "iris": [], "digits": ["--epochs", "40"]}


def demo(seed: int, compiled: bool) -> tuple[float, float, float, str]:
    """micrograd's demo: final loss, accuracy, milliseconds for one step, engine."""
    X, y = nn.moons(100, noise=0.1, seed=seed)
    model = nn.MLP(2, [16, 16, 1], seed=seed)
    rate = schedules.linear(1.0, 0.1, steps=100)
    start = time.perf_counter()
    history = nn.fit(
        model, X, y, loss="hinge", optimizer=nn.SGD(learning_rate=rate), epochs=100, l2=1e-4, compiled=compiled
    )
    seconds = time.perf_counter() - start
    return float(history.loss[-1]), nn.accuracy(model, X, y), 1000 * seconds / 100, history.engine


def from_the_command_line(data: str, seed: int) -> tuple[float, float]:
    """Held-out accuracy in percent, and seconds for the whole command."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "glassgrad", "train", data, *COMMANDS[data], "--seed", str(seed)]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"test accuracy\W+([\d.]+)%", shown)
    assert found, shown
    return float(found[1]), time.perf_counter() - start


def main() -> None:
    print("micrograd's demo (moons, 100 points, 2-16-16-1, hinge + L2, rate 1.0 - 0.9k/100, 100 steps)")
    print(f"{'seed':>4} {'engine':>9} {'final loss':>11} {'accuracy':>9} {'ms/step':>8}")
    for seed in SEEDS:
        for compiled in (False, True):
            loss, accuracy, ms, engine = demo(seed, compiled)
            print(f"{seed:>4} {engine:>9} {loss:>11.6f} {accuracy:>9.1%} {ms:>8.3f}")
    print("\nheld-out accuracy, 20 % of the data, from the command line")
    print(f"{'data':>7} {'median':>8}   {'seeds 1 … 5':<34} seconds")
    for data, words in COMMANDS.items():
        runs = [from_the_command_line(data, seed) for seed in SEEDS]
        accuracies = [accuracy for accuracy, _ in runs]
        each = " ".join(f"{accuracy:.1f}" for accuracy in accuracies)
        seconds = statistics.median(taken for _, taken in runs)
        print(f"{data:>7} {statistics.median(accuracies):>7.1f}%   {each:<34} {seconds:.1f}   {' '.join(words)}")


if __name__ == "__main__":
    main()
