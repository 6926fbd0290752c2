"""Intervals and tests: what a difference between runs is worth.

NaN is never skipped in silence: every function refuses it, because what a missing number means
(a diverged run, an undefined measure) is for the caller to decide. Every function that draws
takes `rng`, a seed or a NumPy Generator; the same one gives the same numbers.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from actscope.errors import BadParameter, InputError

Floats = NDArray[np.float64]
Seed = int | np.random.Generator
LEVEL = 0.95
RESAMPLES = 9_999


@dataclass(frozen=True)
class Interval:
    """A value with a confidence interval.

    Attributes:
        value: of the whole sample.
        low: lower end.
        high: upper end.
        level: the share of such intervals that hold the truth.
        n: observations.
    """

    value: float
    low: float
    high: float
    level: float
    n: int


@dataclass(frozen=True)
class Correlation(Interval):
    """A rank correlation with a confidence interval.

    Attributes:
        p: two-sided p-value of no association.
    """

    p: float


@dataclass(frozen=True)
class Comparison:
    """Two conditions on the same units.

    Attributes:
        difference: mean of a − b over the pairs.
        p: probability of a difference at least as far from 0 if the labels meant nothing.
        n: pairs.
        exact: whether all 2ⁿ exchanges were counted, and not a sample of them.
    """

    difference: float
    p: float
    n: int
    exact: bool


def _numbers(values: ArrayLike, what: str, least: int) -> Floats:
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or x.size < least:
        raise InputError(f"{what}: expected a list of at least {least} numbers, got {x.shape}")
    if np.isnan(x).any():
        raise InputError(
            f"{what}: {int(np.isnan(x).sum())} of {x.size} values are NaN; count them as failures "
            "or leave them out before asking for an interval"
        )
    return x


def _fraction(level: float) -> None:
    if not 0.0 < level < 1.0:
        raise BadParameter(f"level = {level!r}: expected a number in (0, 1), such as 0.95")


def bootstrap(
    values: ArrayLike,
    statistic: Callable[..., Any] = np.mean,
    *,
    rng: Seed,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
) -> Interval:
    """A statistic with its BCa bootstrap interval.

    Args:
        values: (n,) at least 2 observations without NaN.
        statistic: a function of an array and `axis`.
        rng: seed or Generator.
        level: in (0, 1).
        resamples: how many samples are drawn.

    Returns:
        The interval; of width 0 where all observations agree. Where the bias-corrected interval
        is undefined, the percentile interval of the resamples.

    Raises:
        InputError: too few values, or NaN.
        BadParameter: the level is not in (0, 1).

    Example:
        >>> i = bootstrap([1.0, 2.0, 3.0, 4.0, 10.0], rng=0)
        >>> i.value, i.low < 4.0 < i.high
        (4.0, True)

    Source: Efron & Tibshirani 1993, An introduction to the bootstrap; scipy.stats.bootstrap.
    """
    x = _numbers(values, "bootstrap", 2)
    _fraction(level)
    value = float(statistic(x, axis=-1))
    if np.ptp(x) == 0.0:
        return Interval(value, value, value, level, x.size)
    low, high = _bootstrap((x,), statistic, rng, level, resamples)
    return Interval(value, low, high, level, x.size)


def _bootstrap(
    data: tuple[Floats, ...], statistic: Callable[..., Any], rng: Seed, level: float, resamples: int
) -> tuple[float, float]:
    from scipy import stats

    with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
        warnings.simplefilter("ignore")  # of degenerate resamples, which are dealt with below
        fit = stats.bootstrap(
            data,
            statistic,
            n_resamples=resamples,
            confidence_level=level,
            method="BCa",
            paired=len(data) > 1,
            vectorized=True,
            batch=max(1, 2_000_000 // data[0].size ** len(data)),
            rng=np.random.default_rng(rng),
        )
    low, high = map(float, fit.confidence_interval)
    if math.isnan(low) or math.isnan(high):
        drawn = fit.bootstrap_distribution[np.isfinite(fit.bootstrap_distribution)]
        if not drawn.size:
            return math.nan, math.nan
        tails = (0.5 - level / 2.0, 0.5 + level / 2.0)
        low, high = (float(end) for end in np.quantile(drawn, tails))
    return low, high


def wilson(successes: int, trials: int, *, level: float = LEVEL) -> Interval:
    """A rate with its Wilson score interval, which holds at 0 and at all of n too.

    Args:
        successes: 0 … trials.
        trials: at least 1.
        level: in (0, 1).

    Raises:
        BadParameter: an argument is out of range.

    Example:
        >>> i = wilson(0, 20)
        >>> i.value, round(i.low, 4), round(i.high, 4)
        (0.0, 0.0, 0.1611)

    Source: Wilson 1927, Probable inference, the law of succession, and statistical inference.
    """
    from scipy import stats

    _fraction(level)
    if not (trials >= 1 and 0 <= successes <= trials):
        raise BadParameter(
            f"{successes!r} of {trials!r}: expected 0 ≤ successes ≤ trials, trials ≥ 1"
        )
    low, high = stats.binomtest(successes, trials).proportion_ci(level, method="wilson")
    return Interval(successes / trials, float(low), float(high), level, trials)


def paired_permutation(
    a: ArrayLike, b: ArrayLike, *, rng: Seed, resamples: int = RESAMPLES
) -> Comparison:
    """Two-sided permutation test of the mean difference of pairs.

    Under the null hypothesis the two labels of a pair can be exchanged. All 2ⁿ exchanges are
    counted where they are no more than `resamples`, so five pairs cannot give less than 1/16.

    Args:
        a: (n,) one condition.
        b: (n,) the other, on the same units (seeds) in the same order.
        rng: seed or Generator.
        resamples: how many exchanges are drawn.

    Raises:
        InputError: fewer than 2 pairs, unequal lengths, or NaN.

    Example:
        >>> c = paired_permutation([3.0, 4.0, 5.0, 6.0, 7.0], [1.0, 2.0, 3.0, 4.0, 5.0], rng=0)
        >>> c.difference, c.p, c.exact
        (2.0, 0.0625, True)

    Source: Fisher 1935, The design of experiments; scipy.stats.permutation_test.
    """
    from scipy import stats

    x, y = _numbers(a, "paired_permutation: a", 2), _numbers(b, "paired_permutation: b", 2)
    if x.size != y.size:
        raise InputError(f"paired_permutation: {x.size} values against {y.size}: pairs are needed")
    difference = float(np.mean(x - y))
    fit = stats.permutation_test(
        (x - y,),
        _mean,
        permutation_type="samples",
        vectorized=True,
        n_resamples=resamples,  # all of them, if that many do not exist
        alternative="two-sided",
        rng=np.random.default_rng(rng),
    )
    return Comparison(difference, float(fit.pvalue), x.size, 2**x.size <= resamples)


def _mean(d: Floats, axis: int = -1) -> Floats:
    return np.asarray(d.mean(axis=axis))


def holm(p: ArrayLike) -> Floats:
    """p-values corrected for their number: the chance of any false alarm stays below each.

    The k-th smallest of m is multiplied by m − k + 1, and never falls below the one before.

    Args:
        p: (m,) p-values in [0, 1].

    Returns:
        (m,) corrected p-values in the same order, at most 1.

    Raises:
        InputError: none, NaN, or a number outside [0, 1].

    Example:
        >>> holm([0.01, 0.04, 0.03])
        array([0.03, 0.06, 0.06])

    Source: Holm 1979, A simple sequentially rejective multiple test procedure.
    """
    x = _numbers(p, "holm", 1)
    if ((x < 0.0) | (x > 1.0)).any():
        raise InputError("holm: a p-value lies in [0, 1]")
    order = np.argsort(x)
    stepped = np.maximum.accumulate(x[order] * np.arange(x.size, 0, -1))
    result = np.empty_like(x)
    result[order] = np.minimum(stepped, 1.0)
    return result


def spearman(
    x: ArrayLike, y: ArrayLike, *, rng: Seed, level: float = LEVEL, resamples: int = RESAMPLES
) -> Correlation:
    """Spearman's rank correlation ρ with a bootstrap interval over the pairs.

    Args:
        x: (n,) at least 4 numbers.
        y: (n,) numbers that go with them.
        rng: seed or Generator.
        level: in (0, 1).
        resamples: how many samples of pairs are drawn.

    Returns:
        ρ, its BCa interval, the p-value; all NaN if x or y is constant.

    Raises:
        InputError: too few values, unequal lengths, or NaN.
        BadParameter: the level is not in (0, 1).

    Example:
        >>> c = spearman([1, 2, 3, 4, 5, 6], [1, 2, 4, 3, 6, 5], rng=0)
        >>> round(c.value, 6), c.low < c.value <= c.high
        (0.885714, True)
    """
    from scipy import stats

    return _rank_correlation(x, y, stats.spearmanr, _spearman, rng, level, resamples)


def kendall(
    x: ArrayLike, y: ArrayLike, *, rng: Seed, level: float = LEVEL, resamples: int = RESAMPLES
) -> Correlation:
    """Kendall's rank correlation τ-b (ties counted) with a bootstrap interval over the pairs.

    Arguments, returns and errors as for `spearman`.

    Example:
        >>> c = kendall([1, 2, 3, 4, 5, 6], [1, 2, 4, 3, 6, 5], rng=0)
        >>> round(c.value, 6)
        0.733333
    """
    from scipy import stats

    return _rank_correlation(x, y, stats.kendalltau, _kendall, rng, level, resamples)


def _rank_correlation(
    x: ArrayLike,
    y: ArrayLike,
    measured: Callable[..., Any],
    resampled: Callable[..., Any],
    rng: Seed,
    level: float,
    resamples: int,
) -> Correlation:
    a, b = _numbers(x, "rank correlation: x", 4), _numbers(y, "rank correlation: y", 4)
    _fraction(level)
    if a.size != b.size:
        raise InputError(f"rank correlation: {a.size} values against {b.size}: pairs are needed")
    if np.ptp(a) == 0.0 or np.ptp(b) == 0.0:
        return Correlation(math.nan, math.nan, math.nan, level, a.size, math.nan)
    low, high = _bootstrap((a, b), resampled, rng, level, resamples)
    return Correlation(
        float(resampled(a, b)), low, high, level, a.size, float(measured(a, b).pvalue)
    )


def _spearman(x: Floats, y: Floats, axis: int = -1) -> Floats:
    """ρ along the last axis; NaN where one side is constant."""
    from scipy import stats

    a, b = (stats.rankdata(np.moveaxis(v, axis, -1), axis=-1) for v in (x, y))
    a, b = (v - v.mean(axis=-1, keepdims=True) for v in (a, b))
    result: Floats = (a * b).sum(-1) / np.sqrt((a * a).sum(-1) * (b * b).sum(-1))
    return result


def _kendall(x: Floats, y: Floats, axis: int = -1) -> Floats:
    """τ-b along the last axis; NaN where one side is constant."""
    a, b = (np.moveaxis(v, axis, -1) for v in (x, y))
    a, b = (np.sign(v[..., :, None] - v[..., None, :]) for v in (a, b))
    together = (a * b).sum(axis=(-2, -1))
    result: Floats = together / np.sqrt((a * a).sum(axis=(-2, -1)) * (b * b).sum(axis=(-2, -1)))
    return result
