"""Trajectory stretch: how much longer a layer makes a curve of inputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from actscope.metrics._base import Bounds, Floats, Metric


def length(curve: Floats) -> Any:
    """The length of the polygon through consecutive points, (..., n, k) to (...)."""
    return np.linalg.norm(np.diff(curve, axis=-2), axis=-1).sum(axis=-1)


def f(x: Floats, h: Floats) -> Any:
    """Length of the image over the length of the curve.

    Under He-initialised ReLU the mean does not grow with depth: it shrinks like exp(−5L/8n)
    (Hanin, Jeong & Rolnick 2022).
    """
    return length(h) / length(x)


RECORD = Metric(
    name="trajectory_stretch",
    label="Trajectory stretch",
    summary="length of a curve's image over the length of the curve",
    account="exact",
    f=f,
    needs=frozenset({"curve"}),
    bounds=Bounds(0.0),
    perfect=1.0,
    blind_to=frozenset({"rotation", "shift", "permutation"}),
    source="Raghu et al. 2017, On the expressive power of deep neural networks",
    least=2,
)
