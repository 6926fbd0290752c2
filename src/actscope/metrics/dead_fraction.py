"""Dead fraction: units through which no gradient passes at any point."""

from __future__ import annotations

from typing import Any

from actscope.metrics._base import Bounds, Floats, Metric


def f(x: Floats, h: Floats, slopes: Floats) -> Any:
    """The share of units whose slope is exactly 0 at every point."""
    return (slopes == 0.0).all(axis=-2).mean(axis=-1)


RECORD = Metric(
    name="dead_fraction",
    label="Dead fraction",
    summary="share of units whose slope is 0 at every point",
    account="optimiser",
    f=f,
    needs=frozenset({"slopes"}),
    bounds=Bounds(0.0, 1.0),
    perfect=0.0,
    blind_to=frozenset({"scaling", "shift", "permutation"}),
    source="Maas, Hannun & Ng 2013, Rectifier nonlinearities improve acoustic models",
)
