"""Blobs: Gaussian clusters of one covariance, their centres on a circle."""

from __future__ import annotations

import functools
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
)


def centres(classes: int, separation: float, dim: int) -> Floats:
    """(classes, dim): on a circle of the first two coordinates, neighbours `separation` apart.

    Two classes stand at 45° and 225°, so that neither coordinate alone tells them apart.
    """
    angle = 2.0 * np.pi * np.arange(classes) / classes + 0.25 * np.pi
    reach = 0.5 * separation / math.sin(math.pi / classes)
    points = np.zeros((classes, dim))
    points[:, 0], points[:, 1] = reach * np.cos(angle), reach * np.sin(angle)
    return points


def draw(
    n: int,
    rng: np.random.Generator,
    noise: float = 1.0,
    separation: float = 3.0,
    classes: int = 2,
    dim: int = 2,
) -> Points:
    """Points of `classes` Gaussians N(centre, noise²·I), as many of each as can be."""
    y = np.arange(check_count(n, "blobs")) % classes
    rng.shuffle(y)
    return centres(classes, separation, dim)[y] + noise * rng.standard_normal((n, dim)), y


def boundary(
    x: ArrayLike,
    noise: float = 1.0,
    separation: float = 3.0,
    classes: int = 2,
    dim: int = 2,
    mean: Numbers = 0.0,
    std: Numbers = 1.0,
) -> Floats:
    """Signed distance to the hyperplane halfway between two centres: (w·x + b)/|w|."""
    points = as_points(x, dim, "blobs")
    first, second = centres(2, separation, dim)
    normal = (second - first) * std  # x = mean + std·x'
    offset = (second - first) @ (np.broadcast_to(mean, dim) - 0.5 * (first + second))
    return np.asarray((points @ normal + offset) / np.linalg.norm(normal))


@functools.lru_cache(maxsize=64)
def accuracy(noise: float = 1.0, separation: float = 3.0, classes: int = 2, dim: int = 2) -> Bayes:
    """The chance to stay in one's own sector of the circle of centres.

    Two classes: Φ(separation/2σ). More: a sector of half angle π/k about the centre's direction
    is the region u > |v|/tan(π/k), and the chance is one integral over v ~ N(0, σ²).
    """
    from scipy.integrate import quad
    from scipy.special import ndtr

    if noise == 0.0:
        return Bayes(1.0, 0.0)
    if classes == 2:
        return Bayes(float(ndtr(0.5 * separation / noise)), 1e-15)
    reach = 0.5 * separation / math.sin(math.pi / classes) / noise
    slope = 1.0 / math.tan(math.pi / classes)

    def chance(v: float) -> float:
        return float(ndtr(reach - v * slope) * math.exp(-0.5 * v * v) / math.sqrt(2 * math.pi))

    value, error = quad(chance, 0.0, 40.0, points=[min(39.0, reach / slope)], epsabs=1e-12)
    return Bayes(2.0 * value, 2.0 * error)


def contour(
    noise: float = 1.0,
    separation: float = 3.0,
    classes: int = 2,
    dim: int = 2,
    mean: Numbers = 0.0,
    std: Numbers = 1.0,
) -> Floats:
    """The line between two clusters in the first two coordinates, from −1e6 to 1e6."""
    ends = np.array([[-1e6, 1e6], [1e6, -1e6]])
    line: Floats = (ends - np.broadcast_to(mean, dim)[:2]) / np.broadcast_to(std, dim)[:2]
    return line


def shape(noise: float, separation: float, classes: int, dim: int) -> tuple[int, int]:
    """(dim, classes), as the parameters say."""
    return dim, classes


RECORD = Dataset(
    name="blobs",
    label="Gaussian blobs",
    summary="Gaussian clusters of one covariance; a linear boundary for two classes",
    draw=draw,
    dim=2,
    classes=2,
    boundary=boundary,
    bayes_accuracy=accuracy,
    contour=contour,
    params=(
        Param("noise", 1.0, "standard deviation of a cluster", 0.0, 100.0),
        Param("separation", 3.0, "distance of neighbouring centres", 0.0, 100.0),
        Param("classes", 2, "number of clusters", 2, 100),
        Param("dim", 2, "numbers a point has; those beyond two are noise", 2, 512),
    ),
    shape=shape,
    source="Fisher 1936, The use of multiple measurements in taxonomic problems",
)
