"""k-NN accuracy: how often the five nearest other points vote for a point's own class."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from actscope.maths.clouds import squared_distances
from actscope.metrics._base import Bounds, Floats, Metric

K = 5


def f(x: Floats, h: Floats, labels: NDArray[Any]) -> Any:
    """Leave-one-out accuracy of a vote of the five nearest; ties go to the lower class.

    Points at equal distance are taken in the order of the cloud, so that a layer that gives every
    point the same output has the accuracy of a vote of the first five.
    """
    classes, y = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        return np.full(h.shape[:-2], np.nan)
    n = len(y)
    result = np.empty(h.shape[:-2])
    for place in np.ndindex(*h.shape[:-2]):
        gaps = squared_distances(h[place])
        gaps[range(n), range(n)] = np.inf
        near = np.argsort(gaps, axis=1, kind="stable")[:, :K]
        votes = np.eye(len(classes))[y[near]].sum(axis=1)
        result[place] = (votes.argmax(axis=1) == y).mean()
    return result


RECORD = Metric(
    name="knn_accuracy",
    label="5-NN accuracy",
    summary="leave-one-out accuracy of a vote of the five nearest points",
    account="exact",
    f=f,
    needs=frozenset({"labels"}),
    bounds=Bounds(0.0, 1.0),
    perfect=None,
    blind_to=frozenset({"rotation", "scaling", "shift", "permutation"}),
    source="Cover & Hart 1967, Nearest neighbor pattern classification",
    least=K + 1,
    cheap=False,
)
