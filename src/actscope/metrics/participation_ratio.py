"""Participation ratio: how many directions carry a layer's variance."""

from __future__ import annotations

from typing import Any

from actscope.maths import spectra
from actscope.metrics._base import Bounds, Floats, Metric


def f(x: Floats, h: Floats, spectrum: Floats) -> Any:
    """(Σλ)²/Σλ² of the variances λ along the principal directions of the cloud."""
    return spectra.participation_ratio(spectrum)


RECORD = Metric(
    name="participation_ratio",
    label="Participation ratio",
    summary="(Σλ)²/Σλ² of the principal variances",
    account="exact",
    f=f,
    needs=frozenset({"spectrum"}),
    bounds=Bounds(1.0),
    perfect=None,
    blind_to=frozenset({"rotation", "scaling", "shift", "permutation"}),
    source="Gao et al. 2017, A theory of multineuronal dimensionality, dynamics and measurement",
    least=2,
)
