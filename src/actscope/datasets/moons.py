"""Two moons: two half circles, each the other's point reflection, with Gaussian noise."""

from __future__ import annotations

import functools
from typing import Any

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
from actscope.datasets._curves import Curve, bayes_accuracy, trace_boundary
from actscope.datasets._lines import signed_distance


def draw(n: int, rng: np.random.Generator | int, noise: float = 0.18) -> Points:
    """Points of scikit-learn's law: ⌊n/2⌋ of class 0, shuffled.

    Args:
        n: how many points.
        rng: a NumPy generator; or a whole number, which is handed to scikit-learn as
            `random_state`: `draw(400, 42, noise=0.18)` is `make_moons(400, noise=0.18,
            random_state=42)` bit for bit.
        noise: standard deviation of the noise.
    """
    from sklearn.datasets import make_moons

    state: Any = rng
    if isinstance(rng, np.random.Generator):
        state = int(rng.integers(2**32))
    x, y = make_moons(check_count(n, "moons"), noise=noise, random_state=state)
    return np.asarray(x), np.asarray(y)


def _nearest(x: Floats) -> Floats:
    """The angle of the upper half circle's nearest point."""
    angle = np.arctan2(x[:, 1], x[:, 0])
    return np.where(angle < -0.5 * np.pi, np.pi, np.clip(angle, 0.0, np.pi))


CURVE = Curve(
    at=lambda t: np.stack([np.cos(t), np.sin(t)], axis=-1),
    weight=lambda t: np.full_like(t, 1.0 / np.pi),
    nearest=_nearest,
    low=0.0,
    high=np.pi,
    middle=(0.5, 0.25),
)


@functools.lru_cache(maxsize=64)
def _traced(noise: float) -> Floats:
    return trace_boundary(CURVE, noise)


def contour(noise: float = 0.18, mean: Numbers = 0.0, std: Numbers = 1.0) -> Floats:
    """The Bayes boundary as a line of points, (m, 2), class 1 on its left, ends far out."""
    return (_traced(float(noise)) - mean) / std


def boundary(x: ArrayLike, noise: float = 0.18, mean: Numbers = 0.0, std: Numbers = 1.0) -> Floats:
    """Signed distance to the Bayes boundary: positive on the side of class 1, the lower moon."""
    return signed_distance(contour(noise, mean, std), as_points(x, 2, "moons"))


@functools.lru_cache(maxsize=64)
def accuracy(noise: float = 0.18) -> Bayes:
    """The Bayes accuracy by quadrature over the plane."""
    return Bayes(1.0, 0.0) if noise == 0.0 else bayes_accuracy(CURVE, noise)


RECORD = Dataset(
    name="moons",
    label="Two moons",
    summary="two interleaved half circles with Gaussian noise; the article's data",
    draw=draw,
    dim=2,
    classes=2,
    boundary=boundary,
    bayes_accuracy=accuracy,
    contour=contour,
    params=(Param("noise", 0.18, "standard deviation of the noise", 0.0, 10.0),),
    source="scikit-learn, sklearn.datasets.make_moons",
)
