"""Zero fraction: outputs that are exactly 0, which a sparse kernel could skip."""

from __future__ import annotations

from typing import Any

from actscope.metrics._base import Bounds, Floats, Metric


def f(x: Floats, h: Floats) -> Any:
    """The share of (point, unit) pairs with h = 0."""
    return (h == 0.0).mean(axis=(-2, -1))


RECORD = Metric(
    name="zero_fraction",
    label="Zero fraction",
    summary="share of outputs that are exactly 0",
    account="optimiser",
    f=f,
    bounds=Bounds(0.0, 1.0),
    perfect=0.0,
    blind_to=frozenset({"scaling", "permutation"}),
    source="Glorot, Bordes & Bengio 2011, Deep sparse rectifier neural networks",
)
