"""The edge of chaos: the pairs (σw, σb) whose squared gradients neither grow nor shrink.

χ₁ = σw²·E[φ'(√q·z)²] = 1 and q = σw²·E[φ²] + σb² together leave a curve with one parameter, q:
σw² = 1/E[φ'²], σb² = q − E[φ²]/E[φ'²].
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actscope.errors import BadParameter, InputError
from actscope.maths import gaussian
from actscope.maths.gaussian import Scalar

Floats = NDArray[np.floating[Any]]

RANGE = (1e-6, 400.0)  # of q: what a network can reasonably hold
SEARCHED = (1e-9, 1e4)
PER_DECADE = 6
FLAT = 1e-12


@dataclass(frozen=True)
class EdgePoint:
    """One point of the edge of chaos.

    Attributes:
        q: the fixed point of the variance map there; 0 stands for the limit.
        sigma_w2: σw².
        sigma_b2: σb².
        chi_q: Q'(q), below 1 where the fixed point attracts.
    """

    q: float
    sigma_w2: float
    sigma_b2: float
    chi_q: float

    @property
    def sigma_w(self) -> float:
        """σw."""
        return math.sqrt(self.sigma_w2)

    @property
    def sigma_b(self) -> float:
        """σb; NaN where no bias variance puts this q on the edge."""
        return math.sqrt(self.sigma_b2) if self.sigma_b2 >= 0.0 else math.nan


@dataclass(frozen=True)
class Edge:
    """What there is of the edge of chaos at one bias variance.

    Attributes:
        points: the solutions, q ascending; empty where there is none.
        sigma_b2_range: the smallest and largest σb² of the edge over q in [1e-6, 400]; negative
            numbers are no variances, so no edge exists where the largest is below 0.
        double_critical: points where χ₁ = 1 and Q' = 1 together, over the same q.
        scale_free: φ is positively homogeneous (ReLU): σb = 0, and any q will do.
        note: the same in words.
    """

    points: tuple[EdgePoint, ...]
    sigma_b2_range: tuple[float, float]
    double_critical: tuple[EdgePoint, ...]
    scale_free: bool
    note: str


@dataclass(frozen=True)
class _At:
    """The edge at one q, with its distance from double criticality."""

    point: EdgePoint
    defect: float  # 1 − χq


def edge_at(f: Scalar, df: Scalar, kinks: Iterable[float], q: float) -> EdgePoint:
    """The (σw², σb²) that put q on the edge; σb² may come out negative.

    σb²·E[φ'²] = q·E[r'²] − E[r²] for r = φ − κ·x with any κ (Stein's lemma); κ = E[φ'] takes
    away what would cancel.

    Raises:
        InputError: φ jumps, so that χ₁ is infinite; or φ is constant where the inputs are.

    Example:
        >>> p = edge_at(np.tanh, lambda x: 1.0 - np.tanh(x) ** 2, (), 0.5700478816407647)
        >>> f"{p.sigma_w2:.10f} {p.sigma_b2:.10f}"
        '1.7609546396 0.0500000000'
    """
    return _at(f, df, tuple(kinks), q).point


def _at(f: Scalar, df: Scalar, kinks: tuple[float, ...], q: float) -> _At:
    c = gaussian.curve(f, df, kinks, q)
    if gaussian.jumps(c.f, c.kinks):
        raise InputError("φ jumps, so E[φ'²] and χ₁ are infinite: there is no edge of chaos")
    scale, z, w = math.sqrt(q), c.rule.nodes, c.rule.weights
    value, slope = c.f(z), c.df(z)
    energy = float(w @ slope**2)
    if energy == 0.0:
        raise InputError(f"φ is constant on inputs of variance {q:g}: there is no edge of chaos")
    kappa = float(w @ slope)
    bent = value - kappa * scale * z, slope - kappa
    sigma_b2 = (q * float(w @ bent[1] ** 2) - float(w @ bent[0] ** 2)) / energy
    # 1 − χq = (σb² + σw²·E[φ·(φ − x·φ')])/q: no difference of large numbers
    lost = float(w @ (value * (value - scale * z * slope)))
    defect = (sigma_b2 + lost / energy) / q
    return _At(EdgePoint(q, 1.0 / energy, sigma_b2, 1.0 - defect), defect)


def edge_curve(
    f: Scalar, df: Scalar, kinks: Iterable[float] = (), *, q: Iterable[float]
) -> tuple[EdgePoint, ...]:
    """The edge at each of these q, for a figure.

    Raises:
        InputError: φ jumps or is constant.

    Example:
        >>> relu = edge_curve(np.abs, np.sign, (0.0,), q=[0.5, 2.0])
        >>> [round(p.sigma_w, 12) for p in relu]
        [1.0, 1.0]
    """
    kinks = tuple(kinks)
    return tuple(_at(f, df, kinks, one).point for one in q)


def edge_of_chaos(f: Scalar, df: Scalar, kinks: Iterable[float] = (), *, sigma_b2: float) -> Edge:
    """Every (q, σw) with χ₁ = 1 at this bias variance.

    Args:
        f: φ(x), elementwise.
        df: φ'(x).
        kinks: points of x where φ or φ' jumps.
        sigma_b2: σb², at least 0.

    Raises:
        BadParameter: σb² is negative or not finite.
        InputError: φ jumps or is constant.

    Example:
        >>> e = edge_of_chaos(np.tanh, lambda x: 1.0 - np.tanh(x) ** 2, sigma_b2=0.05)
        >>> [(round(p.q, 9), round(p.sigma_w, 9)) for p in e.points]
        [(0.570047882, 1.327009661)]
        >>> relu = lambda x: np.maximum(x, 0.0)
        >>> edge_of_chaos(relu, lambda x: np.heaviside(x, 0.0), (0.0,), sigma_b2=0.1).note
        'positively homogeneous: on the edge only with σb = 0, then at any length, σw = 1.41421'

    Source: Hayou, Doucet & Rousseau 2019, On the impact of the activation function on deep
    neural networks training.
    """
    if not (sigma_b2 >= 0.0 and math.isfinite(sigma_b2)):
        raise BadParameter(f"sigma_b2 = {sigma_b2!r}: expected a finite number of at least 0")
    kinks = tuple(kinks)

    def at(log_q: float) -> _At:
        return _at(f, df, kinks, math.exp(log_q))

    low, high = SEARCHED
    logs = np.log(np.geomspace(low, high, round(math.log10(high / low) * PER_DECADE) + 1))
    found = [at(x) for x in logs]
    if all(max(abs(a.point.sigma_b2) / a.point.q, abs(a.defect)) < FLAT for a in found):
        return _homogeneous(at(0.0).point, sigma_b2)
    bias = np.array([a.point.sigma_b2 for a in found])
    roots = _crossings(lambda x: at(x).point.sigma_b2 - sigma_b2, logs, bias - sigma_b2)
    points = tuple(dataclasses.replace(at(x).point, sigma_b2=sigma_b2) for x in roots)
    if sigma_b2 == 0.0:
        points = (*_at_zero(f, df), *points)
    both = _crossings(lambda x: at(x).defect, logs, np.array([a.defect for a in found]))
    double = tuple(p for x in both if RANGE[0] <= (p := at(x).point).q <= RANGE[1])
    low, high = (_extreme(lambda x: at(x).point.sigma_b2, logs, bias, sign) for sign in (1, -1))
    return Edge(points, (low, high), double, False, _note(points, high, sigma_b2))


def _crossings(g: Callable[[float], float], at: Floats, values: Floats) -> list[float]:
    """The changes of sign of g that `values` = g(at) give away.

    Where g has sunk below rounding and reads 0 it has no sign, and no change of sign.
    """
    from scipy.optimize import brentq

    at, values = at[values != 0.0], values[values != 0.0]
    places = np.flatnonzero(values[:-1] * values[1:] < 0.0)
    return [float(brentq(g, at[i], at[i + 1], xtol=1e-15, rtol=1e-15)) for i in places]


def _extreme(g: Callable[[float], float], at: Floats, values: Floats, sign: int) -> float:
    """The smallest (sign 1) or largest (sign −1) value of g for q in RANGE."""
    from scipy.optimize import minimize_scalar

    ends = np.log(RANGE)
    inside = (at > ends[0]) & (at < ends[1])
    at = np.concatenate([ends[:1], at[inside], ends[1:]])
    values = np.concatenate([[g(ends[0])], values[inside], [g(ends[1])]])
    best = int(np.argmin(sign * values))
    if best in (0, at.size - 1):
        return float(values[best])
    bracket = (at[best - 1], at[best + 1])
    fit = minimize_scalar(
        lambda x: sign * g(x), bounds=bracket, method="bounded", options={"xatol": 1e-9}
    )
    return float(min(sign * values[best], fit.fun) * sign)


def _at_zero(f: Scalar, df: Scalar) -> tuple[EdgePoint, ...]:
    """The end of the edge at q = 0, where φ(0) = 0 and φ has slopes on both sides."""
    ends = np.array([-1e-150, 1e-150])
    energy = float(np.mean(df(ends) ** 2))
    if float(np.abs(f(np.zeros(1)))[0]) > 0.0 or energy == 0.0:
        return ()
    return (EdgePoint(0.0, 1.0 / energy, 0.0, 1.0),)


def _homogeneous(p: EdgePoint, sigma_b2: float) -> Edge:
    sigma_w = math.sqrt(p.sigma_w2)
    points = (EdgePoint(1.0, p.sigma_w2, 0.0, 1.0),) if sigma_b2 == 0.0 else ()
    note = (
        "positively homogeneous: on the edge only with σb = 0, then at any length, "
        f"σw = {sigma_w:.6g}"
    )
    return Edge(points, (0.0, 0.0), (), True, note)


def _note(points: tuple[EdgePoint, ...], high: float, sigma_b2: float) -> str:
    if points:
        several = f"; {len(points)} of them" if len(points) > 1 else ""
        return f"σw = {', '.join(f'{p.sigma_w:.6g}' for p in points)}{several}"
    if high < 0.0:
        return "no edge of chaos: χ₁ = 1 would need a negative bias variance at every length"
    return f"no edge of chaos at σb² = {sigma_b2:g}: it would need σb² of at most {high:.6g}"
