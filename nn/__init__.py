"""Networks on top of the engine: modules, losses, optimisers, data, training, files.

>>> from glassgrad import nn
>>> data = nn.moons(100, seed=1)
>>> model = nn.MLP(2, [16, 16, 1], seed=1)
>>> history = nn.fit(model, *data, loss="binary_cross_entropy", learning_rate=0.1, epochs=60)
>>> nn.accuracy(model, *data)
1.0
"""

from __future__ import annotations

if __name__ != "glassgrad.nn":
    raise ImportError("the folder nn/ is installed as glassgrad.nn: write 'from glassgrad import nn'")

from typing import TYPE_CHECKING

from ..engine.lazy import lazy_attributes

if TYPE_CHECKING:
    # fmt: off
    # isort: off
    from ..nn import schedules
    from .data import (
        Dataset, Standardisation, batches, blobs, circles, digits, iris, moons, one_hot, read_csv, sine, spiral, split,
        xor,
    )
    from .files import NetworkFileError, load, load_with_notes, save
    from .history import Epoch, History
    from .layers import MLP, Layer, Neuron, Perceptron
    from .losses import (
        LOSSES, binary_cross_entropy, cross_entropy, half_squared_error, hinge, l1_penalty, l2_penalty,
        mean_absolute_error, mean_squared_error,
    )
    from .module import Module
    from .optimizers import OPTIMIZERS, SGD, Adam, AdamW, Optimizer, RMSProp, clip_gradient
    from .prediction import accuracy, dead_relus, outputs, predict, predict_proba
    from .sklearn import NetworkClassifier, NetworkRegressor
    from .training import TrainingError, fit
    # isort: on
    # fmt: on

# Loaded when first used: modules and losses need no NumPy, and scikit-learn is an extra.
_FROM = {
    "data": "Dataset Standardisation batches blobs circles digits iris moons one_hot read_csv sine spiral split xor",
    "files": "NetworkFileError load load_with_notes save",
    "training": "TrainingError fit",
    "history": "Epoch History",
    "layers": "MLP Layer Neuron Perceptron",
    "losses": "LOSSES binary_cross_entropy cross_entropy half_squared_error hinge l1_penalty l2_penalty "
    "mean_absolute_error mean_squared_error",
    "module": "Module",
    "optimizers": "OPTIMIZERS SGD Adam AdamW Optimizer RMSProp clip_gradient",
    "prediction": "accuracy dead_relus outputs predict predict_proba",
    "sklearn": "NetworkClassifier NetworkRegressor",
}
_LAZY = {name: module for module, names in _FROM.items() for name in names.split()}

# fmt: off
__all__ = [
    "LOSSES", "MLP", "OPTIMIZERS", "SGD", "Adam", "AdamW", "Dataset", "Epoch", "History", "Layer", "Module",
    "NetworkClassifier", "NetworkFileError", "NetworkRegressor", "Neuron", "Optimizer", "Perceptron", "RMSProp",
    "Standardisation", "TrainingError", "accuracy", "batches", "binary_cross_entropy", "blobs", "circles",
    "clip_gradient", "cross_entropy", "dead_relus", "digits", "fit", "half_squared_error", "hinge", "iris",
    "l1_penalty", "l2_penalty", "load", "load_with_notes", "mean_absolute_error", "mean_squared_error", "moons",
    "one_hot", "outputs", "predict", "predict_proba", "read_csv", "save", "schedules", "sine", "spiral", "split",
    "xor",
]
# fmt: on


__getattr__ = lazy_attributes(__name__, _LAZY, (*_FROM, "schedules"))


def __dir__() -> list[str]:
    return sorted(__all__)
