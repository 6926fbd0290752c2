"""The facts of a typed expression, found by looking: kinks, range, centring, monotonicity.

Kinks: f can only have one where an abs, max, min, sign, sqrt, where or fractional power switches,
so the roots of those conditions are found, all of them when the condition is made of polynomials,
and by sign changes on a grid over [-50, 50] otherwise (infinitely many, as in abs(sin(x)), end
there). Those where neither f nor f' jumps, and f' is finite, are dropped.

Range: the extremes over a grid from -1e150 to 1e150, refined around each; beyond 1e4 what
counts is whether f settles. An end counts as attained when f takes it exactly at 50 digits.

This file is imported only by functions, as `_symbolic.py` is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import mpmath  # type: ignore[import-untyped]
import numpy as np
import sympy
from numpy.typing import NDArray

from actscope.activations._base import Elementwise, Interval
from actscope.activations._branching import Extremum, Power, Where, evaluate
from actscope.activations._codegen import function_of
from actscope.activations._symbolic import Abs, Expr, Sign, Sqrt, X, size

REACH = 50.0  # kinks of conditions that are no polynomials are looked for within ±REACH
FARTHEST = 1e150  # end of the grid on which the range is looked for
PER_UNIT = 64  # grid points for each unit of x there
MAX_DEGREE = 12  # of a polynomial whose roots are isolated exactly
MAX_PIECES = 32
SWITCHES = (Abs, Sign, Extremum, Where)
STEPS = (1e-4, 1e-10)  # relative distances from a kink at which a jump is told from a slope

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Facts:
    """What `facts_of` finds."""

    range: Interval
    kinks: tuple[float, ...]
    zero_centred: bool
    monotonic: bool


def facts_of(e: Expr, f: Elementwise, df: Elementwise) -> Facts:
    """The facts of `e`, whose compiled function and slope are `f` and `df`."""
    with np.errstate(all="ignore"):
        kinks = _kinks(e, f, df)
        grid = _grid(kinks)
        y = np.asarray(f(grid), dtype=np.float64)
        return Facts(_range(e, f, grid, y, kinks), kinks, _centred(f, kinks), _rises(y))


def _switches(e: Expr) -> set[Expr]:
    """What changes sign where a part of `e` switches."""
    found = {p.args[0] for p in e.atoms(Abs, Sign, Sqrt, Power)}
    found |= {p.args[0] - p.args[1] for p in e.atoms(Extremum)}
    return found | {p.args[1] - p.args[2] for p in e.atoms(Where)}


def _kinks(e: Expr, f: Elementwise, df: Elementwise) -> tuple[float, ...]:
    switches = [condition for condition in _switches(e) if condition.has(X)]
    roots = np.unique([r for condition in switches for r in _roots(condition)]) + 0.0
    return tuple(map(float, roots[_jumps(f, roots) | _jumps(df, roots) | _steep(f, df, roots)]))


def _roots(condition: Expr) -> list[float]:
    """Where it may be 0: the roots of its polynomial pieces, else sign changes within ±REACH."""
    pieces = _pieces(condition)
    known = [_polynomial_roots(piece) for piece in pieces if piece.has(X)]
    roots = [r for found in known if found is not None for r in found]
    return roots + _sign_changes(function_of(condition, "g")) if None in known else roots


def _pieces(e: Expr) -> list[Expr]:
    """`e` with each abs, max, min, sign and where replaced by either side, in every combination."""
    inside = e.atoms(sympy.Function)
    if any(not isinstance(p, SWITCHES) for p in inside) or 2 ** len(inside) > MAX_PIECES:
        return [e]
    done: list[Expr] = []
    todo = [e]
    while todo:
        piece = todo.pop()
        inner = piece.find(lambda p: isinstance(p, SWITCHES))
        if not inner:
            done.append(piece)
            continue
        part = min(inner, key=size)  # the smallest holds no other
        todo += [piece.xreplace({part: side}) for side in _sides(part)]
    return list(dict.fromkeys(done))


def _sides(part: Expr) -> tuple[Expr, ...]:
    if isinstance(part, Abs):
        return part.args[0], -part.args[0]
    if isinstance(part, Sign):
        return sympy.S.One, -sympy.S.One
    sides: tuple[Expr, ...] = part.args[-2:]  # of Extremum and Where
    return sides


def _polynomial_roots(condition: Expr) -> list[float] | None:
    """All real roots and poles of a quotient of polynomials; None for anything else."""
    top, bottom = sympy.together(condition).as_numer_denom()
    if bottom.has(X):
        both = [_polynomial_roots(part) for part in (top, bottom) if part.has(X)]
        return None if None in both else [r for roots in both if roots for r in roots]
    if top.is_Mul or (top.is_Pow and top.exp > 0):
        parts = [p for p in (top.args if top.is_Mul else top.args[:1]) if p.has(X)]
        found = [_polynomial_roots(part) for part in parts]
        return None if None in found else [r for roots in found if roots for r in roots]
    if not top.is_polynomial(X) or top.free_symbols != {X}:
        return None
    poly = sympy.Poly(top, X)
    if poly.degree() > MAX_DEGREE or not (poly.domain.is_QQ or poly.domain.is_ZZ):
        return None
    if poly.degree() == 1:
        a, b = poly.all_coeffs()
        return [float(-b / a)]
    return [float(r) for r in _real_roots(poly)]


def _real_roots(poly: Any) -> list[Any]:
    """Isolated exactly, refined to far below a float's spacing."""
    intervals = poly.intervals(eps=sympy.Rational(1, 10**18))
    return [(low + high) / 2 for (low, high), _ in intervals]


def _sign_changes(g: Elementwise) -> list[float]:
    """By bisection of every bracket of the grid at once, down to neighbouring floats."""
    grid = np.linspace(-REACH, REACH, int(2 * REACH) * PER_UNIT + 1)
    sign = np.sign(g(grid))
    exact = grid[sign == 0]
    step = STEPS[0] * np.maximum(1.0, np.abs(exact))
    roots = exact[np.sign(g(exact - step)) != np.sign(g(exact + step))]
    bracket = np.flatnonzero(sign[:-1] * sign[1:] < 0)
    low, high, below = grid[bracket], grid[bracket + 1], sign[bracket]
    for _ in range(64):
        middle = low + (high - low) / 2
        left = np.sign(g(middle)) == below
        low, high = np.where(left, middle, low), np.where(left, high, middle)
    return [*map(float, roots), *map(float, low + (high - low) / 2)]


def _jumps(g: Elementwise, at: Array) -> NDArray[np.bool_]:
    """Whether g(at + h) - g(at - h) does not shrink with h, or g(at) lies off both sides."""
    scale = np.maximum(1.0, np.abs(at))
    left, right, near_left, near_right = (
        g(at + side * h * scale) for h in STEPS for side in (-1.0, 1.0)
    )
    middle = g(at)
    gap, near = np.abs(right - left), np.abs(near_right - near_left)
    floor = 1e-8 * np.maximum(1.0, np.maximum(np.abs(near_left), np.abs(near_right)))
    steps = (near > floor) & (near > 0.3 * gap)  # False where a side is NaN
    off = np.minimum(np.abs(middle - near_left), np.abs(middle - near_right))
    alone = (off > 1e-3 * np.maximum(1.0, np.abs(near_left))) & (off > 10 * near)
    return np.asarray(steps | alone)


def _steep(f: Elementwise, df: Elementwise, at: Array) -> NDArray[np.bool_]:
    """Whether f' is no number where f is one on both sides, as for sign(x)*sqrt(abs(x)) at 0."""
    step = STEPS[1] * np.maximum(1.0, np.abs(at))
    known = np.isfinite(f(at)) & np.isfinite(f(at - step)) & np.isfinite(f(at + step))
    return np.asarray(known & ~np.isfinite(df(at)))


def _grid(kinks: tuple[float, ...]) -> Array:
    """Dense within ±REACH, geometric beyond, and both neighbours of every kink."""
    inner = np.linspace(-REACH, REACH, int(2 * REACH) * PER_UNIT + 1)
    outer = np.concatenate([np.geomspace(REACH, 1e4, 400), np.geomspace(1e4, FARTHEST, 147)])
    small = np.geomspace(1e-12, 1e-2, 41)
    at = np.array(kinks, dtype=float)
    near = [at, np.nextafter(at, -np.inf), np.nextafter(at, np.inf)]
    return np.unique(np.concatenate([inner, outer, -outer, small, -small, *near]))


def _range(e: Expr, f: Elementwise, grid: Array, y: Array, kinks: tuple[float, ...]) -> Interval:
    high, top = _end(e, f, grid, y, kinks, 1.0)
    low, bottom = _end(e, f, grid, -y, kinks, -1.0)
    return Interval(0.0 - low, high, bottom, top)


def _end(
    e: Expr, f: Elementwise, grid: Array, y: Array, kinks: tuple[float, ...], sign: float
) -> tuple[float, bool]:
    """The supremum of `y` = sign·f on the grid, and whether it is attained."""
    if np.isnan(y).all():
        return math.nan, False
    within = [np.nanmax(y[np.abs(grid) <= far]) for far in (1e75, FARTHEST)]
    if np.isposinf(within[1]) or within[1] - within[0] > 1e-9 * max(1.0, abs(within[0])):
        return math.inf, False
    at, best = _refined(lambda x: sign * f(x), grid, y)
    if best > 1e6 * max(1.0, float(np.nanmax(y))):  # it grows without end towards a pole
        return math.inf, False
    if abs(best - round(best, 12)) < 1e-15 * max(1.0, abs(best)):
        best = round(best, 12) + 0.0  # a limit reached from one side, such as 5e-324
    ends = np.array(kinks)
    beside = np.concatenate([np.nextafter(ends, -np.inf), np.nextafter(ends, np.inf)])
    flat = grid[(y == best) & ~np.isin(grid, beside)]
    if len(flat) == 0:
        inside = abs(at) < FARTHEST / 10  # else a limit
        return float(best), bool(inside and np.all(np.abs(at - ends) > 1e-12))
    # two that are not mirror images, nearest 0, where f has not yet rounded to its limit
    flat = flat[np.unique(np.abs(flat), return_index=True)[1]][:3]
    with mpmath.workdps(50):
        values = [sign * v for v in (_exactly(e, x) for x in flat) if v is not None][:2]
        # equal at 50 digits: f is exactly flat there, or takes the value exactly
        flat_there = len(values) == 2 and values[0] == values[1]
        taken = bool(values) and (values[0] == best or flat_there or _peak(y, y == best))
        return float(best), bool(taken)


def _exactly(e: Expr, x: float) -> Any:
    """`e` at x by mpmath, or None where it has no real value, as at a pole."""
    try:
        return evaluate(e, mpmath.mpf(x))
    except (ValueError, ZeroDivisionError, OverflowError, TypeError):
        return None


def _peak(y: Array, top: NDArray[np.bool_]) -> bool:
    """Whether a single grid point reaches the top, both its neighbours being lower."""
    i = np.flatnonzero(top)
    i = i[(i > 0) & (i < len(y) - 1)]
    return bool(np.any((y[i - 1] < y[i]) & (y[i + 1] < y[i])))


def _refined(g: Elementwise, grid: Array, y: Array) -> tuple[float, float]:
    """The largest value near any of the eight highest grid points, and where it is."""
    y = np.where(np.isnan(y), -np.inf, y)
    inner = np.flatnonzero((y[1:-1] >= y[:-2]) & (y[1:-1] >= y[2:])) + 1
    order = inner[np.argsort(-y[inner], kind="stable")][:8]
    i = int(np.argmax(y))
    at, best = float(grid[i]), float(y[i])
    for j in order:
        low, high = grid[j - 1], grid[j + 1]
        for _ in range(16):
            x = np.linspace(low, high, 33)
            values = g(x)
            k = int(np.argmax(np.where(np.isnan(values), -np.inf, values)))
            if values[k] > best:
                at, best = float(x[k]), float(values[k])
            low, high = x[max(k - 1, 0)], x[min(k + 1, 32)]
    return at, best


def _centred(f: Elementwise, kinks: tuple[float, ...]) -> bool:
    """E[f(z)] = 0 for a standard normal z, by Gauss-Legendre panels cut at the kinks."""
    edges = np.unique(np.concatenate([np.linspace(-16.0, 16.0, 65), kinks]))
    edges = edges[np.abs(edges) <= 16.0]
    nodes, weights = np.polynomial.legendre.leggauss(16)
    half = np.diff(edges)[:, None] / 2.0
    x = edges[:-1, None] + half * (nodes + 1.0)  # (panels, nodes)
    density = weights * half * np.exp(-x * x / 2.0) / math.sqrt(2.0 * math.pi)
    y = f(x)
    mean, square = float(np.sum(density * y)), float(np.sum(density * y * y))
    return bool(abs(mean) <= 1e-10 * math.sqrt(square))


def _rises(y: Array) -> bool:
    """Weakly increasing over the grid, as far as rounding lets one see; NaN is skipped."""
    known = y[~np.isnan(y)]
    finite = np.abs(known[np.isfinite(known)])
    scale = min(1.0, float(np.max(finite))) if len(finite) else 1.0
    step = known[1:] - known[:-1]
    slack = 1e-12 * np.maximum(scale, np.minimum(np.abs(known[1:]), np.abs(known[:-1])))
    return not bool(np.any(step < -slack))
