"""What rules are made of: intervals of samples, and decisions that may be open.

A decision is True, False or None: None where the interval holds the threshold, so that this much
data cannot tell.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from actscope.claims._base import Outcome
from actscope.maths.statistics import LEVEL, Interval, bootstrap, wilson

Floats = NDArray[np.float64]
Decision = bool | None
RESAMPLES = 2000


def mean(values: ArrayLike) -> Interval:
    """The mean with its bootstrap interval.

    Example:
        >>> mean([1.0, 1.0, 1.0]).value
        1.0
    """
    return _interval(values, np.mean)


def median(values: ArrayLike) -> Interval:
    """The median with its bootstrap interval."""
    return _interval(values, np.median)


def _interval(values: ArrayLike, statistic: Any) -> Interval:
    x = np.asarray(values, dtype=np.float64)
    if x.size == 1:
        return exact(float(x[0]))
    return bootstrap(x, statistic, rng=0, resamples=RESAMPLES)


def share(flags: ArrayLike) -> Interval:
    """The share of true flags with Wilson's interval."""
    given = np.asarray(flags, dtype=bool)
    return wilson(int(given.sum()), given.size)


def exact(value: float) -> Interval:
    """A number without chance."""
    return Interval(value, value, value, LEVEL, 1)


def above(i: Interval, threshold: float) -> Decision:
    """Whether a number lies above a threshold, as far as its interval tells.

    Example:
        >>> above(Interval(2, 1.5, 2.5, 0.95, 9), 1), above(Interval(2, 0.5, 3.5, 0.95, 9), 1)
        (True, None)
    """
    return True if i.low > threshold else False if i.high <= threshold else None


def below(i: Interval, threshold: float) -> Decision:
    """Whether a number lies below a threshold, as far as its interval tells."""
    return True if i.high < threshold else False if i.low >= threshold else None


def within(i: Interval, low: float, high: float) -> Decision:
    """Whether a number lies in [low, high], as far as its interval tells.

    Example:
        >>> within(Interval(0.0, -0.1, 0.1, 0.95, 9), -1, 1)
        True
    """
    if low <= i.low and i.high <= high:
        return True
    return False if i.high < low or i.low > high else None


def both(*parts: Decision) -> Decision:
    """Whether all hold: one that does not settles it.

    Example:
        >>> both(True, None), both(None, False)
        (None, False)
    """
    return False if any(p is False for p in parts) else None if None in parts else True


def either(*parts: Decision) -> Decision:
    """Whether any holds: one that does settles it."""
    return True if any(p is True for p in parts) else None if None in parts else False


def negated(part: Decision) -> Decision:
    """Whether it does not hold."""
    return None if part is None else not part


def most(parts: Iterable[Decision], share_needed: float) -> Decision:
    """Whether at least such a share of the parts holds, whatever the open ones are."""
    listed = list(parts)
    need = share_needed * len(listed) - 1e-9
    sure, possible = listed.count(True), len(listed) - listed.count(False)
    return True if sure >= need else False if possible < need else None


def decide(general: Decision, special: Decision, under: str) -> tuple[Outcome, str]:
    """The outcome, and the condition where it needs one.

    Args:
        general: whether the statement holds as it stands.
        special: whether it holds under a condition; False where there is none to speak of.
        under: that condition.

    Example:
        >>> decide(False, True, "the article's learning rate")
        (<Outcome.ONLY: 'holds only under'>, "the article's learning rate")
    """
    if general:
        return Outcome.HOLDS, ""
    if general is False and special:
        return Outcome.ONLY, under
    return (Outcome.FAILS, "") if general is False and special is False else (Outcome.OPEN, "")


def row(interval: Interval, **settings: Any) -> dict[str, Any]:
    """A row of a table: settings, then value, low, high and n."""
    ends = {"value": interval.value, "low": interval.low, "high": interval.high, "n": interval.n}
    return {**settings, **ends}


def counts(
    values: ArrayLike, low: float, high: float, bins: int = 40, **settings: Any
) -> tuple[dict[str, Any], ...]:
    """The rows of a histogram: middle and width of each bin, and how many; the ends hold the rest.

    Args:
        values: (n,).
        low: where the first bin begins.
        high: where the last one ends.
        bins: how many, of equal width.
        settings: further columns.
    """
    inside = np.clip(np.nan_to_num(np.asarray(values, dtype=float), nan=high), low, high)
    found, edges = np.histogram(inside, bins=bins, range=(low, high))
    wide = (high - low) / bins
    return tuple(
        {**settings, "value": float(edge + wide / 2), "count": int(c), "width": wide}
        for c, edge in zip(found, edges[:-1], strict=True)
    )
