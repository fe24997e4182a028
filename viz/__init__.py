"""viz: drawings of a graph, and the views that walk through it."""

from __future__ import annotations

if __name__ != "glassgrad.viz":
    raise ImportError("the folder viz/ is installed as glassgrad.viz: write 'from glassgrad import viz'")

from typing import TYPE_CHECKING

from ..engine.lazy import lazy_attributes

if TYPE_CHECKING:
    from .model.drawing import Drawing
    from .paths import explain
    from .picture import draw
    from .plot import plot_decision_boundary, plot_fit, plot_history
    from .render.dot import draw_dot, trace
    from .walk.stepper import Stepper, step

# Loaded when first used, so that `import glassgrad.viz` stays light.
_LAZY = {
    "draw": "picture",
    "draw_dot": "render.dot",
    "trace": "render.dot",
    "explain": "paths",
    "Drawing": "model.drawing",
    "plot_decision_boundary": "plot",
    "plot_fit": "plot",
    "plot_history": "plot",
    "step": "walk.stepper",
    "Stepper": "walk.stepper",
}

__all__ = [
    "Drawing",
    "Stepper",
    "draw",
    "draw_dot",
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
