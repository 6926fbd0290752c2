"""Xavier (Glorot): N(0, 2/(fan_in + fan_out)), between what forward and backward ask."""

from __future__ import annotations

import itertools

import numpy as np

from actscope.inits._base import Drawn, Floats, Init, Phi, Sizes, normal


def draw(
    sizes: Sizes, activations: tuple[Phi, ...], rng: np.random.Generator, data: Floats | None
) -> Drawn:
    """Standard deviation √(2/(fan_in + fan_out)) in every layer, zero biases."""
    return normal(sizes, [(2.0 / (i + o)) ** 0.5 for i, o in itertools.pairwise(sizes)], rng)


RECORD = Init(
    name="xavier",
    label="Xavier (Glorot)",
    summary="N(0, 2/(fan_in + fan_out)), zero biases",
    rule=draw,
    source="Glorot & Bengio 2010, Understanding the difficulty of training deep networks",
)
