"""Digits: 1,797 handwritten digits of 8×8 pixels."""

from __future__ import annotations

import functools

import numpy as np

from actscope.datasets._base import Dataset, Points, choose


@functools.cache
def _load() -> Points:
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.int64)


def draw(n: int | None, rng: np.random.Generator) -> Points:
    """That many points without replacement, or all in the file's order; pixels 0 to 16.

    Raises:
        InputError: there are not so many.
    """
    x, y = _load()
    chosen = choose(n, len(y), rng, "digits")
    return x[chosen], y[chosen]


RECORD = Dataset(
    name="digits",
    label="Digits",
    summary="handwritten digits of 8×8 pixels, 10 classes, 1,797 points",
    draw=draw,
    dim=64,
    classes=10,
    source="Alpaydin & Kaynak 1998, Optical recognition of handwritten digits, UCI",
)
