"""Format fidelity: the distance fidelity that is left after rounding to bfloat16."""

from __future__ import annotations

from typing import Any

import numpy as np

from actscope.maths.formats import round_to
from actscope.metrics._base import Bounds, Floats, Metric, decomposed
from actscope.metrics._probe import fidelity


def f(x: Floats, h: Floats, distances: Floats, name: str = "bfloat16") -> Any:
    """`distance_fidelity` of h rounded to a format; the layer trace takes any format."""
    return fidelity(decomposed(np.asarray(round_to(h, name), dtype=np.float64))[1], distances)


RECORD = Metric(
    name="format_fidelity",
    label="bfloat16 fidelity",
    summary="distance fidelity after rounding the layer's output to bfloat16",
    account="format",
    f=f,
    needs=frozenset({"distances"}),
    bounds=Bounds(high=1.0),
    perfect=None,
    blind_to=frozenset({"permutation"}),
    source="Kalamkar et al. 2019, A study of bfloat16 for deep learning training",
    least=10,
    cheap=False,
)
