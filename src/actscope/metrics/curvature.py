"""Curvature: how much more a layer makes a curve of inputs turn."""

from __future__ import annotations

from typing import Any

import numpy as np

from actscope.metrics._base import Bounds, Floats, Metric


def _angles(curve: Floats) -> tuple[Floats, Floats]:
    """Turning angle at each vertex of a closed polygon, and the length it stands for."""
    along = np.diff(curve, axis=-2)
    reach = np.linalg.norm(along, axis=-1)
    after, next_reach = np.roll(along, -1, axis=-2), np.roll(reach, -1, axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        a, b = along / reach[..., None], after / next_reach[..., None]
    # 2·atan2(|a − b|, |a + b|) keeps the digits of a small angle, which arccos(a·b) loses
    angle = 2.0 * np.arctan2(np.linalg.norm(a - b, axis=-1), np.linalg.norm(a + b, axis=-1))
    return angle, 0.5 * (reach + next_reach)


def turning(curve: Floats) -> Any:
    """The total turning ∫κ ds of a closed curve, its Gauss-map length; at least 2π (Fenchel).

    Args:
        curve: (..., n, k), consecutive points, the first repeated at the end.

    Returns:
        (...); NaN where two neighbours coincide.
    """
    return _angles(curve)[0].sum(axis=-1)


def mean_curvature(curve: Floats) -> Any:
    """The extrinsic curvature κ in the mean over the curve's length; 1/r on a circle."""
    angle, reach = _angles(curve)
    return angle.sum(axis=-1) / reach.sum(axis=-1)


def f(x: Floats, h: Floats) -> Any:
    """Total turning of the image over that of the curve."""
    return turning(h) / turning(x)


RECORD = Metric(
    name="curvature",
    label="Curvature",
    summary="total turning of a curve's image over that of the curve",
    account="exact",
    f=f,
    needs=frozenset({"curve"}),
    bounds=Bounds(0.0),
    perfect=1.0,
    blind_to=frozenset({"rotation", "scaling", "shift", "permutation"}),
    source="Poole et al. 2016, Exponential expressivity in deep neural networks",
    least=4,
)
