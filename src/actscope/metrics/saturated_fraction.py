"""Saturated fraction: outputs where the activation is nearly flat."""

from __future__ import annotations

from typing import Any

import numpy as np

from actscope.metrics._base import Bounds, Floats, Metric

FLAT = 0.01  # of the steepest slope


def f(x: Floats, h: Floats, slopes: Floats, steepest: Any) -> Any:
    """The share of (point, unit) pairs where |φ'| is below 1 % of its maximum over the line.

    Zero slopes count: the left side of ReLU is flat. NaN for a function without a slope.
    """
    limit = FLAT * np.asarray(steepest, dtype=np.float64)[..., None, None]
    return np.where(limit[..., 0, 0] > 0.0, (np.abs(slopes) < limit).mean(axis=(-2, -1)), np.nan)


RECORD = Metric(
    name="saturated_fraction",
    label="Saturated fraction",
    summary="share of outputs where the slope is below 1 % of the activation's steepest",
    account="optimiser",
    f=f,
    needs=frozenset({"slopes", "steepest"}),
    bounds=Bounds(0.0, 1.0),
    perfect=0.0,
    blind_to=frozenset({"scaling", "shift", "permutation"}),
    source="Glorot & Bengio 2010, Understanding the difficulty of training deep networks",
)
