"""Linear regions on a segment: how often a piecewise-linear network bends along a line."""

from __future__ import annotations

from typing import Any

from actscope.metrics._base import Bounds, Floats, Metric
from actscope.metrics._pieces import Pieces, crossed, each


def f(x: Floats, h: Floats, network: Pieces) -> Any:
    """The regions that the segment of `network` crosses, found exactly; NaN for smooth nets."""
    return each(network, h.shape[:-2], crossed)


RECORD = Metric(
    name="linear_regions",
    label="Linear regions on a segment",
    summary="activation regions that a segment of inputs crosses; piecewise-linear nets only",
    account="exact",
    f=f,
    needs=frozenset({"network"}),
    bounds=Bounds(1.0),
    perfect=1.0,
    blind_to=frozenset({"rotation", "scaling", "shift", "affine", "permutation"}),
    source="Hanin & Rolnick 2019, Complexity of linear regions in deep networks",
    cheap=False,
)
