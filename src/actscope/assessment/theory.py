"""What theory says of an activation before any network is drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from actscope.activations._base import Activation, Floats
from actscope.errors import InputError

ROUNDING = 1e-24  # the square of what rounding leaves of a mean that is 0
START = 0.5  # the correlation of the two inputs that are followed through depth


@dataclass(frozen=True)
class Recommendation:
    """The init to start from, with the scales it draws at.

    Attributes:
        init: its name on the inits shelf.
        sigma_w: standard deviation of the weights times √fan_in.
        sigma_b: standard deviation of the biases.
        why: one clause.
    """

    init: str
    sigma_w: float
    sigma_b: float
    why: str


@dataclass(frozen=True)
class DepthRow:
    """What is predicted at one depth, at the fixed-point gain with no bias.

    Attributes:
        depth: number of hidden layers.
        largest_product: log10 of the largest product of slopes along one path.
        rms_product: log10 of the root mean square of that product, one slope a layer at
            z ~ N(0, 1): E[φ'²]^(depth/2).
        gradient: log10 of the predicted ratio of first-layer to last-layer gradient norm,
            χ₁^(depth/2): the slopes together with the weights.
        correlation: of two inputs that start at 0.5.
        correlation_centred: the same in a network that takes the mean away at every layer.
    """

    depth: int
    largest_product: float
    rms_product: float
    gradient: float
    correlation: float
    correlation_centred: float


@dataclass(frozen=True)
class Theory:
    """The mean-field account of one activation, centred and uncentred.

    Attributes:
        gain: the fixed-point gain E[φ²]^(−1/2).
        torch_gain: what torch.nn.init.calculate_gain gives for it, or None where it has no entry.
        constant_part: E[φ]²/E[φ²], the share of the second moment that tells inputs apart not
            at all.
        chi_1: slope of the uncentred correlation map at 1, at the gain and no bias.
        chi_1_centred: slope of the centred one.
        chi_q: slope of the variance map.
        phase: ordered, critical or chaotic, by χ₁ of the uncentred map.
        xi_c: depth scale of the uncentred correlation, in layers.
        xi_c_centred: depth scale of the centred one.
        xi_q: depth scale of lengths.
        recommended: the init to start from.
        depths: one row for each depth asked for.
        correlations: c on [0, 1], (101,); the uncentred and the centred map there, (101,) each.
        iterates: the correlation of two inputs layer by layer from 0.5: uncentred and centred,
            each (deepest + 1,).
    """

    gain: float
    torch_gain: float | None
    constant_part: float
    chi_1: float
    chi_1_centred: float
    chi_q: float
    phase: str
    xi_c: float
    xi_c_centred: float
    xi_q: float
    recommended: Recommendation
    depths: tuple[DepthRow, ...]
    correlations: tuple[Floats, Floats, Floats]
    iterates: tuple[Floats, Floats]


def theory(activation: Activation, depths: Sequence[int], lipschitz: float) -> Theory:
    """The mean-field account of an activation at its fixed-point gain.

    Args:
        activation: any elementwise activation.
        depths: the depths to predict for.
        lipschitz: its largest |slope|, for the product along one path.

    Raises:
        InputError: the activation is not finite somewhere, or is 0 or constant wherever
            inputs are.

    Example:
        >>> from actscope.activations import activation
        >>> sigmoid = theory(activation("sigmoid"), (8,), 0.25)
        >>> round(sigmoid.chi_1, 3), round(sigmoid.chi_1_centred, 3), round(sigmoid.xi_c, 2)
        (0.153, 1.034, 0.53)
    """
    from actscope.maths.depth import predict
    from actscope.maths.meanfield import correlation_map, maps, mean_field

    parts = (activation, activation.slope_at, activation.kinks)
    field = mean_field(*parts)
    if field.variance == 0.0:
        raise InputError(f"{activation.label} is constant: nothing of its input is left to assess")
    deepest = max(depths)
    far = predict(*parts, depth=deepest, sigma_w=field.sigma_w, c=START)
    grid = np.linspace(0.0, 1.0, 101)
    both = correlation_map(maps(*parts, sigma_w=field.sigma_w), grid)
    return Theory(
        gain=field.gain,
        torch_gain=torch_gain(activation),
        constant_part=field.constant_part if field.constant_part > ROUNDING else 0.0,
        chi_1=field.chi_1,
        chi_1_centred=field.chi_1_centred,
        chi_q=field.chi_q,
        phase=field.phase,
        xi_c=field.xi_c,
        xi_c_centred=field.xi_c_centred,
        xi_q=field.xi_q,
        recommended=recommend(activation),
        depths=tuple(
            DepthRow(
                depth=depth,
                largest_product=depth * _log10(lipschitz),
                rms_product=depth / 2 * _log10(field.chi_1 / field.sigma_w**2),
                gradient=depth / 2 * _log10(field.chi_1),
                correlation=float(far.c[depth]),
                correlation_centred=float(far.c_recentred[depth]),
            )
            for depth in depths
        ),
        correlations=(grid, both.uncentred, both.centred),
        iterates=(far.c, far.c_recentred),
    )


def recommend(activation: Activation) -> Recommendation:
    """The init to start from: the centred edge of chaos where there is one, else the gain.

    Raises:
        InputError: no rule that needs no data applies to it.
    """
    from actscope.inits._base import fixed_point_gain
    from actscope.inits.critical import edge

    try:
        point = edge(activation)
    except InputError:
        why = "its slope is infinite or 0 somewhere, so it has no edge of chaos"
        return Recommendation("gain", fixed_point_gain(activation), 0.0, why)
    why = "squared gradients keep their size (χ₁ = 1)"
    if point.mean:
        why += f", and its mean {point.mean:.3g} is taken away through the biases"
    return Recommendation("critical", math.sqrt(point.sigma_w2), math.sqrt(point.sigma_b2), why)


def torch_gain(activation: Activation) -> float | None:
    """The value of torch.nn.init.calculate_gain for this activation, or None.

    Only the ReLU family's are fixed-point gains: tanh's is 5/3 against 1.5925, SELU's 3/4
    against 1, the sigmoid's 1 against 1.846.
    """
    from actscope.maths.lengths import TORCH_GAINS

    if activation.name == "leaky_relu":
        return math.sqrt(2.0 / (1.0 + activation.values[0] ** 2))
    return TORCH_GAINS.get(activation.name)


def _log10(value: float) -> float:
    """log10, −∞ at 0."""
    return math.log10(value) if value > 0.0 else -math.inf
