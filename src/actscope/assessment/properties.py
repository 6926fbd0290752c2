"""What an activation is, before any network: range, slopes, kinks, and where it saturates."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from actscope.activations._base import Activation, Floats

SATURATED = 0.01  # a side is saturated where |slope| stays below this share of the largest one
REACH = 1e4  # slopes are swept over [-REACH, REACH]
NEAR = 10.0  # the largest slope that saturation is measured against is looked for this near to 0


@dataclass(frozen=True)
class Properties:
    """The facts of one activation that need no network.

    Attributes:
        range: the values it takes, as an interval in words.
        mean: E[f(z)], z standard normal; exactly 0 where it is within rounding of it.
        slope_min: the smallest slope away from kinks; −∞ where slopes go on falling at ±1e4 or
            towards a kink.
        slope_max: the largest one; ∞ where slopes go on rising so.
        lipschitz: no two outputs are further apart than this times their inputs: the largest
            |slope|, and ∞ where f itself jumps.
        kinks: where f or its slope jumps.
        zero_centred: whether `mean` is 0.
        monotonic: whether f never falls.
        saturates_below: |slope| stays under 1 % of its largest within [-10, 10] for all x below
            this, or None; None too where the largest is infinite.
        saturates_above: the same for all x above this, or None.
    """

    range: str
    mean: float
    slope_min: float
    slope_max: float
    lipschitz: float
    kinks: tuple[float, ...]
    zero_centred: bool
    monotonic: bool
    saturates_below: float | None
    saturates_above: float | None


def properties(activation: Activation) -> Properties:
    """Measure an activation's properties.

    The extreme slopes come from a sweep of 40,000 points, dense near 0 and next to every kink,
    each extreme refined between its neighbours.

    Args:
        activation: any elementwise activation.

    Returns:
        Its properties; one sweep, a few milliseconds.

    Example:
        >>> from actscope.activations import activation
        >>> sigmoid = properties(activation("sigmoid"))
        >>> round(sigmoid.slope_max, 12), round(sigmoid.saturates_above, 3)
        (0.25, 5.986)
        >>> properties(activation("relu")).saturates_below
        0.0
    """
    from actscope.maths.gaussian import mean as normal_mean

    x = _sweep(activation.kinks)
    slope = activation.slope_at(x)
    low, high = (_extreme(activation, x, slope, sign) for sign in (-1.0, 1.0))
    steep = any(_steepens(activation, k) for k in activation.kinks)
    jumps = any(abs(np.subtract(*_beside(activation, k))) > 1e-9 for k in activation.kinks)
    bound = SATURATED * float(np.nanmax(np.abs(slope[np.abs(x) <= NEAR])))
    flat = (np.abs(slope) < bound) & (not steep)
    mean = normal_mean(activation, activation.kinks)
    return Properties(
        range=str(activation.range),
        mean=mean.value if abs(mean.value) > mean.error else 0.0,
        slope_min=low,
        slope_max=high,
        lipschitz=math.inf if jumps else max(abs(low), abs(high)),
        kinks=activation.kinks,
        zero_centred=activation.zero_centred,
        monotonic=activation.monotonic,
        saturates_below=_edge(activation, x, flat, bound),
        saturates_above=_edge(activation, x[::-1], flat[::-1], bound),
    )


def _sweep(kinks: tuple[float, ...]) -> Floats:
    """Ascending points over [-REACH, REACH], dense around 0 and on both sides of every kink."""
    tail = np.geomspace(20.0, REACH, 5_000)
    sides = [np.nextafter(k, side) for k in kinks for side in (-np.inf, np.inf)]
    return np.unique(np.concatenate([-tail, np.linspace(-20.0, 20.0, 30_001), tail, sides]))


def _beside(activation: Activation, x: float) -> tuple[float, float]:
    """The values right below and right above x."""
    below, above = activation(np.nextafter(x, (-np.inf, np.inf)))
    return float(below), float(above)


def _steepens(activation: Activation, x: float) -> bool:
    """Whether |slope| goes on growing towards x, as that of √|x| does towards 0."""
    sides = np.array([-1.0, 1.0])
    far, near = (np.abs(activation.slope_at(x + sides * h)) for h in (1e-6, 1e-9))
    return bool(np.any((near > 2.0 * far) & (near > 1.0)))


def _extreme(activation: Activation, x: Floats, slope: Floats, sign: float) -> float:
    """The largest slope (sign 1) or the smallest (sign -1), refined between its neighbours."""
    from scipy.optimize import minimize_scalar

    best = int(np.nanargmax(sign * slope))
    if any(abs(x[best] - k) < 1e-6 and _steepens(activation, k) for k in activation.kinks):
        return sign * math.inf
    if best in (0, len(x) - 1):
        half = float(activation.slope_at(x[best] / 2.0))
        if abs(float(slope[best])) > 1.001 * abs(half):
            return sign * math.inf
    left, right = x[max(best - 1, 0)], x[min(best + 1, len(x) - 1)]
    found = minimize_scalar(
        lambda t: -sign * float(activation.slope_at(t)),
        bounds=(left, right),
        method="bounded",
        options={"xatol": 1e-12},
    )
    return sign * max(float(sign * slope[best]), -float(found.fun))


def _edge(activation: Activation, x: Floats, flat: np.ndarray, bound: float) -> float | None:
    """Going inward along x, where |slope| first reaches `bound`; None if it does so at once."""
    first = int(np.argmin(flat))  # the first point that is not flat
    if first == 0:
        return None
    outside, inside = float(x[first - 1]), float(x[first])
    for _ in range(200):
        middle = 0.5 * (outside + inside)
        if middle in (outside, inside):
            break
        if abs(float(activation.slope_at(middle))) < bound:
            outside = middle
        else:
            inside = middle
    return outside
