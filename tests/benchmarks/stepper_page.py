"""How large the stepper's page is and how long a step (and a jump from end to start) takes, at 100 to 2,700 nodes.

Run: python tests/benchmarks/stepper_page.py   (needs playwright and Chromium)
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

import glassgrad as gg

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
STEP = """(keys) => keys.map(key => { const start = performance.now();
    document.body.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
    document.getElementById("canvas").getBoundingClientRect(); document.body.offsetHeight;
    return performance.now() - start; })"""


def network(x, w1, w2, w3):
    """A plain multi-layer perceptron, one node an operation."""
    h = [gg.tanh(sum(w * v for w, v in zip(row, x))) for row in w1]
    h = [gg.tanh(sum(w * v for w, v in zip(row, h))) for row in w2]
    return sum(w * v for w, v in zip(w3, h))


def numbers(count: int, start: int) -> list[float]:
    return [((i * 37 + start * 11) % 200) / 100 - 1 for i in range(count)]


def main() -> None:
    print(
        f"{'nodes':>6} {'steps':>6} {'file kB':>8} {'made in s':>10} "
        f"{'step ms':>8} {'worst':>7} {'end to start ms':>16}"
    )
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=FLAGS
        )
        for n, m in ((5, 4), (8, 16), (14, 20), (20, 40)):
            start = time.perf_counter()
            weights = [numbers(3, i) for i in range(n)], [numbers(n, i) for i in range(m)], numbers(m, 5)
            stepper = gg.viz.step(network, x=numbers(3, 1), w1=weights[0], w2=weights[1], w3=weights[2])
            path = stepper.save(Path(folder) / "page.html")
            made = time.perf_counter() - start
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(path.as_uri())
            count = len(stepper.steps)
            steps = page.evaluate(STEP, ["ArrowRight"] * min(count - 1, 400))
            jumps = page.evaluate(STEP, ["End", "Home"] * 5)
            print(
                f"{len(stepper.graph):>6} {count:>6} {path.stat().st_size / 1000:>8.0f} {made:>10.2f} "
                f"{statistics.median(steps):>8.1f} {max(steps):>7.1f} {statistics.median(jumps):>8.1f}"
            )
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
