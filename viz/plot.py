"""Plots of a training, with matplotlib: the loss curve, the decision boundary, the fitted curve.

They take arrays and functions, so they know nothing of networks.
"""

from __future__ import annotations

import io
import os
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..engine.writing import replacing
from .model.theme import SERIES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

MARKERS = "osD^vPX*"
GRID = 200


class Curves(Protocol):
    """What `plot_history` reads: an array for each quantity, one number an epoch; NaN where there is none."""

    @property
    def loss(self) -> NDArray[np.float64]:
        """Loss on the training data."""

    @property
    def validation_loss(self) -> NDArray[np.float64]:
        """Loss on the validation data."""

    @property
    def accuracy(self) -> NDArray[np.float64]:
        """Share of training examples classified rightly."""

    @property
    def validation_accuracy(self) -> NDArray[np.float64]:
        """Share of validation examples classified rightly."""


def new_figure(columns: int = 1) -> Any:
    """An empty figure for `columns` plots side by side.

    Raises:
        ImportError: without matplotlib.
    """
    return _figure_class()(figsize=(4.8 * columns, 4.0), dpi=100, layout="constrained")


@cache
def _figure_class() -> type[Any]:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError('plots need matplotlib: pip install "glassgrad[plot]"') from None

    class Plot(Figure):
        """A figure that a notebook shows without `%matplotlib`, and whose file is whole or as it was."""

        def savefig(self, fname: Any, **how: Any) -> None:
            """As `Figure.savefig`; a file of that name is replaced in one go, or not at all."""
            if not isinstance(fname, (str, os.PathLike)):
                super().savefig(fname, **how)
                return
            name, ending = os.fspath(fname), os.path.splitext(os.fspath(fname))[1][1:]  # noqa: PTH122  # what matplotlib does
            if not (how.get("format") or ending):
                ending = self.canvas.get_default_filetype()
                name = f"{name.rstrip('.')}.{ending}"
            with replacing(name) as part:
                super().savefig(part, **{"format": ending.lower(), **how})

        def _repr_png_(self) -> bytes:
            picture = io.BytesIO()
            self.savefig(picture, format="png")
            return picture.getvalue()

    return Plot


def _plain(text: str) -> str:
    """A name as it is: between two dollar signs matplotlib would read a formula."""
    return text.replace("$", r"\$")


def plot_history(history: Curves, axes: Any = None) -> Any:
    """Draw loss (and accuracy, if there is one) over the epochs.

    Args:
        history: what `glassgrad.nn.fit` returns, or anything with such arrays.
        axes: matplotlib axes to draw on; a new figure unless given.

    Returns:
        The matplotlib figure; `.savefig("loss.png")` writes it.

    >>> from glassgrad import nn, viz
    >>> data = nn.moons(40)
    >>> history = nn.fit(nn.MLP(2, [4, 1]), *data, loss="hinge", epochs=3)
    >>> plot_history(history).axes[0].get_xlabel()
    'epoch'
    """
    axes = axes if axes is not None else new_figure().add_subplot()
    epochs = np.arange(1, len(history.loss) + 1)
    _line(axes, epochs, history.loss, SERIES[0], "-", "loss")
    _line(axes, epochs, history.validation_loss, SERIES[0], ":", "validation loss")
    axes.set(xlabel="epoch", ylabel="loss")
    positive = history.loss[history.loss > 0]
    if 0 < len(positive) == len(history.loss) and positive.max() > 30 * positive.min():
        axes.set_yscale("log")
    if np.isfinite(history.accuracy).any():
        other = axes.twinx()
        _line(other, epochs, history.accuracy, SERIES[1], "--", "accuracy")
        _line(other, epochs, history.validation_accuracy, SERIES[1], "-.", "validation accuracy")
        other.set(ylabel="accuracy", ylim=(0, 1.03))
        lines = [*axes.get_lines(), *other.get_lines()]
        other.legend(lines, [line.get_label() for line in lines], loc="center right", frameon=False)
    else:
        axes.legend(frameon=False)
    return axes.figure


def _line(
    axes: Any, epochs: NDArray[np.int_], numbers: NDArray[np.float64], colour: str, style: str, label: str
) -> None:
    if np.isfinite(numbers).any():
        axes.plot(epochs, numbers, style, color=colour, label=label, marker="." if len(epochs) == 1 else None)


def plot_decision_boundary(
    predict: Callable[[NDArray[np.float64]], ArrayLike],
    inputs: ArrayLike,
    targets: ArrayLike,
    *,
    classes: Sequence[str] = (),
    features: Sequence[str] = ("x1", "x2"),
    title: str = "",
    axes: Any = None,
) -> Any:
    """Colour the plane by predicted class, with a line where the prediction changes and the examples on top.

    Args:
        predict: from points, shape (m, 2), to class numbers, shape (m,), or probabilities, shape (m, classes).
        inputs: the examples, shape (n, 2).
        targets: their class numbers, shape (n,).
        classes: names for the legend.
        features: names of the two axes.
        title: above the plot.
        axes: matplotlib axes to draw on; a new figure unless given.

    Returns:
        The matplotlib figure.

    Raises:
        ValueError: if the examples do not have two features.
        TypeError: if `predict` is a network.

    >>> figure = plot_decision_boundary(lambda points: points[:, 0] > 0, [[-1, 0], [1, 0]], [0, 1])
    >>> len(figure.axes)
    1
    """
    if hasattr(predict, "parameters"):
        raise TypeError(
            "plot_decision_boundary takes a function of many points, not a network: lambda points: "
            f"nn.predict(model, points); got {type(predict).__name__}"
        )
    points, numbers = np.asarray(inputs, dtype=float), np.asarray(targets).astype(int)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise ValueError(f"a decision boundary is drawn over two features, got inputs of shape {points.shape}")
    axes = axes if axes is not None else new_figure().add_subplot()
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.15 * np.where(high > low, high - low, 1.0)
    (left, bottom), (right, top) = low - margin, high + margin
    x, y = np.meshgrid(np.linspace(left, right, GRID), np.linspace(bottom, top, GRID))
    found = np.asarray(predict(np.stack([x.ravel(), y.ravel()], axis=1)))
    count = max(int(numbers.max()) + 1, len(classes), found.shape[1] if found.ndim == 2 else int(found.max()) + 1)
    shares = found if found.ndim == 2 else np.eye(count)[found.astype(int)]
    from matplotlib.colors import to_rgb

    palette = np.array([to_rgb(SERIES[k % len(SERIES)]) for k in range(count)])
    shades = (1 - 0.35 * (1 - shares @ palette[: shares.shape[1]])).reshape(GRID, GRID, 3).clip(0, 1)
    axes.imshow(shades, extent=(left, right, bottom, top), origin="lower", aspect="auto", interpolation="bilinear")
    for k in range(shares.shape[1] if shares.shape[1] > 2 else 1):
        lead = shares[:, k] - np.delete(shares, k, axis=1).max(axis=1)
        if lead.min() < 0 < lead.max():
            axes.contour(x, y, lead.reshape(GRID, GRID), levels=[0.0], colors="black", linewidths=1.2)
    for k in range(count):
        chosen = points[numbers == k]
        axes.scatter(
            chosen[:, 0],
            chosen[:, 1],
            s=28,
            color=SERIES[k % len(SERIES)],
            marker=MARKERS[k % len(MARKERS)],
            edgecolors="white",
            linewidths=0.7,
            label=_plain(classes[k]) if k < len(classes) else str(k),
        )
    axes.set(xlim=(left, right), ylim=(bottom, top), xlabel=_plain(features[0]), ylabel=_plain(features[1]))
    axes.set(title=_plain(title))
    axes.legend(title="class", loc="best", framealpha=0.85)
    return axes.figure


def plot_fit(
    predict: Callable[[NDArray[np.float64]], ArrayLike],
    inputs: ArrayLike,
    targets: ArrayLike,
    *,
    features: Sequence[str] = ("x",),
    target: str = "y",
    title: str = "",
    axes: Any = None,
) -> Any:
    """Draw the curve that a regression of one feature has learnt through its examples.

    Args:
        predict: from inputs, shape (m, 1), to numbers, shape (m,).
        inputs: the examples, shape (n, 1).
        targets: their numbers, shape (n,).
        features: the name of the feature.
        target: the name of the number.
        title: above the plot.
        axes: matplotlib axes to draw on; a new figure unless given.

    Returns:
        The matplotlib figure.

    >>> plot_fit(lambda x: 2 * x[:, 0], [[0.0], [1.0]], [0.1, 1.9]).axes[0].get_ylabel()
    'y'
    """
    points = np.asarray(inputs, dtype=float)
    if points.ndim != 2 or points.shape[1] != 1 or not len(points):
        raise ValueError(f"a fitted curve is drawn over one feature, got inputs of shape {points.shape}")
    axes = axes if axes is not None else new_figure().add_subplot()
    grid = np.linspace(points.min(), points.max(), 400)
    axes.scatter(points[:, 0], np.asarray(targets), s=16, color=SERIES[0], label="examples")
    axes.plot(grid, np.asarray(predict(grid[:, None])), color=SERIES[1], linewidth=2, label="network")
    axes.set(xlabel=_plain(features[0]), ylabel=_plain(target), title=_plain(title))
    axes.legend(frameon=False)
    return axes.figure
