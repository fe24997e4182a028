"""How long drawing takes, and how many crossings are left, beside dot: `python tests/benchmarks/drawing.py`."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from statistics import median
from time import perf_counter

from glassgrad import Graph
from glassgrad.viz.model.diagram import Diagram
from glassgrad.viz.place.layout import layout
from glassgrad.viz.render.svg import render_svg

_spec = importlib.util.spec_from_file_location("viz_conftest", Path(__file__).parents[1] / "viz" / "conftest.py")
assert _spec is not None
assert _spec.loader is not None
shared = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(shared)

GRAPHS = {
    "tanh neuron": (lambda: shared._neuron(), 5),
    "2-3-1 MLP with loss": (lambda: shared._mlp([2, 3, 1]), 5),
    "2-16-16-1 MLP with loss": (lambda: shared._mlp([2, 16, 16, 1]), 5),
    "2-55-55-1 MLP with loss": (lambda: shared._mlp([2, 55, 55, 1]), 1),
}


def timed(graph: Graph, engine: str, times: int) -> tuple[float, Diagram]:
    seconds = []
    for _ in range(times):
        start = perf_counter()
        drawing = layout(graph, fold=False, engine=engine)
        seconds.append(perf_counter() - start)
    return median(seconds), drawing


def main() -> None:
    print(f"{'graph':<26}{'boxes':>7}{'engine':>9}{'seconds':>10}{'crossings':>11}{'SVG kB':>8}")
    for name, (make, times) in GRAPHS.items():
        graph = Graph(make())
        for engine in ("builtin", *(["dot"] if shutil.which("dot") and len(graph) < 5000 else [])):
            seconds, drawing = timed(graph, engine, times)
            found = f"{shared.count_crossings(drawing):,}" if len(graph) < 5000 else "-"
            size = len(render_svg(drawing)) / 1000
            row = f"{name:<26}{len(graph):>7,}{engine:>9}{seconds:>10.3f}{found:>11}{size:>8.0f}"
            print(row)


if __name__ == "__main__":
    main()
