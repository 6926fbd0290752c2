"""What mean-field theory predicts at each depth: length, angle, gradient."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actscope.errors import BadParameter
from actscope.maths import pairs
from actscope.maths.gaussian import Scalar
from actscope.maths.lengths import LARGEST, SMALLEST
from actscope.maths.meanfield import Maps, correlation_map, maps

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Prediction:
    """Two inputs of equal length on their way through a wide random network.

    Entry l of each array is what is predicted of layer l's pre-activations, entry 0 what was
    given; all arrays are (depth + 1,).

    Attributes:
        q: the variance (squared length over width); 0 or infinite once it leaves 1e-16 … 1e12.
        c: the correlation (cosine) of the two.
        apart: 1 − c, exact where c rounds to 1.
        angle: the angle between them in radians, 2·asin(√(apart/2)).
        c_centred: the correlation of the activations that made this layer, after their common
            mean E[φ] is taken away; what an affine-invariant reader sees.
        c_recentred: the correlation in a network that takes the mean away at every layer: the
            centred map, iterated.
        chi: σw²·E[φ'²] of the layer below, the factor of a squared gradient; entry 0 is 1.
    """

    q: Floats
    c: Floats
    apart: Floats
    angle: Floats
    c_centred: Floats
    c_recentred: Floats
    chi: Floats


def predict(
    f: Scalar,
    df: Scalar,
    kinks: Iterable[float] = (),
    *,
    depth: int,
    sigma_w: float,
    sigma_b: float = 0.0,
    q: float = 1.0,
    c: float = 0.5,
) -> Prediction:
    """Length, angle and gradient factor, layer by layer.

    Args:
        f: φ(x), elementwise.
        df: φ'(x).
        kinks: points of x where φ or φ' jumps.
        depth: number of layers, at least 1.
        sigma_w: standard deviation of the weights times √fan_in.
        sigma_b: standard deviation of the biases.
        q: variance of the first pre-activations, positive.
        c: correlation of the first pre-activations, in [−1, 1].

    Raises:
        BadParameter: an argument is out of range.
        InputError: φ or φ' is not finite somewhere.

    Example:
        >>> relu = lambda x: np.maximum(x, 0.0)
        >>> p = predict(relu, lambda x: np.heaviside(x, 0.0), (0.0,), depth=3, sigma_w=2**0.5)
        >>> p.q.round(9), p.c.round(6)
        (array([1., 1., 1., 1.]), array([0.5     , 0.608998, 0.683906, 0.738128]))

    Source: Poole et al. 2016, Exponential expressivity in deep neural networks through transient
    chaos.
    """
    if depth < 1:
        raise BadParameter(f"depth = {depth!r}: expected a whole number of at least 1")
    if not -1.0 <= c <= 1.0:
        raise BadParameter(f"c = {c!r}: a correlation lies in [-1, 1]")
    kinks = tuple(kinks)
    rows = [(q, 1.0 - c, 1.0 - c, 1.0 - c, 1.0)]
    layer = None
    for _ in range(depth):
        q_in, below, _, recentred, _ = rows[-1]
        at = min(max(q_in, SMALLEST), LARGEST)
        if layer is None or abs(at - layer.q) > 1e-14 * at:  # else a fixed point: same maps
            layer = maps(f, df, kinks, q=at, sigma_w=sigma_w, sigma_b=sigma_b)
        out = layer.q_out if at == q_in else q_in
        rows.append((_limit(out), *_step(layer, below, recentred), layer.chi_1))
    q_, below_, centred_, recentred_, chi_ = np.array(rows, dtype=np.float64).T
    angle = 2.0 * np.arcsin(np.sqrt(below_ / 2.0))
    return Prediction(q_, 1.0 - below_, below_, angle, 1.0 - centred_, 1.0 - recentred_, chi_)


def _step(m: Maps, below: float, recentred: float) -> tuple[float, float, float]:
    """1 − c after the layer: uncentred, its centred part, and the centred map's own iterate."""
    fresh = _apart(m, below)
    return fresh[0], fresh[1], (fresh if recentred == below else _apart(m, recentred))[1]


def _apart(m: Maps, below: float) -> tuple[float, float]:
    """1 − C and 1 − C_centred at correlation 1 − below."""
    if below <= 1.0:
        lost = float(pairs.gap(m.pairs, below).value)
        return m.sigma_w2 * lost / m.q_out, lost / m.moments.variance.value
    both = correlation_map(m, 1.0 - below)
    return 1.0 - float(both.uncentred), 1.0 - float(both.centred)


def _limit(q: float) -> float:
    return 0.0 if q < SMALLEST else np.inf if q > LARGEST else q
