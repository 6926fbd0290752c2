"""Far-near resolution: can the layer tell a point 50 from the boundary from one 5 from it?"""

from __future__ import annotations

from typing import Any

import numpy as np

from actscope.metrics._base import Bounds, Floats, Metric

NEAR, FAR = 5.0, 50.0


def f(x: Floats, h: Floats) -> Any:
    """The mean of log₁₀(|h(50) − h(0)|/|h(5) − h(0)|) over the boundary points.

    The rows are m boundary points, then the same moved by 5, then by 50, along the normal. 1 when
    distances are kept, 0 when the far point is no farther than the near one (saturation), above
    1 when far distances are stretched. A boundary point that either is not moved away from counts
    0: nothing is resolved.
    """
    m = h.shape[-2] // 3
    start, near, far = h[..., :m, :], h[..., m : 2 * m, :], h[..., 2 * m : 3 * m, :]
    to_near = np.linalg.norm(near - start, axis=-1)
    to_far = np.linalg.norm(far - start, axis=-1)
    moved = (to_near > 0.0) & (to_far > 0.0)
    ratio = np.where(moved, to_far, 1.0) / np.where(moved, to_near, 1.0)
    return np.log10(ratio).mean(axis=-1) / np.log10(FAR / NEAR)


RECORD = Metric(
    name="far_near_resolution",
    label="Far-near resolution",
    summary="log₁₀ of how much farther a point 50 from the boundary lies than one 5 from it",
    account="exact",
    f=f,
    needs=frozenset({"ladder"}),
    bounds=Bounds(),
    perfect=1.0,
    blind_to=frozenset({"rotation", "scaling", "shift", "permutation"}),
    source="the seed documents' claim that sigmoid cannot tell distance 5 from distance 50",
    least=3,
)
