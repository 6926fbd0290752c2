"""Distance rank correlation: whether near pairs stay near and far pairs far."""

from __future__ import annotations

from typing import Any

import numpy as np

from actscope.maths.clouds import distances
from actscope.metrics._base import Bounds, Floats, Metric


def f(x: Floats, h: Floats) -> Any:
    """Spearman's correlation between all pairwise distances of x and of h."""
    from scipy.stats import rankdata

    before = rankdata(distances(x))
    before -= before.mean()
    result = np.empty(h.shape[:-2])
    for place in np.ndindex(*h.shape[:-2]):
        after = rankdata(distances(h[place]))
        after -= after.mean()
        result[place] = before @ after / np.sqrt((before @ before) * (after @ after))
    return result


RECORD = Metric(
    name="distance_rank_correlation",
    label="Distance rank correlation",
    summary="Spearman's correlation of all pairwise distances with those of the input",
    account="exact",
    f=f,
    bounds=Bounds(-1.0, 1.0),
    perfect=1.0,
    blind_to=frozenset({"rotation", "scaling", "shift", "permutation"}),
    source="Kruskal 1964, Multidimensional scaling by optimizing goodness of fit",
    least=3,
    cheap=False,
)
