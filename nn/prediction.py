"""From a trained network and many examples to outputs, classes and probabilities, as NumPy arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.choices import one_of
from ..engine.core.value import Value, no_grad
from ..engine.rules.arrays import array_function
from ..engine.shown import counted
from .data import Dataset, one_hot
from .layers import MLP, is_plain, op_of
from .module import PARAMETERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from ..engine.rules.op import Op
    from .losses import Coding

    Array = NDArray[np.float64]


def outputs(model: Callable[[Any], Any], inputs: ArrayLike) -> Array:
    """What the network gives for each example, recording no graph.

    Args:
        model: an `MLP` (computed with matrix products), or any function from one example to a Value or list of Values.
        inputs: shape (n, features).

    Returns:
        Shape (n, outputs).

    >>> model = MLP(2, [3, 1])
    >>> outputs(model, [[0.5, -1.0], [0.0, 2.0]]).shape
    (2, 1)
    """
    rows = table(inputs)
    if is_plain(model) and _regular(model, rows.shape[1]):
        return _matrix_products(model, rows)
    with no_grad(), PARAMETERS:
        found = [model(row) for row in rows.tolist()]
    return np.array([[v.data for v in (y if isinstance(y, list) else [y])] for y in found])


def _regular(model: MLP, nin: int) -> bool:
    """Whether the network takes `nin` inputs and all is there that matrices are made of; if not, its call says why."""
    for layer in model.layers:
        parts = [(*neuron.w, neuron.b) for neuron in layer.neurons]
        if not all(len(part) == nin + 1 and all(isinstance(v, Value) for v in part) for part in parts):
            return False
        nin = len(parts)
    return True


def _matrix_products(model: MLP, rows: Array) -> Array:
    with PARAMETERS:
        numbers = [
            (np.array([[w.data for w in n.w] for n in layer.neurons]), np.array([n.b.data for n in layer.neurons]))
            for layer in model.layers
        ]
    for layer, (weights, biases) in zip(model.layers, numbers):
        rows = rows @ weights.T + biases
        columns: dict[Op, list[int]] = {}
        for i, neuron in enumerate(layer.neurons):
            if neuron.nonlin:
                columns.setdefault(op_of(neuron), []).append(i)
        for op, some in columns.items():
            with np.errstate(over="ignore"):  # an exp that overflows to infinity is right in every activation
                rows[:, some] = array_function(op)(rows[:, some], *(one.default for one in op.inputs[1:]))
    return rows


def predict(model: Callable[[Any], Any], inputs: ArrayLike, task: str = "classification") -> NDArray[Any]:
    """The class number of each example, or for a regression the output itself.

    With one output the class is 1 where it is above 0, else 0; with several it is the greatest one's place.

    Args:
        model: as for `outputs`.
        inputs: shape (n, features).
        task: `"classification"` or `"regression"`.

    Returns:
        Shape (n,); (n, outputs) for a regression with several.
    """
    one_of(("classification", "regression"), "task", task)
    found = outputs(model, inputs)
    if task == "regression":
        return found[:, 0] if found.shape[1] == 1 else found
    return classes_of_outputs(found)


def classes_of_outputs(found: Array) -> NDArray[np.int_]:
    """`predict`, from what `outputs` gave."""
    return (found[:, 0] > 0).astype(int) if found.shape[1] == 1 else np.argmax(found, axis=1)


def predict_proba(model: Callable[[Any], Any], inputs: ArrayLike) -> Array:
    """The probability of each class, for a network trained with a cross-entropy: σ of one logit, or softmax of several.

    Returns:
        Shape (n, classes): two columns for one logit. Each row adds up to 1.
    """
    logits = outputs(model, inputs)
    if logits.shape[1] == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def accuracy(model: Callable[[Any], Any], inputs: ArrayLike, targets: ArrayLike) -> float:
    """The share of examples whose predicted class is right.

    Args:
        model, inputs: as for `outputs`.
        targets: class numbers, or ±1, or one-hot rows.
    """
    found = outputs(model, inputs)
    return share_right(found, encoded(targets, "bits", found.shape[1], len(found)))


def class_numbers(targets: ArrayLike) -> NDArray[Any]:
    """Class numbers from class numbers, ±1 or one-hot rows."""
    found = np.asarray(targets)
    if found.ndim == 2 and found.shape[1] > 1:
        return np.asarray(np.argmax(found, axis=1))
    found = found.reshape(-1)
    return (found > 0).astype(int) if np.any(found == -1) and np.all(np.abs(found) == 1) else found


def encoded(targets: ArrayLike, coding: Coding, count: int, examples: int) -> Array:
    """Targets as a loss wants them: shape (n,) for one output, (n, outputs) for several.

    Args:
        targets: numbers, class numbers, ±1 or one-hot rows.
        coding: of the loss.
        count: number of outputs.
        examples: how many targets there must be.
    """
    if np.ma.is_masked(targets):
        raise ValueError("some targets are masked: fill them, or leave these examples out")
    found = np.asarray(targets)
    if found.shape[:1] != (examples,):
        raise ValueError(f"there are {examples} examples but {len(found) if found.ndim else 'no list of'} targets")
    if not np.issubdtype(found.dtype, np.number) and found.dtype != bool:
        how = "number the classes (np.unique(targets, return_inverse=True)[1])"
        raise ValueError(f"targets must be numbers, got {found.dtype}: {how}")
    if np.iscomplexobj(found):
        raise ValueError(f"targets must be real numbers, got {found.dtype}: take their .real, or .imag as a second one")
    found = found + 0 if coding == "numbers" and found.dtype.kind in "biu" else found.astype(float)
    for t in found.ravel().tolist() if found.dtype.kind in "iu" else ():
        if float(t) != t:
            raise ValueError(f"target {t} is no float: whole numbers past ±2**53 are not all exact; scale the targets")
    if not np.isfinite(found).all():
        raise ValueError(f"target {int(np.argwhere(~np.isfinite(found))[0][0])} is not finite")
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    if coding == "classes" and count == 1:
        raise ValueError(
            "cross_entropy needs one output for each class; for two classes and one output use binary_cross_entropy"
        )
    if found.ndim == 1 and coding != "numbers":
        numbers = class_numbers(found)
        if count > 1:
            found = one_hot(numbers, count)
        else:
            found = numbers.astype(float)
            if not (np.isin(found, (0, 1)) if coding == "signs" else (found >= 0) & (found <= 1)).all():
                given = np.unique(targets)[:5].tolist()
                raise ValueError(f"with one output the classes are 0 and 1 (or -1 and 1), got {given}")
        if coding == "signs":
            found = 2 * found - 1
    wanted = (examples,) if count == 1 else (examples, count)
    if found.shape != wanted:
        raise ValueError(f"of {counted(count, 'output')} the targets must have the shape {wanted}, got {found.shape}")
    return np.asarray(found)


def share_right(found: Array, wanted: Array) -> float:
    """The share of outputs whose class is that of the target, as `encoded` gave it."""
    right = np.argmax(wanted, axis=1) if wanted.ndim == 2 else wanted > (0 if np.any(wanted < 0) else 0.5)
    return float(np.mean(classes_of_outputs(found) == right))


def dead_relus(model: Callable[[Any], Any], inputs: ArrayLike) -> bool:
    """Whether the relus next to the outputs give 0 on every example: then nothing below them has a gradient.

    Args:
        model, inputs: as for `outputs`.

    >>> dead_relus(MLP(1, [3, 1], seed=1), [[-1.0], [1.0]])
    False
    """
    found = False
    for row in table(inputs).tolist():
        y = model(row)
        below, seen = list(y) if isinstance(y, list) else [y], set()
        while below:
            node = below.pop()
            if node.op == "relu":
                found = True
                if node.data > 0:
                    return False
            elif node not in seen:
                seen.add(node)
                below += node.inputs
    return found


def table(inputs: ArrayLike, name: str = "inputs") -> Array:
    """`inputs` as a float array of two dimensions.

    Raises:
        ValueError: for another number of dimensions, or where a number is missing or not finite.
    """
    if np.ma.is_masked(inputs):
        raise ValueError(f"some {name} are masked: fill them, or leave these examples out")
    try:
        rows = np.asarray(inputs, dtype=float)
    except (TypeError, ValueError) as error:
        got = type(inputs).__name__ + ("; of a data set give dataset.inputs" if isinstance(inputs, Dataset) else "")
        raise ValueError(f"{name} must be rows of numbers, all equally long, got {got}: {error}") from None
    if rows.ndim != 2:
        hint = ": one feature is a column, inputs.reshape(-1, 1)" if rows.ndim == 1 else ""
        raise ValueError(f"{name} must have the shape (examples, features), got {rows.shape}{hint}")
    bad = np.argwhere(~np.isfinite(rows))
    if len(bad):
        row, column = bad[0]
        raise ValueError(f"{name}[{row}, {column}] is {rows[row, column]}: every number must be finite")
    return rows
