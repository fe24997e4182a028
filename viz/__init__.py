"""viz: drawings of a graph, and the views that walk through it."""

from __future__ import annotations

if __name__ != "glassgrad.viz":
    raise ImportError("the folder viz/ is installed as glassgrad.viz: write 'from glassgrad import viz'")

from typing import TYPE_CHECKING

from ..engine.lazy import lazy_attributes

if TYPE_CHECKING:
    from .drawing import Drawing
    from .micrograd import draw_dot, trace
    from .paths import draw_paths, explain
    from .picture import draw
    from .plot import plot_decision_boundary, plot_fit, plot_history
    from .walk.side_by_side import SideBySide, compare
    from .walk.stepper import Stepper, step

# Loaded when first used, so that `import glassgrad.viz` stays light.
_LAZY = {
    "draw": "picture",
    "draw_dot": "micrograd",
    "trace": "micrograd",
    "draw_paths": "paths",
    "explain": "paths",
    "Drawing": "drawing",
    "plot_decision_boundary": "plot",
    "plot_fit": "plot",
    "plot_history": "plot",
    "compare": "walk.side_by_side",
    "SideBySide": "walk.side_by_side",
    "step": "walk.stepper",
    "Stepper": "walk.stepper",
}

__all__ = [
    "Drawing",
    "SideBySide",
    "Stepper",
    "compare",
    "draw",
    "draw_dot",
    "draw_paths",
    "explain",
    "plot_decision_boundary",
    "plot_fit",
    "plot_history",
    "step",
    "trace",
]


__getattr__ = lazy_attributes(__name__, _LAZY)


def __dir__() -> list[str]:
    return sorted(__all__)
