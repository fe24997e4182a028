"""Networks on top of the engine: modules, losses, optimisers, data, training, files."""

from __future__ import annotations

if __name__ != "glassgrad.nn":
    raise ImportError("the folder nn/ is installed as glassgrad.nn: write 'from glassgrad import nn'")

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .layers import MLP, Layer, Neuron, Perceptron
    from .module import Module

_LAZY = {"MLP": "layers", "Layer": "layers", "Neuron": "layers", "Perceptron": "layers", "Module": "module"}
__all__ = ["MLP", "Layer", "Module", "Neuron", "Perceptron"]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        found = getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
        globals()[name] = found
        return found
    raise AttributeError(f"module 'glassgrad.nn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
