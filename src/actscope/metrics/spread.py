"""Spread: the standard deviation of a layer's outputs, over points and units together."""

from __future__ import annotations

from typing import Any

from actscope.metrics._base import Bounds, Floats, Metric


def f(x: Floats, h: Floats) -> Any:
    """Return std(h) over all points and units, what the article prints for a hidden layer."""
    return h.std(axis=(-2, -1))


RECORD = Metric(
    name="spread",
    label="Spread",
    summary="standard deviation of the outputs over points and units; the article's measure",
    account="optimiser",
    f=f,
    bounds=Bounds(0.0),
    perfect=None,
    blind_to=frozenset({"permutation"}),
    source="the two-moons article",
)
