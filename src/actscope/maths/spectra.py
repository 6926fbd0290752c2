"""Singular values of a cloud of points, and how many directions they fill.

A cloud is an array (n, d): n points with d numbers each. Leading axes are further clouds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def singular_values(cloud: ArrayLike, centre: bool = True) -> Floats:
    """Singular values of a cloud, largest first.

    Args:
        cloud: (..., n, d), finite or not.
        centre: subtract the mean of every coordinate over the points first.

    Returns:
        (..., min(n, d)); NaN for a cloud that holds a NaN or an infinity.

    Example:
        >>> singular_values([[1.0, 0.0], [-1.0, 0.0], [0.0, 2.0], [0.0, -2.0]])
        array([2.82842712, 1.41421356])
    """
    x = np.asarray(cloud, dtype=np.float64)
    good = np.asarray(np.isfinite(x).all(axis=(-2, -1)))
    kept = np.where(good[..., None, None], x, 0.0)
    if centre and kept.shape[-2]:
        kept -= kept.mean(axis=-2, keepdims=True)
    values: Floats = np.linalg.svd(kept, compute_uv=False)
    return np.where(good[..., None], values, np.nan)


def effective_rank(values: ArrayLike) -> Any:
    """Effective rank: the exponential of the entropy of the singular values.

    exp(−Σ pᵢ ln pᵢ) with pᵢ = sᵢ/Σ sⱼ, between 1 and the number of singular values. It weighs
    the singular values themselves, not their squares.

    Args:
        values: (..., k) singular values, at least 0.

    Returns:
        (...) float64; NaN where all are 0 or one is NaN.

    Example:
        >>> float(round(effective_rank([3.0, 3.0, 3.0, 0.0]), 12))
        3.0

    Source: Roy & Vetterli 2007, The effective rank; the same number as RankMe (Garrido et al.
    2023), which adds a small constant to p.
    """
    s = np.asarray(values, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        p = s / s.sum(axis=-1, keepdims=True)
        terms = np.where(p > 0.0, -p * np.log(np.where(p > 0.0, p, 1.0)), p)
        return np.exp(terms.sum(axis=-1))


def participation_ratio(values: ArrayLike) -> Any:
    """Participation ratio: (Σ λᵢ)²/Σ λᵢ² of the variances λᵢ = sᵢ².

    Between 1 and the number of singular values. n points of an isotropic Gaussian in d
    dimensions give about n·d/(n + d), not d.

    Args:
        values: (..., k) singular values, at least 0.

    Returns:
        (...) float64; NaN where all are 0 or one is NaN.

    Example:
        >>> float(round(participation_ratio([2.0, 2.0, 0.0]), 12))
        2.0

    Source: Gao et al. 2017, A theory of multineuronal dimensionality, dynamics and measurement.
    """
    s = np.asarray(values, dtype=np.float64)
    top = s.max(axis=-1, keepdims=True, initial=0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        variances = (s / top) ** 2  # scaled first: squares of 1e-160 would underflow
        return variances.sum(axis=-1) ** 2 / (variances**2).sum(axis=-1)


def stable_rank(values: ArrayLike) -> Any:
    """Stable rank: Σ sᵢ²/max sᵢ², the squared Frobenius norm over the squared spectral norm.

    Between 1 and the number of singular values, and never above the rank.

    Args:
        values: (..., k) singular values, at least 0.

    Returns:
        (...) float64; NaN where all are 0 or one is NaN.

    Example:
        >>> float(stable_rank([2.0, 1.0, 1.0]))
        1.5

    Source: Rudelson & Vershynin 2007, Sampling from large matrices.
    """
    s = np.asarray(values, dtype=np.float64)
    top = s.max(axis=-1, keepdims=True, initial=0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return ((s / top) ** 2).sum(axis=-1)


def log_spectrum(values: ArrayLike, floor: float = 0.0) -> tuple[Any, Any]:
    """Mean and standard deviation of the natural logarithms of singular values.

    Args:
        values: (..., k) singular values, at least 0.
        floor: values at or below floor·(the largest) are left out.

    Returns:
        (mean, spread), each (...); −inf and NaN where nothing is left.

    Example:
        >>> mean, spread = log_spectrum([1.0, 1.0, 1.0])
        >>> float(mean), float(spread)
        (0.0, 0.0)
    """
    s = np.asarray(values, dtype=np.float64)
    top = s.max(axis=-1, keepdims=True, initial=0.0)
    kept = (s > floor * top) & (s > 0.0)
    count = kept.sum(axis=-1)
    logs = np.log(np.where(kept, s, 1.0))
    some = np.maximum(count, 1)
    mean = logs.sum(axis=-1) / some
    square = np.where(kept, (logs - mean[..., None]) ** 2, 0.0).sum(axis=-1) / some
    bad = np.isnan(s).any(axis=-1)
    mean = np.where(count > 0, mean, -np.inf)
    spread = np.where(count > 0, np.sqrt(square), np.nan)
    return np.where(bad, np.nan, mean), np.where(bad, np.nan, spread)
