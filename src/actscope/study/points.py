"""The points that a cell is trained and tested on, and what a straight line makes of them."""

from __future__ import annotations

import functools
import threading
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actscope.datasets._base import Dataset
from actscope.datasets._lookup import dataset
from actscope.errors import InputError
from actscope.study.fields import ALL, Named

Floats = NDArray[np.float64]
_ONE_AT_A_TIME = threading.Lock()  # threads that want the same points make them once


@dataclass(frozen=True, eq=False)
class Split:
    """Points drawn, split and standardised on the training set.

    Attributes:
        x, y, x_test, y_test: both sets.
        law: the data set in the standardised coordinates.
        linear: the floor: test accuracy of logistic regression, or for a regression the test
            mean squared error of least squares.
    """

    x: Floats
    y: NDArray[Any]
    x_test: Floats
    y_test: NDArray[Any]
    law: Dataset
    linear: float


def split(data: Named, points: int, test_share: float, seed: int) -> Split:
    """Draw the points, hold back a share for testing, standardise, fit the linear floor.

    Args:
        data: the data set.
        points: how many, or ALL.
        test_share: of them, held back; at least one, at most all but two.
        seed: of the draw and of the split.

    Raises:
        InputError: the set has not so many points, or training misses a class.
    """
    with _ONE_AT_A_TIME:
        return _split(data, points, test_share, seed)


@functools.lru_cache(maxsize=16)
def _split(data: Named, points: int, test_share: float, seed: int) -> Split:
    law = dataset(data.name, **dict(data.settings))
    rng = np.random.default_rng(seed)
    x, y = law.draw(None if points == ALL else points, rng)
    order = rng.permutation(len(y))  # a file's own order may be by class
    tests = min(max(1, round(test_share * len(y))), len(y) - 2)
    test, train = order[:tests], order[tests:]
    if law.classes and len(np.unique(y[train])) < law.classes:
        raise InputError(
            f"{law.key}: {len(train)} training points do not hold all {law.classes} classes: "
            "give more points, or a smaller test_share"
        )
    scaled, there = law.standardised(x[train])
    x_test = np.asarray((x[test] - x[train].mean(axis=0)) / _spread(x[train]))
    linear = floor(scaled, y[train], x_test, y[test], law.classes)
    return Split(scaled, y[train], x_test, y[test], there, linear)


def _spread(x: Floats) -> Floats:
    std = x.std(axis=0)
    return np.where(std > 0.0, std, 1.0)


def floor(x: Floats, y: NDArray[Any], x_test: Floats, y_test: NDArray[Any], classes: int) -> float:
    """What a linear model reaches on the test set.

    Args:
        x: (n, dim), to fit.
        y: (n,).
        x_test: (m, dim), to score.
        y_test: (m,).
        classes: 0 for a regression.

    Returns:
        Accuracy of scikit-learn's LogisticRegression with its own defaults but 10,000 iterations;
        for a regression the mean squared error of LinearRegression.
    """
    from sklearn.linear_model import LinearRegression, LogisticRegression

    if not classes:
        error = LinearRegression().fit(x, y).predict(x_test) - y_test
        return float(np.mean(error**2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # not converged on separable points: still a line
        fit = LogisticRegression(max_iter=10_000).fit(x, y)
    return float(fit.score(x_test, y_test))
