"""Deep Kernel Shaping and Tailored Activation Transformations.

Both put output_scale·(φ(input_scale·x + input_shift) + output_shift) for φ, so that length and
angle survive any depth. With Q the variance map and C the uncentred correlation map at q = 1,
σw = 1, σb = 0 (C is called the local C map in these papers):

- DKS: Q(1) = Q'(1) = 1, C(0) = 0 and C'(1) = local slope, a little above 1;
- TAT: Q(1) = Q'(1) = 1, C'(1) = 1 and C''(1) = local curvature, a little above 0;
- TAT for leaky ReLU: only its slope and scale, so that C(0) over the whole network stays below
  a target.

The local target follows from a target for the whole network through the network's own function,
`network(x, r)`: x passed through it with r standing for each nonlinear layer.

Source: Martens et al. 2021, Rapid training of deep neural networks without skip connections or
normalization layers using Deep Kernel Shaping; Zhang, Botev & Martens 2022, Deep learning
without shortcuts: shaping the kernel with tailored rectifiers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from actscope.errors import BadParameter, InputError
from actscope.maths import gaussian
from actscope.maths.closed_forms import CLOSED_FORMS
from actscope.maths.gaussian import Scalar

Floats = NDArray[np.floating[Any]]
Layer = Callable[[float], float]
Network = Callable[[float, Layer], float]

ZETA, TAU, ETA = 1.5, 0.3, 0.9  # what the papers recommend
SHIFTS, SCALES = (0.1, 0.4, 0.8, 1.5, 2.5), (0.1, 0.5, 1.0)  # where the search starts


class Shaping(NamedTuple):
    """The four numbers of output_scale·(φ(input_scale·x + input_shift) + output_shift)."""

    input_scale: float
    input_shift: float
    output_shift: float
    output_scale: float


def plain(depth: int) -> Network:
    """A network of `depth` nonlinear layers, one after the other.

    Raises:
        BadParameter: the depth is below 1.

    Example:
        >>> plain(3)(1.0, lambda x: 2.0 * x)
        8.0
    """
    if depth < 1:
        raise BadParameter(f"depth = {depth!r}: expected a whole number of at least 1")

    def network(x: float, layer: Layer) -> float:
        for _ in range(depth):
            x = layer(x)
        return x

    return network


def residual(blocks: Iterable[int], shortcut_weight: float, layers: int = 3) -> Network:
    """A residual network of several groups of blocks, and one nonlinear layer at its end.

    A block returns w²·shortcut + (1 − w²)·branch with `layers` nonlinear layers in its branch;
    the shortcut of a group's first block holds a nonlinear layer. The branch alone is a
    subnetwork too, so the larger of the two counts.

    Args:
        blocks: blocks of each group, as (3, 4, 23, 3) for a ResNet-101.
        shortcut_weight: w in [0, 1].
        layers: nonlinear layers in a branch.

    Raises:
        BadParameter: w lies outside [0, 1].

    Example:
        >>> round(residual((3, 4, 23, 3), 0.6)(1.0, lambda x: 1.002770965849537 * x), 9)
        1.2
    """
    if not 0.0 <= shortcut_weight <= 1.0:
        raise BadParameter(f"shortcut_weight = {shortcut_weight!r}: expected a number in [0, 1]")
    share, groups, branch = shortcut_weight**2, tuple(blocks), plain(layers)

    def network(x: float, layer: Layer) -> float:
        alone = branch(x, layer)
        for count in groups:
            for block in range(count):
                shortcut = x if block else layer(x)
                x = share * shortcut + (1.0 - share) * branch(x, layer)
        return max(layer(x), alone)

    return network


def _increasing(g: Callable[[float], float], low: float, high: float, what: str) -> float:
    """The zero of an increasing function, looked for ever further above `low`."""
    from scipy.optimize import brentq

    step = high - low
    while g(low + step) < 0.0:
        step *= 2.0
        if step > 1e12:
            raise InputError(f"{what} is out of reach: the network's function hardly rises")
    return float(brentq(g, low, low + step, xtol=1e-16, rtol=1e-15))


def local_slope(network: Network, zeta: float = ZETA) -> float:
    """C'(1) of one layer for which the whole network has C'(1) = zeta: the slopes multiply.

    Args:
        network: how layers are put together.
        zeta: the target, above 1.

    Raises:
        BadParameter: zeta is not above 1.
        InputError: no local slope reaches it.

    Example:
        >>> round(local_slope(plain(50)), 12) == round(1.5 ** (1 / 50), 12)
        True
    """
    if not (zeta > 1.0 and math.isfinite(zeta)):
        raise BadParameter(f"zeta = {zeta!r}: expected a number above 1 (1.5 is the usual one)")
    found = _increasing(
        lambda extra: network(1.0, lambda x: x * (1.0 + extra)) - zeta, 0.0, 1e-6, "zeta"
    )
    return 1.0 + found


def local_curvature(network: Network, tau: float = TAU) -> float:
    """C''(1) of one layer for which the whole network has C''(1) = tau: curvatures add.

    Raises:
        BadParameter: tau is not above 0.
        InputError: no local curvature reaches it.

    Example:
        >>> round(local_curvature(plain(50)), 12)
        0.006
    """
    if not (tau > 0.0 and math.isfinite(tau)):
        raise BadParameter(f"tau = {tau!r}: expected a number above 0 (0.3 is the usual one)")
    return _increasing(lambda more: network(0.0, lambda x: x + more) - tau, 0.0, 1e-6, "tau")


def leaky_relu_slope(network: Network, eta: float = ETA) -> float:
    """The slope of a leaky ReLU for which the whole network has C(0) = eta.

    The scale that goes with it, for Q(1) = 1, is √(2/(1 + slope²)).

    Args:
        network: how layers are put together.
        eta: the target, in (0, 1): how similar two orthogonal inputs may become.

    Raises:
        BadParameter: eta lies outside (0, 1).
        InputError: even ReLU (slope 0) stays below eta in this network.

    Example:
        >>> round(leaky_relu_slope(residual((3, 4, 23, 3), 0.6), 0.75), 8)
        0.62918003
    """
    from scipy.optimize import brentq

    if not 0.0 < eta < 1.0:
        raise BadParameter(f"eta = {eta!r}: expected a number in (0, 1) (0.9 is the usual one)")
    kernel = CLOSED_FORMS["leaky_relu"].kernel

    def excess(slope: float) -> float:
        energy = 0.5 * (1.0 + slope**2)
        layer = lambda c: float(kernel(np.float64(min(c, 1.0)), 1.0, slope)) / energy
        return network(0.0, layer) - eta

    if excess(0.0) < 0.0:
        raise InputError(
            f"eta = {eta!r} is not reached: in this network even ReLU keeps C(0) at "
            f"{excess(0.0) + eta:.4g}; take a smaller eta or a deeper network"
        )
    return float(brentq(excess, 0.0, 1.0, xtol=1e-16, rtol=1e-15))


def leaky_relu_dks(slope_target: float) -> tuple[float, Shaping]:
    """DKS for a leaky ReLU: its slope, and the output shift and scale that go with it.

    Without an input shift Q'(1) = 1 holds for every slope a, and C'(1) = (1 + a²)/2 over the
    variance (1 + a²)/2 − (1 − a)²/2π is what is left to solve.

    Args:
        slope_target: C'(1) of one layer, above 1 and at most ReLU's 1.4669.

    Raises:
        InputError: the target exceeds ReLU's.

    Example:
        >>> slope, shaping = leaky_relu_dks(1.002770965849537)
        >>> round(slope, 7), round(shaping.output_scale, 7)
        (0.8761257, 1.0651833)
    """
    from scipy.optimize import brentq

    def variance(a: float) -> float:
        return 0.5 * (1.0 + a * a) - (1.0 - a) ** 2 / (2.0 * math.pi)

    def excess(a: float) -> float:
        return 0.5 * (1.0 + a * a) / variance(a) - slope_target

    if excess(0.0) < 0.0:
        raise InputError(
            f"no leaky ReLU has C'(1) = {slope_target:.6g}: ReLU has the largest, "
            f"{0.5 / variance(0.0):.6g}; take a smaller zeta or a deeper network"
        )
    slope = float(brentq(excess, 0.0, 1.0, xtol=1e-16, rtol=1e-15))
    shift = -(1.0 - slope) / math.sqrt(2.0 * math.pi)
    return slope, Shaping(1.0, 0.0, shift, variance(slope) ** -0.5)


class _Measured(NamedTuple):
    """Averages of ψ(z) = φ(input_scale·z + input_shift), slopes with respect to z."""

    mean: float  # E[ψ]
    variance: float
    slope2: float  # E[ψ'²]
    drift: float  # E[z·(ψ − E ψ)·ψ']
    lean: float  # E[z·ψ']
    curvature2: float  # E[ψ''²]


class _Solution(NamedTuple):
    """How far from the two conditions, in units of the target, and the output shift."""

    first: float
    second: float
    output_shift: float


def _measure(p: _Problem, scale: float, shift: float) -> _Measured:
    at = tuple(sorted((k - shift) / scale for k in p.kinks))
    c = gaussian.curve(
        lambda z: p.f(scale * z + shift), lambda z: scale * p.df(scale * z + shift), at
    )
    z, w = c.rule.nodes, c.rule.weights
    value, slope = c.f(z), c.df(z)
    mean = float(w @ value)
    rest = value - mean
    curved = p.method == "tat"
    return _Measured(
        mean,
        float(w @ rest**2),
        float(w @ slope**2),
        float(w @ (z * rest * slope)),
        float(w @ (z * slope)),
        gaussian.curvature(c).value if curved else math.nan,
    )


class _Problem(NamedTuple):
    """What is to be shaped, and how."""

    f: Scalar
    df: Scalar
    kinks: tuple[float, ...]
    method: str
    target: float

    def off(self, m: _Measured) -> _Solution:
        """How far an input scale and shift are from the conditions.

        DKS: Q'(1) − 1 and C'(1) − target, the mean shifted to 0. TAT: C'(1) − 1 and
        C''(1) − target, with the shift that makes Q'(1) = C'(1): that condition reads
        E[z·(ψ + shift)·ψ'] = E[ψ'²] and is linear in the shift.
        """
        if self.method == "dks":
            unit = self.target - 1.0
            drift, slope = m.drift / m.variance, m.slope2 / m.variance
            return _Solution((drift - 1.0) / unit, (slope - self.target) / unit, -m.mean)
        shift = (m.slope2 - m.drift) / m.lean - m.mean
        second = m.variance + (m.mean + shift) ** 2
        slope, curvature = m.slope2 / second, m.curvature2 / second
        return _Solution((slope - 1.0) / self.target, curvature / self.target - 1.0, shift)


def solve(
    f: Scalar, df: Scalar, kinks: Iterable[float] = (), *, method: str, target: float
) -> Shaping:
    """The scales and shifts that shape φ.

    Of several solutions the one with the smallest |input_shift| is taken, and of a mirrored
    pair (odd φ) the positive one.

    Args:
        f: φ(x), elementwise.
        df: φ'(x).
        kinks: points of x where φ or φ' jumps.
        method: "dks" or "tat".
        target: the local slope C'(1) (dks, above 1) or the local curvature C''(1) (tat,
            above 0).

    Raises:
        BadParameter: an unknown method, or a target out of range.
        InputError: φ cannot be shaped so. ReLU has one number too few: its input scale does
            nothing. TAT needs a φ' that does not jump.

    Example:
        >>> s = solve(np.tanh, lambda x: 1.0 - np.tanh(x) ** 2, method="dks", target=1.008)
        >>> [round(number, 6) for number in s]
        [0.127299, 0.57041, -0.509643, 10.695625]
    """
    if method not in ("dks", "tat"):
        raise BadParameter(f"method = {method!r}: expected 'dks' or 'tat'")
    floor = 1.0 if method == "dks" else 0.0
    if not (target > floor and math.isfinite(target)):
        raise BadParameter(f"target = {target!r}: {method} needs a number above {floor:g}")
    problem = _Problem(f, df, tuple(kinks), method, target)
    if method == "tat" and gaussian.jumps(df, problem.kinks):
        raise InputError(
            "φ' jumps, so C''(1) is infinite and TAT cannot set it: take a smooth activation, or "
            "leaky_relu, for which TAT sets the slope instead"
        )
    sides = np.array([-40.0, -1.7, -0.3, 0.3, 1.7, 40.0])
    if np.allclose(f(2.0 * sides), 2.0 * f(sides), rtol=1e-13, atol=0.0):
        raise InputError(
            "φ is positively homogeneous, as ReLU is: an input scale does nothing to it, so "
            f"Q'(1) = 1 and the {method} target cannot both be met; take leaky_relu, whose slope "
            "is set instead, or a smooth activation"
        )
    for shift in SHIFTS:
        both = (_first(problem, sign * shift) for sign in (1.0, -1.0))
        found = [s for s in both if s is not None]
        if found:
            return min(found, key=lambda s: (round(abs(s.input_shift), 9), s.input_shift < 0.0))
    raise InputError(
        f"no input scale and shift give this activation Q'(1) = 1 together with the {method} "
        f"target {target:.6g}: take a smooth activation, or another depth"
    )


def _first(problem: _Problem, shift: float) -> Shaping | None:
    """The first solution reached from this shift and any of the scales."""
    tries = (_try(problem, scale, shift) for scale in SCALES)
    return next((s for s in tries if s is not None), None)


def _try(problem: _Problem, scale: float, shift: float) -> Shaping | None:
    """The solution that Powell's hybrid method reaches from here, if any."""
    from scipy.optimize import root

    def off(x: Floats) -> list[float]:
        return list(problem.off(_measure(problem, _scale(x[0]), float(x[1])))[:2])

    try:
        fit = root(off, [math.log(scale), shift], method="hybr", options={"xtol": 1e-13})
        input_scale, input_shift = _scale(fit.x[0]), float(fit.x[1])
        m = _measure(problem, input_scale, input_shift)
        end = problem.off(m)
    except (ZeroDivisionError, InputError):  # φ is constant there, or overflows
        return None
    if not max(abs(end.first), abs(end.second)) < 1e-7:
        return None
    output_scale = (m.variance + (m.mean + end.output_shift) ** 2) ** -0.5
    return Shaping(input_scale, input_shift, end.output_shift, output_scale)


def _scale(log: float) -> float:
    return math.exp(min(max(float(log), -12.0), 4.0))
