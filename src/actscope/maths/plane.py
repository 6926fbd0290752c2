"""½·E[(f(u) − f(v))²] for nearly equal or nearly opposite u and v, in the plane turned by 45°.

(u, v) standard normal with correlation 1 − below: u = α·a + β·b, v = α·a − β·b with independent
standard normal a, b, α² = 1 − below/2, β² = below/2. The inner integral over b is split where u
or v meets a kink; what is left for a is smooth, on the scale β/α around each kink.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from actscope.maths.gaussian import Estimate, Rule, Scalar, density, legendre

Floats = NDArray[np.floating[Any]]

REACH = 9.0  # of a and b: e^(−9²/2) = 3e-18
STEP = 1.5  # longest panel
FEW, MANY = 10, 16  # nodes of a panel; its error is their disagreement
TOLERANCE = 2e-14  # of an outer panel, relative to the whole integral
LEVELS = 12
MOST = 2_000_000  # evaluations, after which what is unsettled stays in the error: √|x| at 0
SPLITS = 48  # with more places to split at, short inner panels cost less
TINY = 1e-6  # a panel of a rule that is shorter was bisected towards a kink
BLOCK = 1_000_000  # evaluations at once
EPS = float(np.finfo(np.float64).eps)


def mismatch(
    f: Scalar, rule: Rule, kinks: tuple[float, ...], below: float, mirrored: bool = False
) -> Estimate:
    """½·E[(f(u) − f(v))²] at correlation 1 − below.

    Args:
        f: elementwise function of z.
        rule: panels that resolve it.
        kinks: where it or its slope jumps.
        below: 1 − c in [0, 1].
        mirrored: put f(−v) for f(v), which gives the correlation −(1 − below).

    Example:
        >>> from actscope.maths.gaussian import rule
        >>> relu = lambda z: np.maximum(z, 0.0)
        >>> over = rule(lambda z: (relu(z), relu(z) ** 2), kinks=(0.0,))
        >>> round(mismatch(relu, over, (0.0,), 1.0).value, 12) == round(0.5 - 0.5 / np.pi, 12)
        True
    """
    if below == 0.0 and not mirrored:
        return Estimate(0.0, 0.0)
    plane = _plane(f, rule, kinks, below, mirrored)
    edges = plane.outer_edges()
    low, high = edges[:-1], edges[1:]
    # differences of nearly equal numbers: what rounding leaves of them
    noise = 0.0 if mirrored else 20.0 * EPS / plane.beta
    total = error = scale = 0.0
    spent = 0.0
    for level in range(LEVELS):
        spent += low.size * MANY**2 * plane.inner_panels(level)
        fine, rough = plane.panels(low, high, level, MANY), plane.panels(low, high, level, FEW)
        scale = scale or float(fine.sum())
        off = np.abs(fine - rough)
        unsettled = (off > max(TOLERANCE, noise) * scale) & (level < LEVELS - 1) & (spent < MOST)
        total += float(fine[~unsettled].sum())
        error += float(off[~unsettled].sum())
        if not unsettled.any():
            break
        middle = 0.5 * (low + high)
        low, high = (
            np.concatenate([low[unsettled], middle[unsettled]]),
            np.concatenate([middle[unsettled], high[unsettled]]),
        )
    return Estimate(total, error + noise * total)


class _Plane(NamedTuple):
    """The turned plane of one function at one correlation.

    Attributes:
        f: the function.
        alpha: α.
        beta: β.
        sign: of v: −1 where it is mirrored.
        sharp: kinks of f.
        splits: where the inner integral is split, besides its own short panels.
        turns: where the outer one is.
        step: longest inner panel.
    """

    f: Scalar
    alpha: float
    beta: float
    sign: float
    sharp: Floats
    splits: Floats
    turns: Floats
    step: float

    def outer_edges(self) -> Floats:
        """The first panels of a: regular, split at the turns, finer around the kinks."""
        sides = [1.0] if self.sign > 0.0 else [1.0, -1.0]
        around = self.beta * np.arange(-8.0, 9.0, 2.0)
        special = [
            places / self.alpha
            for side in sides
            for places in (side * self.turns, np.add.outer(side * self.sharp, around).ravel())
        ]
        regular = np.arange(-REACH, REACH + STEP / 2.0, STEP)
        edges: Floats = np.unique(np.concatenate([regular, *special]))
        return edges[np.abs(edges) <= REACH]

    def inner_panels(self, level: int) -> float:
        """About how many panels an inner integral has at a level."""
        return REACH / self.step * 2.0**level + 2.0 * self.splits.size

    def panels(self, low: Floats, high: Floats, level: int, count: int) -> Floats:
        """The integral over each outer panel, (panels,), by `count` nodes a panel both ways."""
        at, weight = legendre(count)
        width = (high - low)[:, None]
        a = low[:, None] + width * at  # (panels, count)
        start = 0.0 if self.sign > 0.0 else -REACH  # even in b unless mirrored
        regular = np.linspace(start, REACH, math.ceil((REACH - start) / self.step * 2.0**level) + 1)
        rows = max(1, BLOCK // ((regular.size + 2 * self.splits.size) * count))
        parts = np.array_split(a.ravel(), math.ceil(a.size / rows))
        inner = np.concatenate([self.inner(part, regular, count) for part in parts])
        result: Floats = (width * weight * density(a) * inner.reshape(a.shape)).sum(axis=1)
        return result

    def inner(self, a: Floats, regular: Floats, count: int) -> Floats:
        """½·E over b of (f(u) − f(v))², at each a (n,)."""
        centre = self.alpha * a[:, None]
        moving = (
            np.concatenate([self.splits - centre, centre - self.sign * self.splits], axis=1)
            / self.beta
        )
        fixed = np.broadcast_to(regular, (a.size, regular.size))
        clipped = np.clip(moving, regular[0], regular[-1])
        edges = np.sort(np.concatenate([fixed, clipped], axis=1))
        at, weight = legendre(count)
        width = np.diff(edges)[:, :, None]
        b = edges[:, :-1, None] + width * at  # (n, panels, count)
        shift, middle = self.beta * b, centre[:, :, None]
        apart = self.f(middle + shift) - self.f(self.sign * (middle - shift))
        summed: Floats = (width * weight * density(b) * apart**2).sum(axis=(1, 2))
        return summed if self.sign > 0.0 else 0.5 * summed


def _plane(f: Scalar, rule: Rule, kinks: tuple[float, ...], below: float, mirrored: bool) -> _Plane:
    alpha, beta = math.sqrt(1.0 - below / 2.0), max(math.sqrt(below / 2.0), 1e-300)
    sign = -1.0 if mirrored else 1.0
    sharp = np.asarray(kinks, dtype=np.float64)
    splits = np.unique(np.concatenate([rule.splits, sharp]))
    if splits.size <= SPLITS:
        return _Plane(f, alpha, beta, sign, sharp, splits, splits, STEP)
    width, middle = np.diff(rule.edges), 0.5 * (rule.edges[1:] + rule.edges[:-1])
    sharp = np.unique(np.concatenate([sharp, _clusters(middle, width)]))
    # panels that shrink towards a kink do so because of it, and need not be short elsewhere
    far = np.abs(middle[:, None] - sharp).min(axis=1, initial=np.inf)
    needed = width < 0.3 * far
    finest = float(width[needed].min(initial=STEP))
    turns = np.unique(np.concatenate([rule.edges[:-1][needed], sharp]))
    return _Plane(f, alpha, beta, sign, sharp, sharp, turns, min(STEP, finest / beta))


def _clusters(middle: Floats, width: Floats) -> Floats:
    """The narrowest panel of each run of tiny ones: a kink that nobody declared."""
    tiny = np.flatnonzero(width < TINY)
    if not tiny.size:
        return middle[:0]
    runs = np.split(tiny, np.flatnonzero(np.diff(tiny) > 1) + 1)
    return np.array([middle[run[np.argmin(width[run])]] for run in runs])
