"""Linear regions in a box: all the affine pieces of a network of two inputs."""

from __future__ import annotations

from typing import Any

from actscope.metrics._base import Bounds, Floats, Metric
from actscope.metrics._pieces import Pieces, count_in_box, each


def f(x: Floats, h: Floats, network: Pieces) -> Any:
    """The regions of `network` inside its box, counted exactly.

    NaN for smooth networks and for inputs of more or fewer than two dimensions.
    """
    return each(network, h.shape[:-2], count_in_box)


RECORD = Metric(
    name="linear_regions_box",
    label="Linear regions in the box",
    summary="activation regions inside the box that holds the points; two inputs only",
    account="exact",
    f=f,
    needs=frozenset({"network"}),
    bounds=Bounds(1.0),
    perfect=1.0,
    blind_to=frozenset({"rotation", "scaling", "shift", "affine", "permutation"}),
    source="Montúfar, Pascanu, Cho & Bengio 2014, On the number of linear regions",
    cheap=False,
)
