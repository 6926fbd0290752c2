"""He: N(0, 2/fan_in), which keeps the length under ReLU."""

from __future__ import annotations

import numpy as np

from actscope.inits._base import Drawn, Floats, Init, Phi, Sizes, normal


def draw(
    sizes: Sizes, activations: tuple[Phi, ...], rng: np.random.Generator, data: Floats | None
) -> Drawn:
    """Standard deviation √(2/fan_in) in every layer, zero biases."""
    return normal(sizes, [(2.0 / n) ** 0.5 for n in sizes[:-1]], rng)


RECORD = Init(
    name="he",
    label="He",
    summary="N(0, 2/fan_in), zero biases",
    rule=draw,
    source="He, Zhang, Ren & Sun 2015, Delving deep into rectifiers",
)
