"""Mean magnitude: the mean of |h|, what the article's signal traces show."""

from __future__ import annotations

from typing import Any

import numpy as np

from actscope.metrics._base import Bounds, Floats, Metric


def f(x: Floats, h: Floats) -> Any:
    """Return the mean of |h| over all points and units."""
    return np.abs(h).mean(axis=(-2, -1))


RECORD = Metric(
    name="mean_magnitude",
    label="Mean magnitude",
    summary="mean of |output| over points and units; the article's measure",
    account="optimiser",
    f=f,
    bounds=Bounds(0.0),
    perfect=None,
    blind_to=frozenset({"permutation"}),
    source="the two-moons article",
)
