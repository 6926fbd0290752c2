"""Bits needed: the shortest mantissa that keeps 95 % of the float64 distance fidelity."""

from __future__ import annotations

from typing import Any

import numpy as np

from actscope.maths.formats import round_mantissa
from actscope.metrics._base import Bounds, Floats, Metric, decomposed
from actscope.metrics._probe import fidelity

KEPT, MOST = 0.95, 52


def f(x: Floats, h: Floats, distances: Floats) -> Any:
    """The number m of stored mantissa bits at which fidelity holds, and at m − 1 no more.

    Found by bisection between 0 and 52. NaN where float64 itself has no positive fidelity: there
    is nothing to keep.
    """
    whole = fidelity(decomposed(h)[1], distances)
    low, high = np.full(np.shape(whole), -1), np.full(np.shape(whole), MOST)  # fails, holds
    while np.any(high - low > 1):
        middle = (low + high) // 2
        rounded = np.empty_like(h)
        for bits in np.unique(middle):
            rows = middle == bits
            rounded[rows] = round_mantissa(h[rows], int(bits)) if bits >= 0 else 0.0
        holds = fidelity(decomposed(rounded)[1], distances) >= KEPT * whole
        low, high = np.where(holds, low, middle), np.where(holds, middle, high)
    return np.where(whole > 0.0, high.astype(np.float64), np.nan)


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
