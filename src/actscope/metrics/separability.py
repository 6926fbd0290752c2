"""Separability: how many class manifolds a linear reader could sort, per dimension."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from actscope.maths.spectra import participation_ratio, singular_values
from actscope.metrics._base import Bounds, Floats, Metric


def point_capacity(margin: Any = 0.0) -> Any:
    """Points per dimension that a perceptron sorts at a margin; 2 without one (Cover, Gardner).

    1/α₀(κ) = ∫ (t + κ)² Dt over t > −κ = (1 + κ²)Φ(κ) + κ·N(κ).

    Example:
        >>> float(point_capacity(0.0))
        2.0
    """
    from scipy.special import ndtr

    k = np.asarray(margin, dtype=np.float64)
    return 1.0 / ((1.0 + k * k) * ndtr(k) + k * np.exp(-0.5 * k * k) / np.sqrt(2.0 * np.pi))


def capacity(radius: Any, dimension: Any) -> Any:
    """Manifolds per dimension, (1 + R²)·α₀(R√D); (1 + R⁻²)/D for many dimensions.

    Args:
        radius: R, of a manifold over the distance of its centre.
        dimension: D, how many directions it fills.
    """
    r, d = np.asarray(radius, dtype=np.float64), np.asarray(dimension, dtype=np.float64)
    return (1.0 + r * r) * point_capacity(r * np.sqrt(d))


def f(x: Floats, h: Floats, labels: NDArray[Any]) -> Any:
    """The harmonic mean over the classes of each class manifold's capacity, (1 + R²)·α₀(R√D).

    R² is a class's mean squared distance from its centre over that centre's squared distance from
    the mean of all centres; D the participation ratio of the class. 2 where every class is one
    point.
    """
    classes = np.unique(labels)
    if len(classes) < 2:
        return np.full(h.shape[:-2], np.nan)
    groups = [h[..., labels == c, :] for c in classes]
    centres = np.stack([g.mean(axis=-2) for g in groups], axis=-2)
    apart = ((centres - centres.mean(axis=-2, keepdims=True)) ** 2).sum(axis=-1)
    cost = np.zeros(h.shape[:-2])
    for i, g in enumerate(groups):
        within = ((g - centres[..., i : i + 1, :]) ** 2).sum(axis=-1).mean(axis=-1)
        point = within <= 1e-28 * apart[..., i]  # one point, up to rounding
        filled = participation_ratio(singular_values(g))
        dimension = np.where(point, 1.0, filled)
        radius = np.sqrt(np.where(point, 0.0, within) / apart[..., i])
        cost += 1.0 / capacity(radius, dimension)
    return len(classes) / cost


RECORD = Metric(
    name="separability",
    label="Manifold capacity",
    summary="class manifolds per dimension that a linear reader could sort, from radius and "
    "dimension",
    account="exact",
    f=f,
    needs=frozenset({"labels"}),
    bounds=Bounds(0.0, 2.0),
    perfect=None,
    blind_to=frozenset({"rotation", "scaling", "shift", "permutation"}),
    source="Chung, Lee & Sompolinsky 2018, Classification and geometry of general perceptual "
    "manifolds; Gardner 1988",
    least=4,
)
