"""Gain: the fixed-point weight scale of each activation, g = E[φ²]^(−1/2)."""

from __future__ import annotations

import numpy as np

from actscope.inits._base import Drawn, Floats, Init, Phi, Sizes, fixed_point_gain, normal


def draw(
    sizes: Sizes, activations: tuple[Phi, ...], rng: np.random.Generator, data: Floats | None
) -> Drawn:
    """Standard deviation g/√fan_in, g the gain of the activation below; zero biases.

    The first layer has g = 1: inputs of unit second moment give pre-activations of variance 1,
    and every further layer, the output included, keeps 1. (PyTorch's `calculate_gain` is another
    number for tanh, SELU and sigmoid.)
    """
    gains = [1.0, *(fixed_point_gain(phi) for phi in activations)]
    return normal(sizes, [g / n**0.5 for g, n in zip(gains, sizes[:-1], strict=True)], rng)


RECORD = Init(
    name="gain",
    label="Fixed-point gain",
    summary="N(0, g²/fan_in) with g = E[φ²]^(−1/2) of the activation below, zero biases",
    rule=draw,
    source="Klambauer et al. 2017, Self-normalizing neural networks; Poole et al. 2016",
)
