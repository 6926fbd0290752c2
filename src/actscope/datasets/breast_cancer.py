"""Breast cancer: 569 tumours, 30 measurements each."""

from __future__ import annotations

import functools

import numpy as np

from actscope.datasets._base import Dataset, Points, choose


@functools.cache
def _load() -> Points:
    from sklearn.datasets import load_breast_cancer

    x, y = load_breast_cancer(return_X_y=True)
    return np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.int64)


def draw(n: int | None, rng: np.random.Generator) -> Points:
    """That many points without replacement, or all in the file's order, in the file's units.

    Raises:
        InputError: there are not so many.
    """
    x, y = _load()
    chosen = choose(n, len(y), rng, "breast_cancer")
    return x[chosen], y[chosen]


RECORD = Dataset(
    name="breast_cancer",
    label="Breast cancer",
    summary="malignant (0) or benign (1) from 30 measurements, 569 points",
    draw=draw,
    dim=30,
    classes=2,
    source="Wolberg, Street & Mangasarian 1995, Breast cancer Wisconsin (diagnostic), UCI",
)
