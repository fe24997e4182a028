import copy
import pickle
import sys
from contextlib import suppress
from unittest import SkipTest

import numpy as np
import pytest

pytest.importorskip("sklearn")
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures
from sklearn.utils.estimator_checks import parametrize_with_checks

from glassgrad import nn
from glassgrad.nn import NetworkClassifier, NetworkRegressor


@parametrize_with_checks([NetworkClassifier([4], epochs=30), NetworkRegressor([4], epochs=30)])
def test_scikit_learns_own_checks(estimator, check):
    with suppress(SkipTest):  # it leaves out what needs pandas or an array API that is not installed
        check(estimator)


def test_cross_validation_pipeline_and_grid_search():
    X, y = load_iris(return_X_y=True)
    pipeline = make_pipeline(PolynomialFeatures(1, include_bias=False), NetworkClassifier([6], epochs=60))
    assert cross_val_score(pipeline, X, y, cv=5).mean() >= 0.95
    search = GridSearchCV(NetworkClassifier(epochs=40), {"hidden": [(2,), (8,)], "activation": ["tanh"]}, cv=3).fit(
        X, y
    )
    assert search.best_score_ > 0.9
    assert len(search.best_estimator_.history_) == 40


def test_regression_in_its_own_unit():
    X, y = nn.sine(120, noise=0.05, seed=1)
    model = NetworkRegressor([12], epochs=400).fit(X, 1000 + 50 * y)
    assert model.score(X, 1000 + 50 * y) > 0.98


def test_labels_are_kept_and_probabilities_fit_to_them():
    X, y = nn.moons(60, seed=2)
    model = NetworkClassifier([8], epochs=150).fit(X, np.array(["low", "high"])[y])
    assert model.classes_.tolist() == ["high", "low"]
    p = model.predict_proba(X)
    assert np.array_equal(model.classes_[p.argmax(axis=1)], model.predict(X))
    assert model.score(X, np.array(["low", "high"])[y]) == 1.0
    for again in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert np.array_equal(again.predict_proba(X), p)


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="needs at least two classes, got one class: 'a'"):
        NetworkClassifier().fit([[0.0], [1.0]], ["a", "a"])


def test_without_scikit_learn_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.base", None)
    monkeypatch.delitem(sys.modules, "glassgrad.nn.sklearn")
    monkeypatch.delitem(vars(nn), "NetworkClassifier")
    with pytest.raises(ImportError, match=r'need scikit-learn 1.6 or newer: pip install "glassgrad\[sklearn\]"'):
        _ = nn.NetworkClassifier


def test_the_epochs_that_were_needed_are_counted():
    X, y = nn.sine(60, noise=0.0, seed=1)
    model = NetworkRegressor([4], epochs=500, patience=3, learning_rate=0.05).fit(X, y)
    assert model.n_iter_ == len(model.history_.epochs) < 500
    assert model.history_.stopped == "the error stopped falling"
