"""XOR: Gaussian clusters at the four corners (±1, ±1); opposite corners share a class."""

from __future__ import annotations

import math

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


def draw(n: int, rng: np.random.Generator, noise: float = 0.4) -> Points:
    """Points around (1, 1) and (−1, −1), class 0, and around (1, −1) and (−1, 1), class 1."""
    y = halves(check_count(n, "xor"), rng)
    first = rng.integers(0, 2, n) * 2.0 - 1.0
    corners = np.stack([first, first * (1 - 2 * y)], axis=1)
    x: Floats = corners + noise * rng.standard_normal((n, 2))
    return x, y


def boundary(x: ArrayLike, noise: float = 0.4, mean: Numbers = 0.0, std: Numbers = 1.0) -> Floats:
    """Signed distance to the two axes, positive where the coordinates differ in sign.

    p₀ − p₁ is a positive number times sinh(x/σ²)·sinh(y/σ²), for every noise σ.
    """
    points = as_points(x, 2, "xor")
    axes: Floats = points + np.divide(mean, std)  # 0 where the raw coordinate is 0
    side = -np.sign(axes[:, 0]) * np.sign(axes[:, 1])
    return np.asarray(np.copysign(np.abs(axes).min(axis=1), side))


def accuracy(noise: float = 0.4) -> Bayes:
    """Both signs right, or both wrong: p² + (1 − p)² with p = Φ(1/σ)."""
    p = 0.5 * math.erfc(-1.0 / (noise * math.sqrt(2.0))) if noise else 1.0
    return Bayes(p * p + (1.0 - p) ** 2, 1e-15)


def contour(noise: float = 0.4, mean: Numbers = 0.0, std: Numbers = 1.0) -> Floats:
    """The two axes, each from −1e6 to 1e6."""
    ends = np.array([[-1e6, 0.0], [1e6, 0.0], [np.nan, np.nan], [0.0, -1e6], [0.0, 1e6]])
    line: Floats = np.asarray((ends - mean) / std)
    return line


RECORD = Dataset(
    name="xor",
    label="XOR",
    summary="four Gaussian clusters, opposite corners of one class; the boundary is both axes",
    draw=draw,
    dim=2,
    classes=2,
    boundary=boundary,
    bayes_accuracy=accuracy,
    contour=contour,
    params=(Param("noise", 0.4, "standard deviation of a cluster", 0.0, 10.0),),
    source="Minsky & Papert 1969, Perceptrons; here with Gaussian clusters",
)
