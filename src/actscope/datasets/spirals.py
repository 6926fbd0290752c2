"""Spirals: two interleaved Archimedean spirals with Gaussian noise."""

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
from actscope.datasets._curves import Curve, bayes_accuracy, trace_boundary
from actscope.datasets._lines import signed_distance


def draw(n: int, rng: np.random.Generator, noise: float = 0.1, turns: float = 1.5) -> Points:
    """Points at angle t = 2π·turns·√u, u uniform, and radius 3t/t_max; class 1 turned by 180°."""
    y = halves(check_count(n, "spirals"), rng)
    t = 2.0 * np.pi * turns * np.sqrt(rng.uniform(size=n))
    x = _curve(turns).at(t) * (1 - 2 * y)[:, None] + noise * rng.standard_normal((n, 2))
    return np.asarray(x), y


@functools.lru_cache(maxsize=64)
def _curve(turns: float) -> Curve:
    from scipy.spatial import KDTree

    top = 2.0 * np.pi * turns
    rate = 3.0 / top  # radius per radian

    def at(t: Floats) -> Floats:
        return np.stack([rate * t * np.cos(t), rate * t * np.sin(t)], axis=-1)

    grid = np.linspace(0.0, top, 4001)
    tree = KDTree(at(grid))

    def nearest(x: Floats) -> Floats:
        t = grid[tree.query(x)[1]]
        radius = np.linalg.norm(x, axis=1)
        angle = np.arctan2(x[:, 1], x[:, 0])
        for _ in range(4):  # Newton on |x − c(t)|²/2, from within half a grid step of the minimum
            turn = t - angle
            slope = rate * (rate * t - radius * (np.cos(turn) - t * np.sin(turn)))
            bend = rate * (rate + radius * (2.0 * np.sin(turn) + t * np.cos(turn)))
            step = np.where(bend > 0.0, slope / np.where(bend > 0.0, bend, 1.0), 0.0)
            t = np.clip(t - np.clip(step, -grid[1], grid[1]), 0.0, top)
        return t

    return Curve(at, lambda t: 2.0 * t / top**2, nearest, 0.0, top, (0.0, 0.0))


@functools.lru_cache(maxsize=64)
def _traced(noise: float, turns: float) -> Floats:
    return trace_boundary(_curve(turns), noise, step=0.015)


def contour(
    noise: float = 0.1, turns: float = 1.5, mean: Numbers = 0.0, std: Numbers = 1.0
) -> Floats:
    """The Bayes boundary as a line of points, (m, 2), class 1 on its left, ends far out."""
    return (_traced(float(noise), float(turns)) - mean) / std


def boundary(
    x: ArrayLike,
    noise: float = 0.1,
    turns: float = 1.5,
    mean: Numbers = 0.0,
    std: Numbers = 1.0,
) -> Floats:
    """Signed distance to the Bayes boundary: positive on the side of class 1."""
    return signed_distance(contour(noise, turns, mean, std), as_points(x, 2, "spirals"))


@functools.lru_cache(maxsize=64)
def accuracy(noise: float = 0.1, turns: float = 1.5) -> Bayes:
    """The Bayes accuracy by quadrature over the plane."""
    return Bayes(1.0, 0.0) if noise == 0.0 else bayes_accuracy(_curve(turns), noise)


RECORD = Dataset(
    name="spirals",
    label="Two spirals",
    summary="two interleaved Archimedean spirals with Gaussian noise",
    draw=draw,
    dim=2,
    classes=2,
    boundary=boundary,
    bayes_accuracy=accuracy,
    contour=contour,
    params=(
        Param("noise", 0.1, "standard deviation of the noise", 0.0, 10.0),
        Param("turns", 1.5, "turns of a spiral from the centre to radius 3", 0.25, 4.0),
    ),
    source="Lang & Witbrock 1988, Learning to tell two spirals apart; here with Gaussian noise",
)
