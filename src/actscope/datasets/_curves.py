"""Two curves blurred by Gaussian noise: their densities, the Bayes boundary, distances to it.

Class 0 is a curve c(t), class 1 its point reflection 2m − c(t), both with noise N(0, σ²I) and
equal priors. The log-odds are then odd about m, so the boundary passes through m, and one half
of it, traced by continuation, gives the other.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actscope.datasets._base import Bayes

Floats = NDArray[np.float64]
SMALLEST_NOISE = 0.01  # below, the boundary is that of this noise: within 1e-3 of the limit
FAR = 1e5  # how far out the boundary is followed; beyond, it goes on straight

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)


@dataclass(frozen=True)
class Curve:
    """A planar curve with a density along it.

    Attributes:
        at: t -> (..., 2), the points of the curve.
        weight: t -> (...), the density of t; its integral over [low, high] is 1.
        nearest: x (n, 2) -> (n,), the parameter of the curve's nearest point.
        low, high: the ends of the parameter.
        middle: the point that the curve is reflected about.
    """

    at: Callable[[Floats], Floats]
    weight: Callable[[Floats], Floats]
    nearest: Callable[[Floats], Floats]
    low: float
    high: float
    middle: tuple[float, float]


@functools.lru_cache(maxsize=64)  # every point of a boundary that is followed asks
def _offsets(curve: Curve, noise: float) -> tuple[Floats, Floats]:
    """Panels around the nearest point: from a tenth of the shortest decay, tripling, up to σ."""
    span = curve.high - curve.low
    speed = np.linalg.norm(
        np.diff(curve.at(np.linspace(curve.low, curve.high, 200)), axis=0), axis=1
    )
    step = noise / (speed.max() * 199 / span)
    grow = 0.1 * noise * step / FAR * 3.0 ** np.arange(60)  # far out, e^(−s·r/σ²)
    grow = grow[grow < step]
    steady = np.arange(grow[-1], span + step, step)
    edges = np.concatenate([[0.0], grow, steady[1:]])
    edges = np.concatenate([-edges[::-1], edges[1:]])
    return edges[:-1], edges[1:]


def log_density(curve: Curve, noise: float, x: Floats) -> tuple[Floats, Floats]:
    """The logarithm of ∫ exp(−|x − c(t)|²/2σ²) w(t) dt, and its gradient.

    The integral is a sum of Gauss–Legendre panels that shrink towards the nearest point of the
    curve, where all the mass is when x is far away.

    Args:
        curve: the curve.
        noise: σ.
        x: (n, 2).

    Returns:
        (n,) up to the constant −ln 2πσ², and (n, 2).
    """
    low, high = _offsets(curve, noise)
    value, slope = np.empty(len(x)), np.empty((len(x), 2))
    for start in range(0, len(x), 2000):  # keeps the work arrays small
        part = slice(start, start + 2000)
        value[part], slope[part] = _summed(curve, noise, x[part], low, high)
    return value, slope


def _summed(
    curve: Curve, noise: float, x: Floats, low: Floats, high: Floats
) -> tuple[Floats, Floats]:
    """`log_density` of some points: panels low … high about the nearest place of the curve."""
    centre = curve.nearest(x)[:, None]
    a, b = (np.clip(centre + edge, curve.low, curve.high) for edge in (low, high))  # (n, panels)
    half, middle = 0.5 * (b - a), 0.5 * (a + b)
    floor = ((curve.at(centre[:, 0]) - x) ** 2).sum(axis=1)[:, None]
    away = np.sqrt(((curve.at(middle) - x[:, None, :]) ** 2).sum(axis=2))
    # a panel is at most 2σ long; beyond e^(−45) of the nearest place it adds nothing
    near = np.maximum(away - 2.0 * noise, 0.0) ** 2 < floor + 90.0 * noise**2
    row, panel = np.nonzero((half > 0.0) & near)
    t = middle[row, panel, None] + half[row, panel, None] * _NODES  # (kept, nodes)
    mass = half[row, panel, None] * _WEIGHTS * curve.weight(t)
    gap = curve.at(t) - x[row, None, :]
    power = (floor[row] - np.einsum("pti,pti->pt", gap, gap)) / (2.0 * noise**2)
    share = mass * np.exp(power)
    first = np.flatnonzero(np.diff(row, prepend=-1))  # every point keeps its nearest panel
    total = np.add.reduceat(share.sum(axis=1), first)
    pull = np.add.reduceat(np.einsum("pt,pti->pi", share, gap), first)
    value = np.log(total) - floor[:, 0] / (2.0 * noise**2)
    return value, pull / total[:, None] / noise**2


def log_odds(curve: Curve, noise: float, x: Floats) -> tuple[Floats, Floats]:
    """The log-odds log p₁(x)/p₀(x) and its gradient: positive where class 1 is likelier."""
    noise = max(noise, SMALLEST_NOISE)
    both = np.concatenate([x, 2.0 * np.asarray(curve.middle) - x])
    (value, mirrored), (slope, mirrored_slope) = (
        np.split(part, 2) for part in log_density(curve, noise, both)
    )
    return mirrored - value, -mirrored_slope - slope


def trace_boundary(curve: Curve, noise: float, step: float = 0.01) -> Floats:
    """The boundary as an ordered line of points, class 1 on its left, from far end to far end.

    Continuation: a step along the tangent, then Newton's method along the gradient. The steps
    grow with the distance from the middle, where the boundary is nearly straight.
    """
    middle = np.asarray(curve.middle)
    points = [middle]
    _, slope = log_odds(curve, noise, middle[None])
    heading = np.array([slope[0, 1], -slope[0, 0]])  # the gradient is on its left
    heading /= np.linalg.norm(heading)
    while (radius := float(np.linalg.norm(points[-1] - middle))) < FAR:
        length = max(step, 0.02 * (radius - 3.0))
        here = points[-1] + length * heading
        for _ in range(20):
            value, slope = log_odds(curve, noise, here[None])
            move = -value[0] * slope[0] / (slope[0] @ slope[0])
            reach = float(np.linalg.norm(move))
            here = here + move * min(1.0, 0.5 * length / reach if reach else 1.0)
            if reach < 1e-9 * max(1.0, radius):
                break
        heading = here - points[-1]
        heading /= np.linalg.norm(heading)
        points.append(here)
    points.append(points[-1] + 1e4 * FAR * heading)
    half = np.array(points)
    return np.concatenate([2.0 * middle - half[:0:-1], half])


def bayes_accuracy(curve: Curve, noise: float) -> Bayes:
    """½ ∫ max(p₀, p₁), on two grids of the plane; their difference is the error.

    On a grid both densities are matrix products, as exp(−|x − c|²/2σ²) is a product of two
    functions of one coordinate.
    """
    count = int(np.ceil(40 * (1.0 + 1.0 / max(noise, SMALLEST_NOISE))))
    nodes, weights = np.polynomial.legendre.leggauss(min(count, 2000))
    t = curve.low + 0.5 * (curve.high - curve.low) * (nodes + 1.0)
    mass = 0.5 * (curve.high - curve.low) * weights * curve.weight(t)
    results = [_grid_accuracy(curve, noise, t, mass, 0.1 * noise / k) for k in (1, 2)]
    coarse, fine = results
    return Bayes(fine, abs(fine - coarse) + 1e-9)


def _grid_accuracy(curve: Curve, noise: float, t: Floats, mass: Floats, step: float) -> float:
    """½ Σ max(p₀, p₁) over a grid of this step."""
    c = curve.at(t)
    both = np.concatenate([c, 2.0 * np.asarray(curve.middle) - c])
    low, high = both.min(axis=0) - 7 * noise, both.max(axis=0) + 7 * noise
    densities = []
    axes = [np.arange(low[i], high[i] + step, step) for i in (0, 1)]
    for points in (both[: len(c)], both[len(c) :]):
        x, y = (np.exp(-0.5 * ((axes[i][:, None] - points[:, i]) / noise) ** 2) for i in (0, 1))
        densities.append((x * mass) @ y.T / (2.0 * np.pi * noise**2))
    return float(0.5 * np.maximum(*densities).sum() * step**2)
