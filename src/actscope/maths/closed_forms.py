"""Averages over normal variables that are known in closed form, all in one place.

For (u, v) normal with variance q and correlation c: kernel K(c) = E[φ(u)·φ(v)] and slope
kernel E[φ'(u)·φ'(v)] = K'(c)/q (Price's theorem). `gaussian` and `pairs` compute the same by
panels and series; the tests hold the two against each other.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Kernel = Callable[..., Floats]  # (c, q, *values): correlations, variance, parameters


@dataclass(frozen=True)
class ClosedForm:
    """What is known of one activation.

    Attributes:
        mean: (q, *values) to E[φ].
        kernel: (c, q, *values) to E[φ(u)·φ(v)]; at c = 1 this is E[φ²].
        slope_kernel: (c, q, *values) to E[φ'(u)·φ'(v)]; at c = 1 this is E[φ'²].
        source: the paper.
    """

    mean: Callable[..., float]
    kernel: Kernel
    slope_kernel: Kernel
    source: str


def _wedge(c: Floats) -> Floats:
    """P(u > 0, v > 0)."""
    result: Floats = 0.5 - np.arccos(c) / (2.0 * math.pi)
    return result


def _relu(c: Floats, q: float) -> Floats:
    sine = np.sqrt((1.0 - c) * (1.0 + c))
    result: Floats = q * (sine / (2.0 * math.pi) + c * _wedge(c))
    return result


def _squared_relu(c: Floats, q: float) -> Floats:
    angle = np.arccos(c)
    sines = 3.0 * np.sqrt((1.0 - c) * (1.0 + c)) * c
    turned = sines + (math.pi - angle) * (1.0 + 2.0 * c * c)
    result: Floats = q * q / (2.0 * math.pi) * turned
    return result


def _gelu(c: Floats, q: float) -> Floats:
    # Stein's lemma on both factors x of x·Φ(x)·y·Φ(y)
    root = 1.0 / np.sqrt((1.0 + q - q * c) * (1.0 + q + q * c))
    both = 0.25 + np.arcsin(q * c / (1.0 + q)) / (2.0 * math.pi)  # E[Φ(u)·Φ(v)]
    bend = (1.0 + c * c + q * (1.0 - c) * (1.0 + c)) / (1.0 + q)
    result: Floats = q * c * both + q * q * root / (2.0 * math.pi) * bend
    return result


def _gelu_slope(c: Floats, q: float) -> Floats:
    root = 1.0 / np.sqrt((1.0 + q - q * c) * (1.0 + q + q * c))
    both = 0.25 + np.arcsin(q * c / (1.0 + q)) / (2.0 * math.pi)
    bend = (1.0 + c * c + q * (1.0 - c) * (1.0 + c)) / (1.0 + q)
    bent = (q * root) ** 2 * bend + (3.0 - q) / (1.0 + q)
    result: Floats = both + q * c * root / (2.0 * math.pi) * bent
    return result


CLOSED_FORMS: dict[str, ClosedForm] = {
    "identity": ClosedForm(
        mean=lambda q: 0.0,
        kernel=lambda c, q: q * c,
        slope_kernel=lambda c, q: 1.0 + 0.0 * c,
        source="by definition",
    ),
    "abs": ClosedForm(
        mean=lambda q: math.sqrt(2.0 * q / math.pi),
        kernel=lambda c, q: 4.0 * _relu(c, q) - q * c,
        slope_kernel=lambda c, q: 4.0 * _wedge(c) - 1.0,
        source="|x| = 2·relu(x) − x and Cho & Saul 2009",
    ),
    "relu": ClosedForm(
        mean=lambda q: math.sqrt(q / (2.0 * math.pi)),
        kernel=_relu,
        slope_kernel=lambda c, q: _wedge(c),
        source="Cho & Saul 2009, Kernel methods for deep learning (order 1)",
    ),
    "leaky_relu": ClosedForm(
        mean=lambda q, slope: (1.0 - slope) * math.sqrt(q / (2.0 * math.pi)),
        kernel=lambda c, q, slope: slope * q * c + (1.0 - slope) ** 2 * _relu(c, q),
        slope_kernel=lambda c, q, slope: slope + (1.0 - slope) ** 2 * _wedge(c),
        source="slope·x + (1 − slope)·relu(x) and Cho & Saul 2009",
    ),
    "squared_relu": ClosedForm(
        mean=lambda q: 0.5 * q,
        kernel=_squared_relu,
        slope_kernel=lambda c, q: 4.0 * _relu(c, q),
        source="Cho & Saul 2009, Kernel methods for deep learning (order 2)",
    ),
    "erf": ClosedForm(
        mean=lambda q: 0.0,
        kernel=lambda c, q: 2.0 / math.pi * np.arcsin(2.0 * q * c / (1.0 + 2.0 * q)),
        slope_kernel=lambda c, q: (
            4.0 / math.pi / np.sqrt((1.0 + 2.0 * q * (1.0 - c)) * (1.0 + 2.0 * q * (1.0 + c)))
        ),
        source="Williams 1997, Computing with infinite networks",
    ),
    "gelu": ClosedForm(
        mean=lambda q: q / math.sqrt(2.0 * math.pi * (1.0 + q)),
        kernel=_gelu,
        slope_kernel=_gelu_slope,
        source="Stein's lemma; as in Tsuchida et al. 2021, Avoiding kernel fixed points",
    ),
    "sin": ClosedForm(
        mean=lambda q: 0.0,
        # e^(−q)·sinh(q·c), written so that nothing overflows or cancels
        kernel=lambda c, q: (
            -0.5 * np.sign(c) * np.exp(q * (np.abs(c) - 1.0)) * np.expm1(-2.0 * q * np.abs(c))
        ),
        slope_kernel=lambda c, q: 0.5 * (np.exp(q * (c - 1.0)) + np.exp(-q * (c + 1.0))),
        source="characteristic function of the normal distribution",
    ),
}
