"""CKA: how alike the inner products of a layer's outputs and of the inputs are."""

from __future__ import annotations

from typing import Any

import numpy as np

from actscope.maths.clouds import centred
from actscope.metrics._base import Bounds, Floats, Metric


def hsic(x: Floats, h: Floats) -> Any:
    """The unbiased HSIC of two linear kernels, (...), from the features alone.

    (tr KL + (1'K1)(1'L1)/((n−1)(n−2)) − 2·1'KL1/(n−2))/(n(n−3)) with K = xx' and L = hh', both
    with their diagonals set to 0; no n×n matrix is built.

    Args:
        x: (..., n, d) with n ≥ 4.
        h: (..., n, k).

    Source: Song et al. 2012, Feature selection via dependence maximization, equation 5.
    """
    n = x.shape[-2]
    x, h = centred(x), centred(h)  # both kernels' row sums are then minus their diagonals
    own, other = (np.einsum("...ni,...ni->...n", c, c) for c in (x, h))
    cross = x.swapaxes(-1, -2) @ h
    trace = (cross**2).sum(axis=(-2, -1)) - (own * other).sum(axis=-1)
    sums = own.sum(axis=-1) * other.sum(axis=-1) / ((n - 1) * (n - 2))
    return (trace + sums - 2.0 / (n - 2) * (own * other).sum(axis=-1)) / (n * (n - 3))


def biased(x: Floats, h: Floats) -> Any:
    """The common, biased linear CKA, |x'h|²/(|x'x|·|h'h|) about the means: above 0 for noise.

    Independent Gaussian clouds of n points in p and q dimensions have about
    1/√((1 + n/p)(1 + n/q)).
    """
    x, h = centred(x), centred(h)
    norms = [np.linalg.norm(a.swapaxes(-1, -2) @ b, axis=(-2, -1)) for a, b in ((x, x), (h, h))]
    return np.linalg.norm(x.swapaxes(-1, -2) @ h, axis=(-2, -1)) ** 2 / (norms[0] * norms[1])


def f(x: Floats, h: Floats) -> Any:
    """Debiased linear CKA, HSIC(x, h)/√(HSIC(x, x)·HSIC(h, h)); about 0 for noise."""
    scale = np.abs(h).max(axis=(-2, -1), keepdims=True)
    h = centred(h / np.where(scale > 0.0, scale, 1.0))
    flat = np.abs(h).max(axis=(-2, -1)) < 1e-14  # a constant cloud, up to its rounding
    own = hsic(h, h)
    value = hsic(x, h) / np.sqrt(np.where(flat, 0.0, hsic(x, x) * own))
    return np.where(np.isfinite(value), np.clip(value, -1.0, 1.0), np.nan)


RECORD = Metric(
    name="cka",
    label="CKA with the input",
    summary="debiased linear centred kernel alignment of the layer with the network's input",
    account="exact",
    f=f,
    bounds=Bounds(-1.0, 1.0),
    perfect=1.0,
    blind_to=frozenset({"rotation", "scaling", "shift", "permutation"}),
    source="Kornblith et al. 2019, Similarity of neural network representations revisited; "
    "debiased as in Song et al. 2012 and Murphy, Zylberberg & Fyshe 2024",
    least=4,
)
