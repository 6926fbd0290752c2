"""The article's init: He for the ReLU family, 1/fan_in ("Xavier" there) for the rest."""

from __future__ import annotations

import functools

import numpy as np

from actscope.inits._base import Drawn, Floats, Init, Phi, Sizes, normal


@functools.lru_cache(maxsize=256)  # every network of a study asks
def one_sided(phi: Phi) -> bool:
    """Whether φ is of the ReLU family: its slope at 2 is at least twice its slope at −2.

    True for ReLU, ReLU6, leaky ReLU, ELU, SELU, GELU, SiLU, Mish, softplus, squared ReLU; false
    for sigmoid, tanh, hard sigmoid, softsign, sine, identity.
    """
    left, right = phi.slope_at(np.array([-2.0, 2.0]))
    return bool(right > 0.0 and right >= 2.0 * abs(left))


def draw(
    sizes: Sizes, activations: tuple[Phi, ...], rng: np.random.Generator, data: Floats | None
) -> Drawn:
    """Standard deviations √(2/fan_in) or √(1/fan_in) by the layer's activation, zero biases.

    The output layer is scaled as the last hidden layer's activation asks, as in the article.
    """
    after = (*activations, activations[-1]) if activations else ()
    factors = [2.0 if one_sided(phi) else 1.0 for phi in after] or [1.0]
    stds = [(f / n) ** 0.5 for f, n in zip(factors, sizes[:-1], strict=True)]
    return normal(sizes, stds, rng)


RECORD = Init(
    name="article",
    label="The article's",
    summary="N(0, 2/fan_in) for the ReLU family, N(0, 1/fan_in) for the rest, zero biases",
    rule=draw,
    source="the two-moons article, which calls 1/fan_in Xavier; see he and lecun",
)
