"""Estimators for scikit-learn: networks in pipelines, grid searches and cross-validation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .data import Standardisation
from .files import from_bytes, to_bytes
from .layers import MLP
from .prediction import predict, predict_proba
from .training import fit

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin  # type: ignore[import-untyped]  # no types in it
    from sklearn.utils import check_random_state  # type: ignore[import-untyped]  # no types in it
    from sklearn.utils.multiclass import check_classification_targets  # type: ignore[import-untyped]  # no types in it
    from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data  # type: ignore[import-untyped]  # no types in it
except ImportError:
    raise ImportError('the estimators need scikit-learn 1.6 or newer: pip install "glassgrad[sklearn]"') from None

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .history import History


_OF_FIT = ("optimizer", "learning_rate", "epochs", "batch_size", "l1", "l2", "patience", "compiled")


class _Network(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """What both estimators have in common."""

    model_: MLP
    history_: History
    scaling_: Standardisation
    n_iter_: int

    def __init__(
        self,
        hidden: Sequence[int] = (16,),
        *,
        activation: str = "tanh",
        init: str = "xavier",
        optimizer: str = "adam",
        learning_rate: float = 0.05,
        epochs: int = 200,
        batch_size: int | None = None,
        l1: float = 0.0,
        l2: float = 0.0,
        patience: int | None = None,
        standardise: bool = True,
        compiled: bool = True,
        random_state: Any = 0,
    ) -> None:
        self.hidden, self.activation, self.init = hidden, activation, init
        self.optimizer, self.learning_rate, self.epochs, self.batch_size = optimizer, learning_rate, epochs, batch_size
        self.l1, self.l2, self.patience, self.standardise = l1, l2, patience, standardise
        self.compiled, self.random_state = compiled, random_state

    def _train(self, inputs: NDArray[Any], targets: NDArray[Any], loss: str, count: int) -> None:
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        columns = inputs.shape[1]
        self.scaling_ = Standardisation.of(inputs if self.standardise else np.zeros((1, columns)))
        self.model_ = MLP(columns, [*self.hidden, count], activation=self.activation, init=self.init, seed=seed)
        given = {name: getattr(self, name) for name in _OF_FIT}
        inputs = self.scaling_.apply(inputs)
        self.history_ = fit(self.model_, inputs, targets, loss=loss, seed=seed, progress=False, **given)
        self.n_iter_ = len(self.history_)

    def _scaled(self, given: Any) -> NDArray[np.float64]:
        check_is_fitted(self)
        return self.scaling_.apply(validate_data(self, given, reset=False))

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if "model_" in state:
            state["model_"] = to_bytes(state["model_"])
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "model_" in state:
            state = state | {"model_": from_bytes(state["model_"])[0]}
        super().__setstate__(state)


class NetworkClassifier(ClassifierMixin, _Network):  # type: ignore[misc]  # scikit-learn has no types
    """A multilayer perceptron for classes, trained with the cross-entropy.

    Args:
        hidden: number of neurons of each hidden layer.
        activation, init: of the network, as for `MLP`.
        optimizer, learning_rate, epochs, batch_size, l1, l2, patience, compiled: as for `fit`.
        standardise: shift and scale each column to mean 0 and deviation 1 first.
        random_state: an int, a NumPy RandomState, or None for a different result at each fit.

    Attributes:
        classes_: the class labels.
        model_: the trained `MLP`.
        history_: the `History` of its training.

    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import cross_val_score
    >>> X, y = load_iris(return_X_y=True)
    >>> bool(cross_val_score(NetworkClassifier([4], epochs=40), X, y, cv=3).mean() > 0.9)
    True
    """

    classes_: NDArray[Any]

    def fit(self, X: Any, y: Any) -> NetworkClassifier:  # noqa: N803  # scikit-learn's own name
        """Train on inputs `X`, shape (n, features), and labels `y`, shape (n,)."""
        inputs, labels = validate_data(self, X, y)
        check_classification_targets(labels)
        self.classes_, numbers = np.unique(labels, return_inverse=True)
        count = len(self.classes_)
        if count < 2:
            raise ValueError(f"{type(self).__name__} needs at least two classes, got one class: {str(labels[0])!r}")
        self._train(inputs, numbers, *(("binary_cross_entropy", 1) if count == 2 else ("cross_entropy", count)))
        return self

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: N803  # scikit-learn's own name
        """The label of each row of `X`."""
        scaled = self._scaled(X)
        return np.asarray(self.classes_[predict(self.model_, scaled)])

    def predict_proba(self, X: Any) -> NDArray[np.float64]:  # noqa: N803  # scikit-learn's own name
        """The probability of each class, shape (n, classes), in the order of `classes_`."""
        scaled = self._scaled(X)
        return predict_proba(self.model_, scaled)


class NetworkRegressor(RegressorMixin, _Network):  # type: ignore[misc]  # scikit-learn has no types
    """A multilayer perceptron for one real number, trained with half the squared error.

    Arguments as for `NetworkClassifier`. The targets are standardised for training as well.
    """

    target_scaling_: Standardisation

    def fit(self, X: Any, y: Any) -> NetworkRegressor:  # noqa: N803  # scikit-learn's own name
        """Train on inputs `X`, shape (n, features), and numbers `y`, shape (n,)."""
        inputs, targets = validate_data(self, X, y, y_numeric=True)
        column = column_or_1d(targets, warn=True).astype(float)[:, None]
        self.target_scaling_ = Standardisation.of(column)
        self._train(inputs, self.target_scaling_.apply(column)[:, 0], "half_squared_error", 1)
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:  # noqa: N803  # scikit-learn's own name
        """The number for each row of `X`."""
        scaled = self._scaled(X)
        return np.asarray(
            predict(self.model_, scaled, "regression") * self.target_scaling_.scale[0] + self.target_scaling_.mean[0]
        )
