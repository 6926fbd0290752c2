"""Bits needed: the shortest mantissa that keeps 95 % of the float64 distance fidelity."""

from __future__ import annotations

from typing import Any

import numpy as np

from actscope.maths.formats import round_mantissa
from actscope.metrics._base import Bounds, Floats, Metric
from actscope.metrics._probe import fidelity

KEPT, MOST = 0.95, 52


def f(x: Floats, h: Floats, distances: Floats) -> Any:
    """The smallest number of stored mantissa bits from which on fidelity stays at 95 %.

    Found from above, one bit at a time, because rounding may help by chance at very few bits. NaN
    where float64 itself has no positive fidelity: there is nothing to keep.
    """
    whole = fidelity(h, distances)
    result = np.where(whole > 0.0, float(MOST), np.nan)
    active = whole > 0.0
    for bits in range(MOST - 1, -1, -1):
        if not np.any(active):
            break
        rounded = np.asarray(round_mantissa(h, bits), dtype=np.float64)
        left = fidelity(rounded, distances)
        active = active & (left >= KEPT * whole)
        result = np.where(active, float(bits), result)
    return result


RECORD = Metric(
    name="bits_needed",
    label="Bits needed",
    summary="mantissa bits that keep 95 % of the float64 distance fidelity",
    account="format",
    f=f,
    needs=frozenset({"distances"}),
    bounds=Bounds(0.0, float(MOST)),
    perfect=None,
    blind_to=frozenset({"permutation"}),
    source="own; float32 stores 23 bits, float16 10, bfloat16 7",
    least=10,
    cheap=False,
)
