"""Effective rank: how many directions a layer's outputs fill, by entropy."""

from __future__ import annotations

from typing import Any

from actscope.maths import spectra
from actscope.metrics._base import Bounds, Floats, Metric


def f(x: Floats, h: Floats, spectrum: Floats) -> Any:
    """Return exp of the entropy of the centred cloud's singular values, each over their sum."""
    return spectra.effective_rank(spectrum)


RECORD = Metric(
    name="effective_rank",
    label="Effective rank",
    summary="exponential of the entropy of the singular values, about the mean",
    account="exact",
    f=f,
    needs=frozenset({"spectrum"}),
    bounds=Bounds(1.0),
    perfect=None,
    blind_to=frozenset({"rotation", "scaling", "shift", "permutation"}),
    source="Roy & Vetterli 2007, The effective rank: a measure of effective dimensionality",
    least=2,
)
