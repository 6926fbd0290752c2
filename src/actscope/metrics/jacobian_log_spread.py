"""Jacobian log spread: how unequally a layer stretches the directions of the input."""

from __future__ import annotations

from typing import Any

from actscope.metrics._base import Bounds, Floats, Metric
from actscope.metrics.jacobian_log_mean import spread


def f(x: Floats, h: Floats, jacobian: Floats) -> Any:
    """Standard deviation of ln s over the Jacobian's singular values, in the mean over points.

    0 is dynamical isometry. Directions that are gone (s = 0) are left out here and show in
    `jacobian_log_mean`; a point with none left counts for nothing.
    """
    return spread(jacobian)


RECORD = Metric(
    name="jacobian_log_spread",
    label="Jacobian log spread",
    summary="spread of the logarithms of the singular values of the map from input to layer",
    account="optimiser",
    f=f,
    needs=frozenset({"jacobian"}),
    bounds=Bounds(0.0),
    perfect=0.0,
    blind_to=frozenset({"rotation", "scaling", "shift", "permutation"}),
    source="Pennington, Schoenholz & Ganguli 2017, Resurrecting the sigmoid through dynamical "
    "isometry",
)
