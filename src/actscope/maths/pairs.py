"""Averages over correlated normal pairs: E[f(u)·f(v)], (u, v) standard normal, correlation c.

Two ways, chosen by a bound that is computed and not guessed. Away from c = ±1, or where the
function is smooth, Mehler's series Σ aₖ²·cᵏ of the Hermite coefficients: exact but for a tail
of at most |c|^(N+1) times the energy that the first N coefficients miss. Else the plane is
turned by 45°, where u and v differ by a small multiple of one variable, and integrated by
panels that are split at the kinks of both factors.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from actscope.errors import BadParameter
from actscope.maths import gaussian
from actscope.maths.gaussian import Curve, Estimate, Scalar
from actscope.maths.plane import mismatch

Floats = NDArray[np.floating[Any]]

TERMS = 400  # |c| ≤ .95 reaches 1e-14 for a function with kinks
NEAR = 1e-14  # 1 − c below which a continuous function's gap is its slope's energy times 1 − c
EPS = float(np.finfo(np.float64).eps)


class Estimates(NamedTuple):
    """Values and how far each may be from the truth (absolute), of one shape."""

    value: Floats
    error: Floats


@dataclass(frozen=True)
class Expansion:
    """A function of a standard normal variable, ready to be averaged over correlated pairs.

    Attributes:
        f: the function of z.
        rule: panels that resolve it.
        kinks: where f or its slope jumps, in z.
        coefficients: (401,) aₖ = E[f(z)·hₖ(z)], hₖ the normalised Hermite polynomials
            (Heₖ/√k!).
        energy: E[f²] = Σ aₖ².
        slope_energy: E[f'(z)²] = Σ k·aₖ²; infinite where f jumps.
    """

    f: Scalar
    rule: gaussian.Rule
    kinks: tuple[float, ...]
    coefficients: Floats
    energy: float
    slope_energy: float

    @property
    def powers(self) -> Floats:
        """aₖ², (401,)."""
        return self.coefficients**2

    @property
    def rest(self) -> float:
        """E[f²] beyond the coefficients, and what rounding may hide of it."""
        return max(0.0, self.energy - float(self.powers.sum())) + 8.0 * EPS * self.energy

    @property
    def slope_rest(self) -> float:
        """E[f'²] beyond the coefficients, and what rounding may hide of it."""
        if math.isinf(self.slope_energy):
            return math.inf
        known = float(self.powers @ np.arange(TERMS + 1.0))
        return max(0.0, self.slope_energy - known) + 32.0 * EPS * self.slope_energy


@functools.lru_cache(maxsize=6)
def _basis(nodes: bytes) -> Floats:
    """Normalised Hermite polynomials at these nodes, (401, nodes)."""
    z = np.frombuffer(nodes, dtype=np.float64)
    rows = np.empty((TERMS + 1, z.size))
    rows[0], rows[1] = 1.0, z
    root = np.sqrt(np.arange(TERMS + 1.0))
    for k in range(1, TERMS):
        np.multiply(z, rows[k], out=rows[k + 1])
        rows[k + 1] -= root[k] * rows[k - 1]
        rows[k + 1] /= root[k + 1]
    return rows


def expand(
    f: Scalar,
    over: gaussian.Rule,
    kinks: tuple[float, ...] = (),
    slope_energy: float = math.inf,
) -> Expansion:
    """The Hermite coefficients of f.

    Args:
        f: elementwise function of z.
        over: a rule that resolves f and f².
        kinks: where f or its slope jumps.
        slope_energy: E[f'(z)²] where it is known and finite.

    Example:
        >>> from actscope.maths.gaussian import rule
        >>> square = lambda z: z**2
        >>> expand(square, rule(lambda z: (z**2, z**4))).coefficients[:4].round(12) + 0.0
        array([1.        , 0.        , 1.41421356, 0.        ])
    """
    values = f(over.nodes)
    weighted = over.weights * values
    coefficients = _basis(over.nodes.tobytes()) @ weighted
    return Expansion(f, over, kinks, coefficients, float(weighted @ values), slope_energy)


def expand_curve(c: Curve, m: gaussian.Moments) -> Expansion:
    """The expansion of φ(√q·z)."""
    return expand(c.f, c.rule, c.kinks, c.q * m.slope_second.value)


def expand_slope(c: Curve, m: gaussian.Moments) -> Expansion:
    """The expansion of φ'(√q·z); φ must not jump."""
    return expand(c.df, c.rule, c.kinks, c.q * m.curvature_second.value)


def product(e: Expansion, c: ArrayLike) -> Estimates:
    """E[f(u)·f(v)] for (u, v) standard bivariate normal with correlation c.

    Args:
        e: the function's expansion.
        c: correlations in [−1, 1], any shape.

    Returns:
        Values and absolute errors, of the shape of c.

    Raises:
        BadParameter: a correlation lies outside [−1, 1].

    Example:
        >>> from actscope.maths.gaussian import rule
        >>> relu = lambda z: np.maximum(z, 0.0)
        >>> e = expand(relu, rule(lambda z: (relu(z), relu(z) ** 2), kinks=(0.0,)), (0.0,))
        >>> product(e, [-1.0, 0.0, 0.5, 1.0]).value.round(8) + 0.0
        array([0.        , 0.15915494, 0.30449889, 0.5       ])
    """
    at = np.asarray(c, dtype=np.float64)
    if not np.all(np.abs(at) <= 1.0):
        raise BadParameter(f"c = {c!r}: a correlation lies in [-1, 1]")
    values = np.array(np.polynomial.polynomial.polyval(at, e.powers))
    errors = np.array(np.abs(at) ** (TERMS + 1) * e.rest + 8.0 * EPS * e.energy)
    for place in np.argwhere(errors > 32.0 * EPS * e.energy):
        i = tuple(place)
        half = mismatch(e.f, e.rule, e.kinks, 1.0 - abs(float(at[i])), float(at[i]) < 0.0)
        values[i], errors[i] = e.energy - half.value, half.error + 8.0 * EPS * e.energy
    return Estimates(values, errors)


def gap(e: Expansion, below: ArrayLike) -> Estimates:
    """E[f²] − E[f(u)·f(v)] = ½·E[(f(u) − f(v))²] at correlation 1 − below, free of cancellation.

    Args:
        e: the function's expansion.
        below: 1 − c in [0, 1], any shape; it may be far smaller than the machine epsilon.

    Returns:
        Values and absolute errors, of the shape of `below`.

    Raises:
        BadParameter: `below` lies outside [0, 1].

    Example:
        >>> from actscope.maths.gaussian import curve, moments
        >>> c = curve(np.tanh, lambda x: 1.0 - np.tanh(x) ** 2)
        >>> f"{gap(expand_curve(c, moments(c)), 1e-20).value:.6e}"
        '4.644029e-21'
    """
    at = np.asarray(below, dtype=np.float64)
    if not np.all((at >= 0.0) & (at <= 1.0)):
        raise BadParameter(f"1 - c = {below!r}: expected numbers in [0, 1]")
    with np.errstate(divide="ignore"):
        logs = np.log1p(-at)
    lost = -np.expm1(np.multiply.outer(logs, np.arange(1.0, TERMS + 1.0)))  # 1 − cᵏ
    known = np.array(lost @ e.powers[1:])
    # beyond the last term 1 − cᵏ is 1 far from c = 1, and at most k·(1 − c) near it
    beyond = max(0.0, e.energy - float(e.powers.sum()))
    far = (1.0 - at) ** (TERMS + 1) * e.rest + 8.0 * EPS * e.energy
    near = np.minimum(e.rest, np.where(at > 0.0, e.slope_rest, 0.0) * at) + 8.0 * EPS * known
    values = np.array(np.where(far < near, known + beyond, known))
    errors = np.array(np.minimum(far, near))
    for place in np.argwhere(errors > 512.0 * EPS * values):
        i = tuple(place)
        values[i], errors[i] = _near(e, float(at[i]))
    return Estimates(values, errors)


def slope(curve: Curve, m: gaussian.Moments, e: Expansion, c: float) -> float:
    """d/dc E[f(u)·f(v)] = q·E[φ'(u)·φ'(v)] at correlation c.

    Args:
        curve: the function.
        m: its averages.
        e: its expansion.
        c: a correlation in [−1, 1].

    Example:
        >>> from actscope.maths.gaussian import curve, moments
        >>> relu = curve(lambda x: np.maximum(x, 0.0), lambda x: np.heaviside(x, 0.0), (0.0,))
        >>> m = moments(relu)
        >>> round(slope(relu, m, expand_curve(relu, m), 0.5), 12)
        0.333333333333
    """
    order = np.arange(1.0, TERMS + 1.0)
    # the largest of k·c^(k−1) beyond the last term
    largest = (TERMS + 1) * abs(c) ** TERMS if abs(c) < math.exp(-1.0 / TERMS) else math.inf
    unseen = min(largest * e.rest, abs(c) ** TERMS * e.slope_rest)
    if unseen <= 64.0 * EPS * e.energy or math.isinf(m.slope_second.value):
        return float(np.polynomial.polynomial.polyval(c, e.powers[1:] * order))
    return curve.q * float(product(expand_slope(curve, m), c).value)


def _near(e: Expansion, below: float) -> Estimate:
    """The gap where the series does not reach."""
    if below >= NEAR or math.isinf(e.slope_energy):
        return mismatch(e.f, e.rule, e.kinks, below)
    value = e.slope_energy * below
    return Estimate(value, value * math.sqrt(below))
