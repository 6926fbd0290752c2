"""Critical: the edge of chaos at unit variance, the activation's mean taken away.

Where E[φ] is not 0, all inputs share a constant part that pushes their correlation to 1. The
literature takes it away by weights with a negative mean, by weights constrained to sum to 0
(Kutsuna 2019), or by shifting the output, φ − E[φ] (NormProp, Arpit et al. 2016; DKS, Martens
et al. 2021). The output shift is taken here, because it is exact at every width and leaves the
weights independent: (φ − m) @ W + b = φ @ W + (b − m·ΣW), so it lives in the biases of the next
layer and the network stays a plain one.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass

import numpy as np

from actscope.errors import InputError
from actscope.inits._base import Drawn, Floats, Init, Phi, Sizes

Q = 1.0  # the variance of every pre-activation


@dataclass(frozen=True)
class Point:
    """A point of the edge of chaos: what keeps variance q and has χ₁ = 1.

    Attributes:
        mean: m = E[φ], taken away.
        sigma_w2: 1/E[φ'²].
        sigma_b2: q − σw²·Var φ; never negative, because Var φ ≤ q·E[φ'²] (Poincaré).
    """

    mean: float
    sigma_w2: float
    sigma_b2: float


@functools.lru_cache(maxsize=256)  # every network of a study asks
def edge(phi: Phi, q: float = Q) -> Point:
    """The centred critical point of an activation at pre-activation variance q.

    Raises:
        InputError: φ jumps or is constant, so that E[φ'²] is infinite or 0.

    Example:
        >>> from actscope.activations import activation
        >>> point = edge(activation("relu"))
        >>> round(point.mean, 6), round(point.sigma_w2, 6), round(point.sigma_b2, 6)
        (0.398942, 2.0, 0.31831)
    """
    from actscope.maths.gaussian import curve, moments

    m = moments(curve(phi, phi.slope_at, phi.kinks, q))
    slope = m.slope_second.value
    if not 0.0 < slope < np.inf:
        why = "it jumps" if slope > 0.0 else "it is flat"
        raise InputError(
            f"init 'critical' does not apply to {phi.name!r}: E[φ'²] = {slope:g}, because {why}; "
            "choose 'gain' or 'lsuv'"
        )
    sigma_w2 = 1.0 / slope
    mean = m.mean.value if abs(m.mean.value) > m.mean.error else 0.0  # odd: exactly none
    return Point(mean, sigma_w2, max(0.0, q - sigma_w2 * m.variance.value))


def draw(
    sizes: Sizes, activations: tuple[Phi, ...], rng: np.random.Generator, data: Floats | None
) -> Drawn:
    """Hidden layers at the edge of chaos of the activation below; see the module's text.

    The first layer N(0, q/fan_in) hands on the lengths and angles of inputs of unit second
    moment. A later hidden layer has W ~ N(0, σw²/fan_in) and b ~ N(0, σb²) − m·ΣW. The output
    layer has no activation: W ~ N(0, σw²/fan_in), b = −m·ΣW.

    Theory holds the variance at q for every φ; how firmly is the slope of the variance map there:
    .39 for tanh, .70 for sigmoid, .68 for ReLU; .98 for softplus, whose lengths wander at finite
    width; 1.25 for squared ReLU, whose lengths drift off.
    """
    points = [Point(0.0, Q, 0.0), *(edge(phi) for phi in activations)]
    weights, biases = [], []
    for layer, ((fan_in, fan_out), p) in enumerate(
        zip(itertools.pairwise(sizes), points, strict=True)
    ):
        w = (p.sigma_w2 / fan_in) ** 0.5 * rng.standard_normal((fan_in, fan_out))
        hidden = layer < len(activations)
        noise = p.sigma_b2**0.5 * rng.standard_normal(fan_out) if hidden else np.zeros(fan_out)
        weights.append(w)
        biases.append(noise - p.mean * w.sum(axis=0) if p.mean else noise)
    return weights, biases


RECORD = Init(
    name="critical",
    label="Critical, centred",
    summary="edge of chaos at variance 1, the activation's mean taken away through the biases",
    rule=draw,
    source="Schoenholz et al. 2017, Deep information propagation; output shift as in "
    "Martens et al. 2021, Rapid training of deep neural networks without skip connections",
)
