"""Circles: a circle inside a circle, with Gaussian noise."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import ArrayLike

from actscope.datasets._base import (
    Bayes,
    Dataset,
    Floats,
    Numbers,
    Param,
    Points,
    as_points,
    check_count,
    halves,
)
from actscope.datasets._lines import signed_distance


def draw(n: int, rng: np.random.Generator, noise: float = 0.1, factor: float = 0.5) -> Points:
    """Points on the circles of radius 1 (class 0) and `factor` (class 1), uniform in angle."""
    y = halves(check_count(n, "circles"), rng)
    angle = rng.uniform(0.0, 2.0 * np.pi, n)
    x = np.where(y == 1, factor, 1.0)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return x + noise * rng.standard_normal((n, 2)), y


@functools.lru_cache(maxsize=256)
def radius(noise: float, factor: float) -> float:
    """Where both densities are equal: (1 − f²)/2σ² = ln I₀(r/σ²) − ln I₀(rf/σ²).

    The right side rises with r from 0 without bound, so there is exactly one such radius.
    Without noise it is the limit, halfway between the circles.
    """
    from scipy.optimize import brentq
    from scipy.special import ive

    if noise < 1e-4:
        return 0.5 * (1.0 + factor)

    def gap(r: float) -> float:
        wide, narrow = r / noise**2, r * factor / noise**2
        ratio = np.log(ive(0, wide)) + wide - np.log(ive(0, narrow)) - narrow
        return float(ratio - 0.5 * (1.0 - factor**2) / noise**2)

    top = 1.0
    while gap(top) < 0.0:
        top *= 2.0
    return float(brentq(gap, 0.0, top, xtol=1e-14))


def contour(
    noise: float = 0.1, factor: float = 0.5, mean: Numbers = 0.0, std: Numbers = 1.0
) -> Floats:
    """The circle where both densities are equal, closed, class 1 on its left."""
    angle = np.linspace(0.0, 2.0 * np.pi, 20_001)
    angle = np.append(angle, angle[1])  # overlaps itself, so that no foot point is an end
    line = radius(noise, factor) * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return (line - mean) / std


def boundary(
    x: ArrayLike,
    noise: float = 0.1,
    factor: float = 0.5,
    mean: Numbers = 0.0,
    std: Numbers = 1.0,
) -> Floats:
    """Signed distance to that circle, or to the ellipse it becomes; positive inside."""
    points = as_points(x, 2, "circles")
    width = np.broadcast_to(std, 2)
    if width[0] == width[1]:
        return np.asarray(
            radius(noise, factor) / width[0] - np.linalg.norm(points + np.divide(mean, std), axis=1)
        )
    return signed_distance(contour(noise, factor, mean, std), points)


@functools.lru_cache(maxsize=64)
def accuracy(noise: float = 0.1, factor: float = 0.5) -> Bayes:
    """½ P(r < ρ | inner) + ½ P(r > ρ | outer); r/σ is Rice distributed."""
    from scipy.stats import ncx2

    if noise == 0.0:
        return Bayes(1.0, 0.0)
    limit = (radius(noise, factor) / noise) ** 2
    inside = ncx2.cdf(limit, 2, (factor / noise) ** 2)
    outside = ncx2.sf(limit, 2, 1.0 / noise**2)
    return Bayes(float(0.5 * (inside + outside)), 1e-9)


RECORD = Dataset(
    name="circles",
    label="Circles",
    summary="a circle inside a circle, with Gaussian noise",
    draw=draw,
    dim=2,
    classes=2,
    boundary=boundary,
    bayes_accuracy=accuracy,
    contour=contour,
    params=(
        Param("noise", 0.1, "standard deviation of the noise", 0.0, 10.0),
        Param("factor", 0.5, "radius of the inner circle", 0.01, 0.99),
    ),
    source="scikit-learn, sklearn.datasets.make_circles; here with random angles",
)
