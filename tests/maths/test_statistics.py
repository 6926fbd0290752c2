import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from actscope.errors import BadParameter, InputError
from actscope.maths.statistics import (
    _kendall,
    _spearman,
    bootstrap,
    holm,
    kendall,
    paired_permutation,
    spearman,
    wilson,
)


def covers(interval, truth):
    return interval.low <= truth <= interval.high


def share_within(hits, trials, level):
    """Whether `hits` could come from a coverage of at least level − .04 (and is not all)."""
    low, high = stats.binomtest(hits, trials).proportion_ci(0.999)
    assert low <= level + 0.02, f"covers too often: {hits} of {trials}"
    assert high >= level - 0.04, f"covers too rarely: {hits} of {trials}"


def test_bootstrap_intervals_cover_the_mean_as_often_as_they_say():
    rng = np.random.default_rng(0)
    draw = lambda: bootstrap(rng.gamma(4.0, size=40), rng=rng, resamples=499, level=0.9)
    share_within(sum(covers(draw(), 4.0) for _ in range(250)), 250, 0.9)


def test_wilson_intervals_cover_a_rate_as_often_as_they_say():
    hits = stats.binom(20, 0.1).rvs(2_000, random_state=1)
    table = [wilson(k, 20) for k in range(21)]
    share_within(sum(covers(table[k], 0.1) for k in hits), 2_000, 0.95)
    # the plain interval p ± 1.96·√(p(1 − p)/n) would not do
    p = hits / 20
    half = 1.96 * np.sqrt(p * (1 - p) / 20)
    assert np.mean(np.abs(p - 0.1) <= half) < 0.90


@pytest.mark.parametrize("measure", [spearman, kendall])
def test_intervals_of_rank_correlations_cover(measure):
    rng, r, n = np.random.default_rng(2), 0.5, 25
    truth = {spearman: 6 / math.pi * math.asin(r / 2), kendall: 2 / math.pi * math.asin(r)}[measure]
    hits = 0
    for _ in range(120):
        x = rng.standard_normal(n)
        y = r * x + math.sqrt(1 - r * r) * rng.standard_normal(n)
        hits += covers(measure(x, y, rng=rng, resamples=299), truth)
    share_within(hits, 120, 0.95)


def test_p_values_of_the_paired_test_are_uniform_under_the_null():
    rng = np.random.default_rng(3)
    p = []
    for _ in range(300):
        a, b = rng.standard_normal((2, 12))
        p.append(paired_permutation(a, b, rng=rng, resamples=199).p)
    assert abs(np.mean(np.array(p) < 0.1) - 0.1) < 4 * math.sqrt(0.09 / 300)
    shifted = paired_permutation(a, a + 1.0 + 0.1 * b, rng=rng)
    assert shifted.p < 0.01
    assert shifted.difference < 0


def test_the_paired_test_counts_every_exchange_when_there_are_few():
    signs = np.array(np.meshgrid(*[[1, -1]] * 9)).reshape(9, -1).T
    for seed in range(10):
        a, b = np.random.default_rng(seed).standard_normal((2, 9))
        means = (signs * (a - b)).mean(axis=1)
        exact = np.mean(np.abs(means) >= abs((a - b).mean()) - 1e-12)
        result = paired_permutation(a, b, rng=0)
        assert result.exact
        assert_allclose((result.p, result.difference), (exact, (a - b).mean()))
    assert not paired_permutation(np.arange(20.0), np.ones(20), rng=0).exact


def test_pairs_see_what_two_unpaired_samples_hide():
    rng = np.random.default_rng(4)
    unit = 10 * rng.standard_normal(15)
    a, b = unit + 0.3 + 0.1 * rng.standard_normal(15), unit + 0.1 * rng.standard_normal(15)
    assert paired_permutation(a, b, rng=rng).p < 0.01
    assert stats.mannwhitneyu(a, b).pvalue > 0.5


def test_holm_keeps_false_alarms_below_the_level():
    rng = np.random.default_rng(5)
    p = rng.random((4_000, 6))
    alarms = np.mean([holm(row).min() < 0.05 for row in p])
    assert abs(alarms - (1 - (1 - 0.05 / 6) ** 6)) < 4 * math.sqrt(0.05 / 4_000)
    assert np.mean(p.min(axis=1) < 0.05) > 0.2  # uncorrected


def test_holm_step_by_step():
    p = np.array([0.8, 0.001, 0.02, 0.021])
    assert_allclose(holm(p), [0.8, 0.004, 0.06, 0.06])
    assert_allclose(holm([0.9, 0.9]), [1.0, 1.0])
    assert np.all(holm(p) >= p)


def test_vectorised_rank_correlations_are_scipys():
    rng = np.random.default_rng(6)
    x, y = rng.integers(0, 5, (2, 30, 17)).astype(float)
    for row in range(30):
        assert_allclose(_spearman(x, y)[row], stats.spearmanr(x[row], y[row])[0], atol=1e-14)
        assert_allclose(_kendall(x, y)[row], stats.kendalltau(x[row], y[row])[0], atol=1e-14)
    assert_allclose(_kendall(x.T, y.T, axis=0), _kendall(x, y), atol=1e-14)


def test_monotonic_relations():
    x = np.arange(12.0)
    for measure in (spearman, kendall):
        up, down = measure(x, np.exp(x), rng=0), measure(x, -(x**3), rng=0)
        assert (up.value, up.low, up.high) == (1.0, 1.0, 1.0)
        assert (down.value, down.low, down.high) == (-1.0, -1.0, -1.0)
        flat = measure(x, np.ones(12), rng=0)
        assert all(math.isnan(v) for v in (flat.value, flat.low, flat.high, flat.p))


def test_the_same_seed_gives_the_same_numbers():
    x = np.random.default_rng(7).random((2, 15))
    for call in (
        lambda rng: bootstrap(x[0], np.median, rng=rng, resamples=99),
        lambda rng: spearman(*x, rng=rng, resamples=99),
        lambda rng: paired_permutation(*x, rng=rng, resamples=99),
    ):
        assert call(5) == call(5) == call(np.random.default_rng(5))
    # a Generator moves on
    rng = np.random.default_rng(5)
    assert bootstrap(x[0], rng=rng, resamples=99) != bootstrap(x[0], rng=rng, resamples=99)


def test_an_interval_of_equal_observations_has_no_width():
    i = bootstrap([2.5] * 6, rng=0)
    assert (i.value, i.low, i.high) == (2.5, 2.5, 2.5)


def test_a_median_of_few_ties_still_has_an_interval():
    i = bootstrap([1.0, 1.0, 1.0, 1.0, 2.0], np.median, rng=0)
    assert i.low == 1.0
    assert 1.0 <= i.high <= 2.0


def test_wilson_at_the_ends():
    assert wilson(0, 5).low == 0.0
    assert wilson(5, 5).high == 1.0
    z = stats.norm.ppf(0.975)
    assert_allclose(wilson(0, 20).high, z * z / (20 + z * z), rtol=1e-12)


@pytest.mark.parametrize(
    "call",
    [
        lambda: bootstrap([1.0, math.nan], rng=0),
        lambda: bootstrap([1.0], rng=0),
        lambda: spearman([1, 2, 3, math.nan], [1, 2, 3, 4], rng=0),
        lambda: kendall([1, 2, 3, 4], [1, 2, 3, 4, 5], rng=0),
        lambda: paired_permutation([1.0, 2.0], [1.0, 2.0, 3.0], rng=0),
        lambda: holm([0.5, 1.5]),
        lambda: holm([]),
    ],
)
def test_missing_and_mismatched_numbers_are_refused(call):
    with pytest.raises(InputError):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: bootstrap([1.0, 2.0], rng=0, level=95),
        lambda: wilson(6, 5),
        lambda: wilson(0, 0),
        lambda: wilson(1, 2, level=0.0),
    ],
)
def test_settings_out_of_range_are_refused(call):
    with pytest.raises(BadParameter):
        call()
