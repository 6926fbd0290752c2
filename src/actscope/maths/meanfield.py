"""How length and angle travel through a wide random network, layer by layer.

Convention throughout: weights of variance σw²/fan_in, biases of variance σb². With
x ~ N(0, q) and u, v of variance q and correlation c:

- variance map Q(q) = σw²·E[φ(x)²] + σb², slope χq = Q'(q) = σw²·E[z·φ·φ']/√q (x = √q·z);
- correlation map, uncentred: C(c) = (σw²·E[φ(u)·φ(v)] + σb²)/Q(q), C'(1) = χ₁ at a fixed point,
  χ₁ = σw²·E[φ'(x)²];
- correlation map, centred: (E[φ(u)·φ(v)] − m²)/(E[φ²] − m²), m = E[φ], which no scale, bias or
  constant part of φ changes. One of the two alone misleads wherever m ≠ 0: always read both.

Source: Poole et al. 2016, Exponential expressivity in deep neural networks through transient
chaos; Schoenholz et al. 2017, Deep information propagation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from actscope.errors import BadParameter
from actscope.maths import gaussian, pairs
from actscope.maths.gaussian import Curve, Moments, Scalar
from actscope.maths.lengths import LARGEST, SMALLEST, fixed_point, gain

Floats = NDArray[np.floating[Any]]

CRITICAL = 1e-6  # |χ₁ − 1| below this is critical: a depth scale of a million layers is none


@dataclass(frozen=True)
class Maps:
    """Both maps at one variance: what every other function here is computed from.

    Attributes:
        curve: φ(√q·z).
        moments: its averages.
        pairs: its expansion for correlated pairs.
        sigma_w2: σw².
        sigma_b2: σb².
    """

    curve: Curve
    moments: Moments
    pairs: pairs.Expansion
    sigma_w2: float
    sigma_b2: float

    @property
    def q(self) -> float:
        """The variance that goes in."""
        return self.curve.q

    @property
    def q_out(self) -> float:
        """The variance that comes out, Q(q)."""
        return self.sigma_w2 * self.moments.second.value + self.sigma_b2

    @property
    def chi_1(self) -> float:
        """σw²·E[φ'²]: the factor of a squared gradient, a layer."""
        return self.sigma_w2 * self.moments.slope_second.value

    @property
    def chi_q(self) -> float:
        """Q'(q)."""
        return self.sigma_w2 * self.moments.drift.value

    def apart(self, below: ArrayLike) -> Floats:
        """1 − C(1 − below): exact for inputs that nearly coincide. `below` in [0, 1]."""
        return self.sigma_w2 / self.q_out * pairs.gap(self.pairs, below).value

    def apart_centred(self, below: ArrayLike) -> Floats:
        """1 − C_centred(1 − below)."""
        result: Floats = pairs.gap(self.pairs, below).value / self.moments.variance.value
        return result


def maps(
    f: Scalar,
    df: Scalar,
    kinks: Iterable[float] = (),
    *,
    q: float = 1.0,
    sigma_w: float = 1.0,
    sigma_b: float = 0.0,
) -> Maps:
    """The variance and correlation maps of φ at variance q.

    Args:
        f: φ(x), elementwise.
        df: φ'(x).
        kinks: points of x where φ or φ' jumps.
        q: the variance of the pre-activations, in (0, ∞).
        sigma_w: standard deviation of the weights times √fan_in, positive.
        sigma_b: standard deviation of the biases, at least 0.

    Raises:
        BadParameter: q or a standard deviation is out of range.
        InputError: φ or φ' is not finite somewhere.
    """
    if not (sigma_w > 0.0 and math.isfinite(sigma_w)):
        raise BadParameter(f"sigma_w = {sigma_w!r}: expected a positive, finite number")
    if not (sigma_b >= 0.0 and math.isfinite(sigma_b)):
        raise BadParameter(f"sigma_b = {sigma_b!r}: expected a finite number of at least 0")
    c = gaussian.curve(f, df, kinks, q)
    m = gaussian.moments(c)
    return Maps(c, m, pairs.expand_curve(c, m), sigma_w**2, sigma_b**2)


class Correlations(NamedTuple):
    """Both correlation maps at the same correlations."""

    uncentred: Floats
    centred: Floats


def correlation_map(m: Maps, c: ArrayLike) -> Correlations:
    """Both correlation maps.

    Args:
        m: the maps at one variance.
        c: correlations in [−1, 1], any shape.

    Returns:
        C(c) = (σw²·K(c) + σb²)/Q(q) and (K(c) − m²)/(E[φ²] − m²), each of the shape of c.

    Raises:
        BadParameter: a correlation lies outside [−1, 1].

    Example:
        >>> relu = maps(lambda x: np.maximum(x, 0.0), lambda x: np.heaviside(x, 0.0), (0.0,))
        >>> both = correlation_map(relu, [0.0, 0.5, 1.0])
        >>> both.uncentred.round(6), both.centred.round(6) + 0.0
        (array([0.31831 , 0.608998, 1.      ]), array([0.      , 0.426422, 1.      ]))
    """
    kernel = pairs.product(m.pairs, c).value
    uncentred = (m.sigma_w2 * kernel + m.sigma_b2) / m.q_out
    # near c = 0 the series without its constant term, elsewhere the distance to E[φ²]
    changing = np.concatenate([[0.0], m.pairs.powers[1:]])
    low = np.polynomial.polynomial.polyval(np.asarray(c, dtype=np.float64), changing)
    high = m.moments.variance.value - (m.moments.second.value - kernel)
    centred = np.where(np.abs(c) < 0.5, low, high) / m.moments.variance.value
    return Correlations(uncentred, centred)


@dataclass(frozen=True)
class MeanField:
    """What mean-field theory says of one activation with one (σw, σb), at its fixed point.

    Attributes:
        sigma_w: standard deviation of the weights times √fan_in.
        sigma_b: standard deviation of the biases.
        q: the fixed point q* of the variance map; 0 if lengths die out, infinite if they
            explode, and then every other number is the limit.
        mean: E[φ].
        second: E[φ²].
        variance: E[φ²] − E[φ]².
        constant_part: E[φ]²/E[φ²], the share of the second moment that no input changes.
        gain: E[φ(z)²]^(−1/2), z ~ N(0, 1): the σw that keeps q = 1 with σb = 0.
        gain_centred: the same for φ − E[φ].
        chi_q: Q'(q*).
        xi_q: −1/ln|χq|: layers in which a length settles by a factor e; negative where q*
            repels.
        chi_1: σw²·E[φ'²], the slope of the uncentred correlation map at 1.
        chi_1_centred: the slope of the centred one at 1; at least 1 for every φ.
        curvature: C''(1) = σw²·q·E[φ''²]; infinite where φ' jumps.
        phase: "ordered" (χ₁ < 1), "critical" or "chaotic" (χ₁ > 1), critical within 1e-6.
        phase_centred: the same of the centred map: critical only where φ is affine.
        c_star: the stable fixed point of the uncentred map in [0, 1].
        slope_at_c_star: C'(c*).
        xi_c: −1/ln C'(c*): layers in which a correlation settles by a factor e; infinite at
            criticality.
        c_star_centred: the stable fixed point of the centred map: 0 unless φ is affine.
        slope_at_c_star_centred: its slope there.
        xi_c_centred: the depth scale there.
    """

    sigma_w: float
    sigma_b: float
    q: float
    mean: float
    second: float
    variance: float
    constant_part: float
    gain: float
    gain_centred: float
    chi_q: float
    xi_q: float
    chi_1: float
    chi_1_centred: float
    curvature: float
    phase: str
    phase_centred: str
    c_star: float
    slope_at_c_star: float
    xi_c: float
    c_star_centred: float
    slope_at_c_star_centred: float
    xi_c_centred: float


def mean_field(
    f: Scalar,
    df: Scalar,
    kinks: Iterable[float] = (),
    *,
    sigma_w: float | None = None,
    sigma_b: float = 0.0,
    q_start: float = 1.0,
) -> MeanField:
    """Fixed points, slopes, depth scales and phase, centred and uncentred.

    Args:
        f: φ(x), elementwise.
        df: φ'(x).
        kinks: points of x where φ or φ' jumps.
        sigma_w: standard deviation of the weights times √fan_in; None takes the gain for which
            q* = `q_start` with this σb.
        sigma_b: standard deviation of the biases.
        q_start: the variance of the first layer; q* is the fixed point that it leads to.

    Raises:
        BadParameter: an argument is out of range, or σb² exceeds q_start where σw is None.
        InputError: φ or φ' is not finite somewhere, or φ is 0 wherever the inputs are.

    Example:
        >>> t = mean_field(np.tanh, lambda x: 1.0 - np.tanh(x) ** 2)
        >>> print(f"{t.gain:.6f} {t.chi_1:.6f} {t.phase} {t.xi_c:.4f}")
        1.592537 1.177807 chaotic 13.8763

    Source: Schoenholz et al. 2017, Deep information propagation.
    """
    kinks = tuple(kinks)
    unit = maps(f, df, kinks).moments
    if sigma_w is None:
        sigma_w = gain(f, kinks, q=q_start, sigma_b=sigma_b)
        q = q_start
    else:
        q = fixed_point(f, kinks, sigma_w=sigma_w, sigma_b=sigma_b, q_start=q_start)
    at = min(max(q, SMALLEST), LARGEST)
    m = maps(f, df, kinks, q=at, sigma_w=sigma_w, sigma_b=sigma_b)
    return _describe(m, q, sigma_w, sigma_b, unit)


def _describe(m: Maps, q: float, sigma_w: float, sigma_b: float, unit: Moments) -> MeanField:
    a = m.moments
    phase = _phase(m.chi_1)
    c_star, slope = _correlation_fixed_point(m)
    variance, energy = a.variance.value, m.q * a.slope_second.value
    centred = energy / variance if variance > 0.0 else math.nan
    flat = _phase(centred) == "critical"
    # of an even function the linear part is 0, up to rounding
    linear = float(m.pairs.powers[1])
    slope_at_zero = 0.0 if linear < 1e-28 * a.second.value else linear / variance
    return MeanField(
        sigma_w=sigma_w,
        sigma_b=sigma_b,
        q=q,
        mean=a.mean.value,
        second=a.second.value,
        variance=variance,
        constant_part=a.mean.value**2 / a.second.value,
        gain=unit.second.value**-0.5 if unit.second.value > 0.0 else math.inf,
        gain_centred=unit.variance.value**-0.5 if unit.variance.value > 0.0 else math.inf,
        chi_q=m.chi_q,
        xi_q=_xi_q(m),
        chi_1=m.chi_1,
        chi_1_centred=centred,
        curvature=m.sigma_w2 * m.q * a.curvature_second.value,
        phase=phase,
        phase_centred=_phase(centred),
        c_star=c_star,
        slope_at_c_star=slope,
        xi_c=math.inf if phase == "critical" else _depth(slope),
        c_star_centred=1.0 if flat else 0.0,
        slope_at_c_star_centred=centred if flat else slope_at_zero,
        xi_c_centred=math.inf if flat else _depth(slope_at_zero),
    )


def _phase(chi: float) -> str:
    if abs(chi - 1.0) <= CRITICAL:
        return "critical"
    return "chaotic" if chi > 1.0 else "ordered"


def _depth(slope: float) -> float:
    """−1/ln|slope|: 0 for a map that forgets at once, infinite for one that never does."""
    if slope == 0.0:
        return 0.0
    return math.inf if abs(slope) == 1.0 else -1.0 / math.log(abs(slope))


def _xi_q(m: Maps) -> float:
    """−1/ln|χq|, with 1 − χq as one average: a nearly linear map has a huge but known scale."""
    scale = math.sqrt(m.q)

    def defect(z: Floats) -> Floats:
        value = m.curve.f(z)
        return value * (value - scale * z * m.curve.df(z))

    if math.isinf(m.moments.slope_second.value):  # φ jumps: the slope alone does not know
        return _depth(m.chi_q)
    lost = gaussian.average(defect, m.curve.rule)
    below = (m.sigma_b2 + m.sigma_w2 * lost.value) / m.q_out
    if abs(below) <= 16.0 * pairs.EPS + 4.0 * m.sigma_w2 * lost.error / m.q_out:
        return math.inf
    return -1.0 / math.log1p(-below) if abs(below) < 0.5 else _depth(1.0 - below)


def _correlation_fixed_point(m: Maps) -> tuple[float, float]:
    """(c*, C'(c*)) of the uncentred map, the stable one in [0, 1].

    C is a power series with coefficients of at least 0, so it is convex there: c* = 1 unless
    its slope at 1 exceeds 1, and then there is exactly one c* below.
    """
    slope_at_one = m.chi_1 * m.q / m.q_out
    if slope_at_one <= 1.0 + CRITICAL:
        return 1.0, slope_at_one
    bottom = float(correlation_map(m, 0.0).uncentred)
    if bottom < 1e-15:
        return 0.0, slope_of_map(m, 0.0)
    c_star = 1.0 - _root(lambda below: float(m.apart(below)) - below)
    return c_star, slope_of_map(m, c_star)


def _root(excess: Callable[[float], float]) -> float:
    """The zero in (0, 1] of a function that is positive near 0."""
    from scipy.optimize import brentq

    low = 0.1  # where pairs are averaged by a series still; nearer 1 each costs milliseconds
    while excess(low) <= 0.0 and low > 1e-26:
        low *= 0.03
    return float(brentq(excess, low, 1.0, xtol=1e-300, rtol=1e-15))


def slope_of_map(m: Maps, c: float) -> float:
    """C'(c) of the uncentred map, c in [−1, 1]."""
    return m.sigma_w2 * pairs.slope(m.curve, m.moments, m.pairs, c) / m.q_out
