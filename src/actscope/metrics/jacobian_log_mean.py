"""Jacobian log mean: how much a layer stretches small steps of the input, in the geometric mean."""

from __future__ import annotations

from typing import Any

import numpy as np

from actscope.maths.spectra import log_spectrum
from actscope.metrics._base import Bounds, Floats, Metric


def f(x: Floats, h: Floats, jacobian: Floats) -> Any:
    """Mean over points of the mean of ln s over the Jacobian's singular values s.

    A singular value of 0 (every unit dead) gives −∞: that point's directions are gone.
    """
    s = np.linalg.svd(jacobian, compute_uv=False)
    return np.log(s).mean(axis=(-2, -1))


def spread(jacobian: Floats) -> Any:
    """Mean over points of the standard deviation of ln s, over the singular values above 0."""
    s = np.linalg.svd(jacobian, compute_uv=False)
    deviation = log_spectrum(s)[1]
    some = np.isfinite(deviation)
    total = np.where(some, deviation, 0.0).sum(axis=-1)
    return np.where(some.any(axis=-1), total / some.sum(axis=-1), np.nan)


RECORD = Metric(
    name="jacobian_log_mean",
    label="Jacobian log mean",
    summary="mean logarithm of the singular values of the map from input to layer",
    account="optimiser",
    f=f,
    needs=frozenset({"jacobian"}),
    bounds=Bounds(),
    perfect=0.0,
    blind_to=frozenset({"rotation", "shift", "permutation"}),
    source="Saxe et al. 2014; Pennington, Schoenholz & Ganguli 2017, Resurrecting the sigmoid",
)
