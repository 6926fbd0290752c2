"""MNIST-1D: ten one-dimensional digit shapes, stretched, shifted, sheared and noisy.

Drawn anew by the published recipe, with its parameters; not the published file.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from actscope.datasets._base import Dataset, Floats, Param, Points, check_count

# the heights of the ten shapes at twelve equal steps, as published
SHAPES = np.array(
    [
        [5, 6, 6.5, 6.75, 7, 7, 7, 7, 6.75, 6.5, 6, 5],
        [5, 3, 3, 3.4, 3.8, 4.2, 4.6, 5, 5.4, 5.8, 5, 5],
        [5, 6, 6.5, 6.5, 6, 5.25, 4.75, 4, 3.5, 3.5, 4, 5],
        [5, 6, 6.5, 6.5, 6, 5, 5, 6, 6.5, 6.5, 6, 5],
        [5, 4.4, 3.8, 3.2, 2.6, 2.6, 5, 5, 5, 5, 5, 5],
        [5, 3, 3, 3, 3, 5, 6, 6.5, 6.5, 6, 4.5, 5],
        [5, 4, 3.5, 3.25, 3, 3, 3, 3, 3.25, 3.5, 4, 5],
        [5, 7, 7, 6.6, 6.2, 5.8, 5.4, 5, 4.6, 4.2, 5, 5],
        [5, 4, 3.5, 3.5, 4, 5, 5, 4, 3.5, 3.5, 4, 5],
        [5, 4, 3.5, 3.5, 4, 5, 5, 5, 5, 4.7, 4.3, 5],
    ]
)
STEPS, PADDING, LONG, SHORT = 12, (36, 60), 72, 40  # LONG = STEPS + the longest padding
STRETCH, SHIFTS, SHEAR = 0.4, 48, 0.75  # ±20 % of height, 0 … 47 places, ±.375 of slope
WAVES, SMOOTH = 0.25, 2.0  # the correlated noise beside the shape, before smoothing
# mean and standard deviation of a number before the last line of draw, over 200,000 points;
# the recipe divides by those of the set that it has drawn, which makes points depend on n
CENTRE, WIDTH = -0.0061, 0.1546


def shapes() -> Floats:
    """(10, 12): every shape with unit variance over six, starting and ending at 0."""
    heights = SHAPES - SHAPES.mean(axis=1, keepdims=True)
    heights /= SHAPES.std(axis=1, keepdims=True)
    return np.asarray((heights - heights[:, :1]) / 6.0)


def draw(n: int, rng: np.random.Generator, noise: float = 0.02) -> Points:
    """Points of 40 numbers, classes as equal as can be, centred and scaled to unit variance."""
    y = np.arange(check_count(n, "mnist1d")) % 10
    rng.shuffle(y)
    return (raw(y, rng, noise) - CENTRE) / WIDTH, y


def raw(y: NDArray[np.int64], rng: np.random.Generator, noise: float) -> Floats:
    """(n, 40): pad, stretch, scale, shift round, add noise, shear, shorten."""
    from scipy.ndimage import gaussian_filter1d

    n = len(y)
    padding = rng.integers(PADDING[0], PADDING[1] + 1, n)
    # where each of the 72 places falls on the padded shape, whose steps are 1 apart
    at = np.linspace(0.0, 1.0, LONG) * (STEPS - 1 + padding)[:, None]
    inside = at < STEPS
    ends = np.concatenate([shapes(), np.zeros((10, 2))], axis=1)[y]
    left = np.minimum(at.astype(np.int64), STEPS)
    share = np.where(inside, at - left, 0.0)
    rows = np.arange(n)[:, None]
    x = ends[rows, left] * (1.0 - share) + ends[rows, left + 1] * share
    x *= 1.0 + STRETCH * (rng.uniform(size=(n, 1)) - 0.5)
    turned = (np.arange(LONG) - rng.integers(0, SHIFTS, (n, 1))) % LONG
    x, inside = x[rows, turned], inside[rows, turned]
    waves = gaussian_filter1d(WAVES * rng.standard_normal((n, LONG)), SMOOTH, axis=1)
    x = np.where(inside, x, waves) + noise * rng.standard_normal((n, LONG))
    x -= SHEAR * (rng.uniform(size=(n, 1)) - 0.5) * np.linspace(-0.5, 0.5, LONG)
    place = np.linspace(0.0, LONG - 1.0, SHORT)
    low = np.minimum(place.astype(np.int64), LONG - 2)
    return np.asarray(x[:, low] * (1.0 - (place - low)) + x[:, low + 1] * (place - low))


RECORD = Dataset(
    name="mnist1d",
    label="MNIST-1D",
    summary="ten one-dimensional digit shapes, shifted, stretched and noisy; 40 numbers a point",
    draw=draw,
    dim=40,
    classes=10,
    params=(Param("noise", 0.02, "standard deviation of the independent noise", 0.0, 10.0),),
    source="Greydanus & Kobak 2024, Scaling down deep learning with MNIST-1D",
)
