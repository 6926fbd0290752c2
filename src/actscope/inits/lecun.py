"""LeCun: N(0, 1/fan_in), which keeps the length under the identity."""

from __future__ import annotations

import numpy as np

from actscope.inits._base import Drawn, Floats, Init, Phi, Sizes, normal


def draw(
    sizes: Sizes, activations: tuple[Phi, ...], rng: np.random.Generator, data: Floats | None
) -> Drawn:
    """Standard deviation √(1/fan_in) in every layer, zero biases."""
    return normal(sizes, [(1.0 / n) ** 0.5 for n in sizes[:-1]], rng)


RECORD = Init(
    name="lecun",
    label="LeCun",
    summary="N(0, 1/fan_in), zero biases",
    rule=draw,
    source="LeCun, Bottou, Orr & Müller 1998, Efficient BackProp",
)
