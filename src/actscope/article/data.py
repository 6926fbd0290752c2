"""The experiment's data: two noisy half circles, standardised, split.

The same points as scikit-learn's make_moons, StandardScaler and train_test_split give, bit for
bit (a test compares them). They are drawn here because importing scikit-learn alone takes longer
than the whole experiment, and because these few draws should not move with its version.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actscope.article.setup import Setup
from actscope.errors import BadSpec

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]

# The published trace follows, in each class, the training point farthest from this place.
FAR_FROM = ((-1.2, -0.3), (1.2, 0.3))


@dataclass(frozen=True, eq=False)
class Data:
    """Standardised points (n, 2) and their class, 0 or 1 (n,): all, training, test.

    The scaling is that of all points before the split, as published.
    """

    x: Floats
    y: Ints
    x_train: Floats
    y_train: Ints
    x_test: Floats
    y_test: Ints

    def far_point(self, label: int) -> Floats:
        """The training point (2,) of a class whose signal the trace follows.

        It is the one farthest from a fixed place beside the other moon, (-1.2, -0.3) for class
        0 and (1.2, 0.3) for class 1: the published choice, which is not the distance from the
        decision boundary.
        """
        points = self.x_train[self.y_train == label]
        far: Floats = points[np.linalg.norm(points - FAR_FROM[label], axis=1).argmax()]
        return far


def draw_data(setup: Setup) -> Data:
    """The data of the experiment.

    Args:
        setup: points, noise, test_share, data_seed and split_seed are used.

    Raises:
        BadSpec: a class is missing in the training or in the test points.

    Returns:
        The points, each coordinate with mean 0 and standard deviation 1 over all of them.

    Example:
        >>> data = draw_data(Setup())
        >>> data.x_train.shape, data.x_test.shape, int(data.y_test.sum())
        ((300, 2), (100, 2), 50)
    """
    outer, inner = setup.points // 2, setup.points - setup.points // 2
    a, b = np.linspace(0, np.pi, outer), np.linspace(0, np.pi, inner)
    x = np.vstack([np.c_[np.cos(a), np.sin(a)], np.c_[1 - np.cos(b), 1 - np.sin(b) - 0.5]])
    y = np.repeat(np.arange(2), (outer, inner))
    rng = _legacy(setup.data_seed)
    order = np.arange(setup.points)
    rng.shuffle(order)
    x = x[order] + rng.normal(scale=setup.noise, size=x.shape)
    y = y[order]
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    order = _legacy(setup.split_seed).permutation(setup.points)
    tests = math.ceil(setup.points * setup.test_share)
    test, train = order[:tests], order[tests:]
    if min(len(set(y[train])), len(set(y[test]))) < 2:
        raise BadSpec(
            "Setup.test_share",
            setup.test_share,
            f"one that leaves both classes in both parts of {setup.points} points, such as 0.25",
        )
    return Data(x, y, x[train], y[train], x[test], y[test])


def _legacy(seed: int) -> Any:
    """NumPy's generator of before 1.17, whose stream the published numbers come from."""
    return np.random.RandomState(seed)
