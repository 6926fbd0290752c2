"""Probe accuracy: how often a linear reader tells the classes apart."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from actscope.metrics._base import Bounds, Floats, Metric
from actscope.metrics._probe import enough, held_out


def f(x: Floats, h: Floats, labels: NDArray[Any], coordinates: Floats) -> Any:
    """5-fold accuracy of ridge regression to one indicator a class, the largest one taken.

    Least squares on indicators is Fisher's linear discriminant. Where the probe says the same of
    every class, the first of them stands.
    """
    classes, y = np.unique(labels, return_inverse=True)
    if len(classes) < 2 or not enough(coordinates):
        return np.full(h.shape[:-2], np.nan)
    said = held_out(coordinates, np.eye(len(classes))[y]).argmax(axis=-1)
    return (said == y).mean(axis=-1)


RECORD = Metric(
    name="probe_accuracy",
    label="Probe accuracy",
    summary="5-fold accuracy of a linear classifier on the layer's output",
    account="exact",
    f=f,
    needs=frozenset({"labels", "coordinates"}),
    bounds=Bounds(0.0, 1.0),
    perfect=None,
    blind_to=frozenset({"rotation", "scaling", "shift", "affine", "permutation"}),
    source="Alain & Bengio 2017, Understanding intermediate layers using linear classifier probes",
    least=10,
)
