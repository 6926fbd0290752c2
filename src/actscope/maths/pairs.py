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
from actscope.maths.gaussian import Curve, Estimate, Scalar, density, legendre

Floats = NDArray[np.floating[Any]]

TERMS = 400  # |c| ≤ .95 reaches 1e-14 for a function with kinks
REACH = 9.0  # inside the turned plane: e^(−9²/2) = 3e-18
STEP = 1.5
FEW, MANY = 10, 16  # nodes of a panel; its error is their disagreement
TOLERANCE = 2e-14  # of a panel of the turned plane, relative to the whole integral
LEVELS = 12
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
        half = mismatch(e, 1.0 - abs(float(at[i])), mirrored=float(at[i]) < 0.0)
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
    values = np.array(lost @ e.powers[1:])
    unseen = np.where(at > 0.0, e.slope_rest, 0.0) * at
    errors = np.array(np.minimum(e.rest, unseen) + 8.0 * EPS * values)
    for place in np.argwhere(errors > 64.0 * EPS * values):
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
        return mismatch(e, below)
    value = e.slope_energy * below
    return Estimate(value, value * math.sqrt(below))


def mismatch(e: Expansion, below: float, mirrored: bool = False) -> Estimate:
    """½·E[(f(u) − f(v))²] at correlation 1 − below, in the plane turned by 45°.

    With u = α·a + β·b, v = α·a − β·b and α² = 1 − below/2, β² = below/2: the outer integral
    over a is smooth on the scale β/α around each kink, the inner one is split where u or v
    meets a kink.

    Args:
        e: the function's expansion.
        below: 1 − c in [0, 1].
        mirrored: put f(−v) for f(v), which gives the correlation −(1 − below).
    """
    alpha, beta = math.sqrt(1.0 - below / 2.0), math.sqrt(below / 2.0)
    if beta == 0.0 and not mirrored:
        return Estimate(0.0, 0.0)
    splits = np.unique(np.concatenate([e.rule.splits, e.kinks]))
    plane = _Plane(e.f, alpha, beta, splits, -1.0 if mirrored else 1.0)
    edges = _outer_edges(plane, np.asarray(e.kinks, dtype=np.float64))
    low, high = edges[:-1], edges[1:]
    # differences of nearly equal numbers: what rounding leaves of them
    noise = 0.0 if mirrored else 20.0 * EPS / beta
    total = error = scale = 0.0
    for level in range(LEVELS):
        fine, rough = plane.panels(low, high, level, MANY), plane.panels(low, high, level, FEW)
        scale = scale or float(fine.sum())
        off = np.abs(fine - rough)
        open_ = (off > max(TOLERANCE, noise) * scale) & (level < LEVELS - 1)
        total += float(fine[~open_].sum())
        error += float(off[~open_].sum())
        if not open_.any():
            break
        middle = 0.5 * (low + high)
        low, high = (
            np.concatenate([low[open_], middle[open_]]),
            np.concatenate([middle[open_], high[open_]]),
        )
    return Estimate(total, error + noise * total)


def _outer_edges(plane: _Plane, kinks: Floats) -> Floats:
    mirrors = np.concatenate([kinks, -kinks]) if plane.sign < 0.0 else kinks
    turns = np.concatenate([plane.splits, plane.sign * plane.splits]) / plane.alpha
    around = np.add.outer(mirrors, plane.beta * np.arange(-8.0, 9.0, 2.0)).ravel() / plane.alpha
    regular = np.arange(-REACH, REACH + STEP / 2.0, STEP)
    edges: Floats = np.unique(np.concatenate([regular, turns, around]))
    return edges[np.abs(edges) <= REACH]


class _Plane(NamedTuple):
    """The turned plane: what the inner integral over b needs besides a."""

    f: Scalar
    alpha: float
    beta: float
    splits: Floats
    sign: float

    def panels(self, low: Floats, high: Floats, level: int, count: int) -> Floats:
        """The integral over each outer panel, (panels,), by `count` nodes a panel both ways."""
        at, weight = legendre(count)
        width = (high - low)[:, None]
        a = low[:, None] + width * at
        inner = self.inner(a.ravel(), level, count).reshape(a.shape)
        result: Floats = (width * weight * density(a) * inner).sum(axis=1)
        return result

    def inner(self, a: Floats, level: int, count: int) -> Floats:
        """½·E over b of (f(u) − f(v))², at each a (n,)."""
        even = self.sign > 0.0  # in b, so that half the line is enough
        start = 0.0 if even else -REACH
        step = STEP / 2.0**level
        regular = np.linspace(start, REACH, round((REACH - start) / step) + 1)
        centre = self.alpha * a[:, None]
        moving = np.concatenate(
            [self.splits - centre, centre - self.sign * self.splits], axis=1
        ) / max(self.beta, 1e-300)
        fixed = np.broadcast_to(regular, (a.size, regular.size))
        edges = np.sort(np.concatenate([fixed, np.clip(moving, start, REACH)], axis=1))
        at, weight = legendre(count)
        width = np.diff(edges)[:, :, None]
        b = edges[:, :-1, None] + width * at  # (n, panels, count)
        shift, middle = self.beta * b, centre[:, :, None]
        apart = self.f(middle + shift) - self.f(self.sign * (middle - shift))
        summed: Floats = (width * weight * density(b) * apart**2).sum(axis=(1, 2))
        return summed if even else 0.5 * summed
