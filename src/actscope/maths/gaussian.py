"""Averages over a standard normal variable, each with an error estimate.

One rule for every function: composite Gauss–Legendre panels, split at the kinks and bisected
until a panel and its two halves agree. A Gauss–Hermite rule alone is wrong at kinks, and slow
where a saturating function of a large variance has become nearly a step; panels meet both.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from actscope.errors import BadParameter, InputError

Floats = NDArray[np.floating[Any]]
Scalar = Callable[[Floats], Floats]  # an elementwise function of one array
Profile = Callable[[Floats], tuple[Floats, ...]]  # several of them at once

REACH = 13.5  # e^(−13.5²/2) = 3e-40: nothing beyond it counts
FAR = 37.5  # the normal density underflows a little further out
STEP = 0.75  # longest panel; short enough for 400 Hermite polynomials
NODES = 16  # a panel
LEVELS = 54  # bisections: a kink that nobody declared is located to the last bit
UNSETTLED = 1e-3  # a relative error that only an infinite average leaves after all bisections
TOLERANCE = 2e-15  # of a panel against its halves, relative to the whole integral


class Estimate(NamedTuple):
    """A value and how far it may be from the truth (absolute)."""

    value: float
    error: float


@dataclass(frozen=True)
class Rule:
    """Nodes and weights such that E[g(z)] = Σ weights·g(nodes), z ~ N(0, 1).

    Attributes:
        edges: (panels + 1,), ascending.
        splits: the edges where the function is not smooth or changes fast, ascending.
        nodes: (panels·16,), ascending.
        weights: (panels·16,), the normal density included.
        twin: the same rule with every panel halved, against which errors are estimated.
    """

    edges: Floats
    splits: Floats
    nodes: Floats
    weights: Floats
    twin: Rule | None = None


@functools.lru_cache(maxsize=8)
def legendre(count: int) -> tuple[Floats, Floats]:
    """Nodes and weights of Gauss–Legendre on [0, 1], each (count,)."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return 0.5 * (nodes + 1.0), 0.5 * weights


def density(z: Floats) -> Floats:
    """The standard normal density."""
    result: Floats = np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
    return result


def _spread(low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Nodes and weights (panels, 16), density included, on the panels [low, high]."""
    at, weight = legendre(NODES)
    width = (high - low)[:, None]
    nodes = low[:, None] + width * at
    return nodes, width * weight * density(nodes)


def _composite(edges: Floats, splits: Floats, twin: Rule | None = None) -> Rule:
    nodes, weights = _spread(edges[:-1], edges[1:])
    return Rule(edges, splits, nodes.ravel(), weights.ravel(), twin)


def _grid(kinks: Floats) -> tuple[Floats, Floats]:
    """The first edges, and those of them that are not of the regular grid."""
    # a kink far out carries little mass, but may carry all that there is
    far = bool(np.any((np.abs(kinks) > 8.0) & (np.abs(kinks) < FAR)))
    reach = FAR if far else REACH
    count = round(reach / STEP)
    regular = STEP * np.arange(-count, count + 1)
    # at 0 even a function without a kink (ELU) may change its formula
    special = np.unique(np.concatenate([kinks[np.abs(kinks) < reach], [0.0]]))
    return np.unique(np.concatenate([regular, special])), special


def _graded(
    profile: Profile, edges: Floats, special: Floats, scale: float
) -> tuple[Floats, Floats]:
    """Finer edges on the scale of f's own variable, in the panels that need them.

    For a large variance, x = 0, ±1, …, ±16, ±32, ±64, … lie close together in z = x/scale, and a
    feature of f of width 1 could fall between the nodes of a panel of the regular grid.
    """
    doubling = 2.0 ** np.arange(5, max(5, math.ceil(math.log2(scale * STEP)) + 1))
    steps = np.concatenate([np.arange(1.0, 17.0), doubling]) / scale
    steps = steps[steps < STEP]
    if not steps.size:
        return edges, special
    finer = np.unique(np.concatenate([edges, steps, -steps]))
    parts = _sums(profile, finer[:-1], finer[1:])
    first = np.searchsorted(finer, edges[:-1])
    off = np.abs(np.add.reduceat(parts, first, axis=1) - _sums(profile, edges[:-1], edges[1:]))
    needs = (off > TOLERANCE * np.abs(parts).sum(axis=1, keepdims=True)).any(axis=0)
    panel = np.searchsorted(edges, finer, side="right") - 1
    kept = finer[needs[np.minimum(panel, needs.size - 1)]]
    # as places to split at, the powers of 2 are enough: they are refined where it matters
    coarse = kept[np.isin(np.abs(kept), 2.0 ** np.arange(0, 40) / scale)]
    return np.unique(np.concatenate([edges, kept])), np.unique(np.concatenate([special, coarse]))


def rule(
    profile: Profile,
    kinks: Iterable[float] = (),
    *,
    scale: float = 1.0,
) -> Rule:
    """The panels on which every function of `profile` is integrated to rounding.

    Args:
        profile: z (n,) to a tuple of arrays (n,), the functions of z to resolve.
        kinks: points of z where they or their slopes jump; one that is not named is found by
            bisection, at the price of some fifty panels.
        scale: z·scale is the variable in which the functions change over a length of order 1.

    Raises:
        BadParameter: the scale is not positive and finite.
        InputError: a function is not finite somewhere.
    """
    if not (scale > 0.0 and math.isfinite(scale)):
        raise BadParameter(f"scale = {scale!r}: expected a positive, finite number")
    edges, splits = _grid(np.asarray(tuple(kinks), dtype=np.float64))
    edges, splits = _graded(profile, edges, splits, scale)
    low, high = edges[:-1], edges[1:]
    settled = [edges]
    whole = _sums(profile, low, high)
    size = np.abs(whole).sum(axis=1, keepdims=True)
    for _ in range(LEVELS):
        middle = 0.5 * (low + high)
        left, right = _sums(profile, low, middle), _sums(profile, middle, high)
        rough = (np.abs(whole - left - right) > TOLERANCE * size).any(axis=0)
        if not rough.any():
            break
        settled.append(middle[rough])
        low, high = (
            np.concatenate([low[rough], middle[rough]]),
            np.concatenate([middle[rough], high[rough]]),
        )
        whole = np.concatenate([left[:, rough], right[:, rough]], axis=1)
        # next to a pole the sums grow without end, and with them what rounding leaves of them
        size = np.maximum(size, np.abs(whole).sum(axis=1, keepdims=True))
    edges = np.unique(np.concatenate(settled))
    splits = np.unique(np.concatenate([splits, *settled[1:]]))
    halved = np.unique(np.concatenate([edges, 0.5 * (edges[1:] + edges[:-1])]))
    return _composite(edges, splits, _composite(halved, splits))


def _sums(profile: Profile, low: Floats, high: Floats) -> Floats:
    """The integral of each function over each panel, (functions, panels)."""
    nodes, weights = _spread(low, high)
    with np.errstate(over="ignore", invalid="ignore"):  # refused below
        values = np.stack(profile(nodes.ravel())).reshape(-1, *nodes.shape)
    if not np.isfinite(values).all():
        place = nodes[~np.isfinite(values).all(axis=0)].flat[0]
        raise InputError(
            f"the function is not finite at z = {place:.6g}: an average over a normal variable "
            "needs a function (and slope) that is finite on the whole line"
        )
    result: Floats = np.einsum("fpn,pn->fp", values, weights)
    return result


def average(g: Scalar, over: Rule) -> Estimate:
    """E[g(z)] by a rule that resolves g; the error is the distance from the halved rule.

    The error holds a rounding term too: the sum of |weight·g| times the machine epsilon.
    """
    terms = over.weights * g(over.nodes)
    value = float(terms.sum())
    rounding = float(np.finfo(np.float64).eps * np.abs(terms).sum())
    assert over.twin is not None
    twin = float(over.twin.weights @ g(over.twin.nodes))
    tail = float(np.abs(terms[:NODES]).sum() + np.abs(terms[-NODES:]).sum())
    return Estimate(value, abs(value - twin) + rounding + tail)


def mean(g: Scalar, kinks: Iterable[float] = (), *, scale: float = 1.0) -> Estimate:
    """E[g(z)], z ~ N(0, 1).

    Args:
        g: elementwise function of an array (n,).
        kinks: points of z where g or its slope jumps.
        scale: z·scale is the variable in which g changes over a length of order 1.

    Returns:
        The value and an estimate of its absolute error.

    Raises:
        BadParameter: the scale is not positive and finite.
        InputError: g is not finite somewhere on [−13.5, 13.5].

    Example:
        >>> value, error = mean(lambda z: np.maximum(z - 1.0, 0.0), kinks=(1.0,))
        >>> f"{value:.15f}", error < 1e-15
        ('0.083315470587686', True)
    """
    return average(g, rule(lambda z: (g(z),), kinks, scale=scale))


@dataclass(frozen=True)
class Moments:
    """Averages of an activation φ over x = √q·z, z ~ N(0, 1). Slopes are with respect to x.

    Attributes:
        q: the variance of x.
        mean: E[φ].
        second: E[φ²].
        variance: E[(φ − E φ)²], summed around the mean, so free of cancellation.
        slope: E[φ'], a jump of φ counted as the delta function that it is.
        slope_second: E[φ'²]; infinite where φ jumps, or as steep next to a kink as √|x|.
        drift: dE[φ²]/dq = E[z·φ·φ']/√q; the slope of the variance map at σw = 1.
        curvature_second: E[φ''²]; infinite where φ' jumps, never the almost-everywhere value.
    """

    q: float
    mean: Estimate
    second: Estimate
    variance: Estimate
    slope: Estimate
    slope_second: Estimate
    drift: Estimate
    curvature_second: Estimate


@dataclass(frozen=True)
class Curve:
    """An elementwise function with its slope and kinks, in the variable z = x/√q.

    Attributes:
        f: z to φ(√q·z).
        df: z to φ'(√q·z), the slope with respect to x.
        kinks: where f or df jumps, in z, ascending.
        q: the variance of x.
        rule: the panels that resolve f and df.
    """

    f: Scalar
    df: Scalar
    kinks: tuple[float, ...]
    q: float
    rule: Rule


def curve(f: Scalar, df: Scalar, kinks: Iterable[float] = (), q: float = 1.0) -> Curve:
    """φ as a function of a standard normal variable, with the rule that integrates it.

    Args:
        f: φ(x), elementwise.
        df: φ'(x), elementwise.
        kinks: points of x where φ or φ' jumps.
        q: the variance of x, in (0, ∞).

    Raises:
        BadParameter: q is not positive and finite.
        InputError: φ or φ' is not finite somewhere.
    """
    if not (q > 0.0 and math.isfinite(q)):
        raise BadParameter(f"q = {q!r}: a variance is a positive, finite number")
    scale = math.sqrt(q)

    def value(z: Floats) -> Floats:
        return f(scale * z)

    def slope(z: Floats) -> Floats:
        return df(scale * z)

    def profile(z: Floats) -> tuple[Floats, ...]:
        phi, dphi = value(z), slope(z)
        return phi, phi * phi, dphi, dphi * dphi

    at = tuple(sorted(k / scale for k in kinks))
    return Curve(value, slope, at, q, rule(profile, at, scale=scale))


def jumps(g: Scalar, kinks: Iterable[float]) -> bool:
    """Whether g itself jumps at one of the kinks (and not only its slope)."""
    at = np.asarray(tuple(kinks), dtype=np.float64)
    if not at.size:
        return False
    step = 1e-7 * np.maximum(1.0, np.abs(at))
    near, nearer = (np.abs(g(at + h) - g(at - h)) for h in (step, step / 8.0))
    # across a jump the difference stays; across a kink it shrinks with the step
    return bool(np.any((nearer > 0.5 * near) & (near > 1e-12 * (1.0 + np.abs(g(at + step))))))


def diverges(g: Scalar, kinks: Iterable[float]) -> bool:
    """Whether the integral of |g| is infinite next to one of the kinks.

    The part of a power |t|^p, p > −1, that lies within t of a kink shrinks with t; t·|g| shows it.
    """
    at = np.asarray(tuple(kinks), dtype=np.float64)
    for side in (-1.0, 1.0):
        far, near = (h * np.abs(g(at + side * h)) for h in (2.0**-20, 2.0**-35))
        if np.any((near > 0.9 * far) & (far > 0.0)):
            return True
    return False


def moments(c: Curve) -> Moments:
    """The averages of a curve.

    Raises:
        InputError: E[φ²] is infinite.

    Example:
        >>> relu = curve(lambda x: np.maximum(x, 0.0), lambda x: np.heaviside(x, 0.0), (0.0,))
        >>> m = moments(relu)
        >>> round(m.second.value, 12), round(m.variance.value, 12), m.curvature_second.value
        (0.5, 0.340845056908, inf)
    """
    scale = math.sqrt(c.q)
    infinite = Estimate(math.inf, 0.0)
    middle, second = average(c.f, c.rule), average(lambda z: c.f(z) ** 2, c.rule)
    if second.error > UNSETTLED * second.value:
        raise InputError("E[φ²] is infinite: φ has a pole, or grows at least as fast as e^(x²/4q)")
    broken = jumps(c.f, c.kinks)
    steep = broken or diverges(lambda z: c.df(z) ** 2, c.kinks)
    if broken:  # φ' holds deltas: integrate by parts, so that z multiplies φ instead
        slope = _over(average(lambda z: z * c.f(z), c.rule), scale)
        drift = _over(average(lambda z: 0.5 * (z * z - 1.0) * c.f(z) ** 2, c.rule), c.q)
    else:
        slope = average(c.df, c.rule)
        drift = _over(average(lambda z: z * c.f(z) * c.df(z), c.rule), scale)
    return Moments(
        q=c.q,
        mean=middle,
        second=second,
        variance=average(lambda z: (c.f(z) - middle.value) ** 2, c.rule),
        slope=slope,
        slope_second=infinite if steep else average(lambda z: c.df(z) ** 2, c.rule),
        drift=drift,
        curvature_second=curvature(c),
    )


def _over(estimate: Estimate, divisor: float) -> Estimate:
    return Estimate(estimate.value / divisor, estimate.error / divisor)


@functools.lru_cache(maxsize=1)
def _differentiation() -> Floats:
    """(16, 16): values at the Legendre nodes of [0, 1] to slopes of their interpolant there."""
    at, _ = legendre(NODES)
    apart = at[:, None] - at
    np.fill_diagonal(apart, 1.0)
    product = apart.prod(axis=1)
    matrix: Floats = product[:, None] / product / apart
    np.fill_diagonal(matrix, 0.0)
    np.fill_diagonal(matrix, -matrix.sum(axis=1))
    return matrix


def curvature(c: Curve) -> Estimate:
    """E[φ''²] from the halved panels' interpolants of φ', checked by halving once more.

    Infinite where φ or φ' jumps at a kink.
    """
    assert c.rule.twin is not None
    if jumps(c.f, c.kinks) or jumps(c.df, c.kinks):
        return Estimate(math.inf, 0.0)
    edges = c.rule.twin.edges
    finer = np.unique(np.concatenate([edges, 0.5 * (edges[1:] + edges[:-1])]))
    values = []
    for each in (edges, finer):
        nodes, weights = _spread(each[:-1], each[1:])
        slopes = c.df(nodes.ravel()).reshape(nodes.shape)
        # the constant part carries no slope, only rounding
        slopes = slopes - slopes[:, :1]
        bent = slopes @ _differentiation().T / np.diff(each)[:, None]
        values.append(float((weights * bent**2).sum()) / c.q)
    # differentiating 16 values multiplies their rounding by some hundreds
    return Estimate(values[0], abs(values[0] - values[1]) + 1e-13 * values[0])
