"""Sine: one-dimensional regression, y = sin(frequency·x) with Gaussian noise."""

from __future__ import annotations

import numpy as np

from actscope.datasets._base import Dataset, Param, Points, check_count


def draw(n: int, rng: np.random.Generator, noise: float = 0.1, frequency: float = 1.0) -> Points:
    """Points x uniform on [−π, π], y = sin(frequency·x) + noise·N(0, 1)."""
    x = rng.uniform(-np.pi, np.pi, (check_count(n, "sine"), 1))
    return x, np.sin(frequency * x[:, 0]) + noise * rng.standard_normal(n)


RECORD = Dataset(
    name="sine",
    label="Sine",
    summary="regression of a sine on [−π, π] with Gaussian noise",
    draw=draw,
    dim=1,
    classes=0,
    params=(
        Param("noise", 0.1, "standard deviation of y about the sine", 0.0, 10.0),
        Param("frequency", 1.0, "radians of the sine per unit of x", 0.0, 1000.0),
    ),
    source="Bishop 2006, Pattern recognition and machine learning, section 1.1",
)
