"""Intrinsic dimension: of the surface that a layer's outputs lie on, by two neighbours (TwoNN)."""

from __future__ import annotations

from typing import Any

import numpy as np

from actscope.metrics._base import Bounds, Floats, Metric

KEPT = 0.9  # the largest ratios are the noisiest


def dimension(cloud: Floats) -> float:
    """The slope of −ln(1 − F) against ln(r₂/r₁) through 0, for one cloud (n, k).

    r₁ and r₂ are the distances to the two nearest other points and F the share of points with a
    smaller ratio; a tenth, the largest ratios, is left out. Points that coincide count once.
    """
    from scipy.spatial import KDTree

    points = np.unique(cloud, axis=0)
    if len(points) < 4:
        return float("nan")
    points = points - points.mean(axis=0)
    gaps = np.asarray(KDTree(points).query(points, k=3)[0])
    usable = gaps[:, 1] > 0.0  # differences below the smallest number count as none
    ratios = np.sort(np.log(gaps[usable, 2] / gaps[usable, 1]))
    share = np.arange(len(ratios)) / max(1, len(ratios))
    kept = share < KEPT
    square = float((ratios[kept] ** 2).sum())
    if square == 0.0:
        return float("nan")
    return float(-(ratios[kept] @ np.log1p(-share[kept])) / square)


def f(x: Floats, h: Floats) -> Any:
    """TwoNN: the slope of −ln(1 − F) against ln(r₂/r₁), F the share of points of smaller ratio."""
    result = np.empty(h.shape[:-2])
    for place in np.ndindex(*h.shape[:-2]):
        result[place] = dimension(h[place])
    return result


RECORD = Metric(
    name="intrinsic_dimension",
    label="Intrinsic dimension",
    summary="TwoNN estimate of the dimension of the surface that the outputs lie on",
    account="exact",
    f=f,
    bounds=Bounds(0.0),
    perfect=None,
    blind_to=frozenset({"rotation", "scaling", "shift", "permutation"}),
    source="Facco, d'Errico, Rodriguez & Laio 2017, Estimating the intrinsic dimension of datasets",
    least=10,
    cheap=False,
)
