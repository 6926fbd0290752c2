"""Kernel gradient flow: what a network learns in a training budget if its kernel stands still.

The logits f of the training points follow df/dt = −Θ ∂L/∂f, those of other points
df*/dt = −Θ* ∂L/∂f; t is learning rate × steps. L is the loss of `Training`, a mean over points.

For mse the flow is linear and solved exactly. For bce and cross_entropy it is not; between
moments its curvature is taken for its bound c (1/4, 1/2) and the rest of the slope stands still
(exponential Euler in the kernel's eigenvectors), which no eigenvalue can make unstable.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

MOMENTS = 48  # between which the slope stands still
FIRST = 1e-2  # the first of them, in units of 1/(c·largest eigenvalue)
LAST = 1e12  # the same of the last, where time has no end
SHORT = 1e-290  # a time that is none
CURVATURE = {"bce": 0.25, "cross_entropy": 0.5}


class Flow(NamedTuple):
    """Where the flow ends.

    Attributes:
        trained: (..., n, outputs), the logits of the points that were trained on.
        others: (..., m, outputs), those of the points that were held back.
        values: (..., n), the eigenvalues of the kernel, ascending.
    """

    trained: Floats
    others: Floats
    values: Floats


def kernel_flow(
    kernel: Floats,
    cross: Floats,
    start: Floats,
    others: Floats,
    y: Floats,
    time: ArrayLike,
    loss: str,
) -> Flow:
    """Follow the flow for a time; leading axes are networks.

    Args:
        kernel: (..., n, n), Θ among the training points, the same for every output.
        cross: (..., m, n), Θ of the held-back points with them.
        start: (..., n, outputs), logits before training.
        others: (..., m, outputs), the same of the held-back points.
        y: (n, outputs) targets; for bce 0 and 1, for cross_entropy rows that sum to 1.
        time: learning rate × steps, ≥ 0, one for all or (...); infinity is the end of training.
        loss: "bce", "cross_entropy" or "mse".

    Example:
        >>> end = kernel_flow(np.eye(1), np.eye(1), np.zeros((1, 1)), np.zeros((1, 1)),
        ...                   np.ones((1, 1)), time=np.log(2) / 2, loss="mse")
        >>> end.trained.item(), end.others.item()
        (0.5, 0.5)
    """
    values, vectors = np.linalg.eigh(kernel)
    values = np.maximum(values, 0.0)
    n, outputs = start.shape[-2:]
    times = np.broadcast_to(np.asarray(time, dtype=np.float64), values.shape[:-1])
    if loss == "mse":
        rate = 2.0 / (n * outputs)
        passed = rate * _passed(rate * values, times[..., None])
        along = passed[..., None] * (_turned(vectors) @ (start - y))
    else:
        along = _bent(values, vectors, start, y, times, loss)
    trained = start - (vectors * values[..., None, :]) @ along
    return Flow(trained, others - cross @ (vectors @ along), values)


def _turned(a: Floats) -> Floats:
    return a.swapaxes(-1, -2)


def _passed(rate: Floats, time: Floats) -> Floats:
    """∫₀ᵗ exp(−rate·s) ds; for a rate of 0 and endless time 0, as such directions never move."""
    with np.errstate(divide="ignore", invalid="ignore"):
        whole = -np.expm1(-rate * time) / rate
    return np.where(rate > 0.0, whole, np.where(np.isfinite(time), time, 0.0))


def _bent(
    values: Floats, vectors: Floats, start: Floats, y: Floats, times: Floats, loss: str
) -> Floats:
    """∫ ∂L/∂f dt in the kernel's eigenvectors, (..., n, outputs), for the losses of logits."""
    n, outputs = start.shape[-2:]
    slope = _sigmoid if loss == "bce" else _softmax
    share = n * outputs if loss == "bce" else n
    rates = CURVATURE[loss] / share * values
    back, scaled = _turned(vectors), vectors * values[..., None, :]
    f, along = start, np.zeros_like(start)
    for step in _steps(rates[..., -1], times):
        g = back @ ((slope(f) - y) / share)
        along = along + _passed(rates, step[..., None])[..., None] * g
        f = start - scaled @ along
    return along


def _steps(fastest: Floats, times: Floats) -> Floats:
    """Lengths of the steps, (MOMENTS, ...): short at first, where the fastest direction settles."""
    unit = 1.0 / np.where((fastest > 0.0) & np.isfinite(fastest), fastest, 1.0)
    end = np.minimum(times, LAST * unit)
    first = np.minimum(FIRST * unit, end / MOMENTS)
    shape = np.linspace(0.0, 1.0, MOMENTS).reshape(-1, *(1,) * np.ndim(end))
    with np.errstate(divide="ignore", invalid="ignore"):
        moments = np.where(end > SHORT, first * (end / first) ** shape, 0.0)
    return np.diff(moments, axis=0, prepend=0.0)


def _sigmoid(f: Floats) -> Floats:
    tail = np.exp(-np.abs(f))
    return np.asarray(np.where(f >= 0.0, 1.0, tail) / (1.0 + tail))


def _softmax(f: Floats) -> Floats:
    e = np.exp(f - f.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))
