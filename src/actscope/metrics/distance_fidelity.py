"""Distance fidelity: how well a linear reader recovers the distance to the true boundary."""

from __future__ import annotations

from typing import Any

from actscope.metrics._base import Bounds, Floats, Metric
from actscope.metrics._probe import fidelity


def f(x: Floats, h: Floats, distances: Floats, coordinates: Floats) -> Any:
    """Cross-validated R² of a ridge probe from h to the signed distances, 5 folds."""
    return fidelity(coordinates, distances)


RECORD = Metric(
    name="distance_fidelity",
    label="Distance fidelity",
    summary="5-fold R² of a linear probe from the layer to the signed boundary distance",
    account="exact",
    f=f,
    needs=frozenset({"distances", "coordinates"}),
    bounds=Bounds(high=1.0),
    perfect=1.0,
    blind_to=frozenset({"rotation", "scaling", "shift", "affine", "permutation"}),
    source="Alain & Bengio 2017, Understanding intermediate layers using linear classifier probes",
    least=10,
)
