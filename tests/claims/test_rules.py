"""Decisions that may be open."""

import itertools

import pytest

from actscope.claims import Outcome
from actscope.claims._base import Effect, Verdict, show
from actscope.claims._rules import (
    above,
    below,
    both,
    counts,
    decide,
    either,
    mean,
    most,
    negated,
    share,
    within,
)
from actscope.maths.statistics import Interval


def interval(low, high):
    return Interval((low + high) / 2, low, high, 0.95, 10)


@pytest.mark.parametrize(
    ("low", "high", "over", "under"),
    [(1.0, 2.0, True, False), (-2.0, -1.0, False, True), (-1.0, 1.0, None, None)],
)
def test_an_interval_that_holds_the_threshold_decides_nothing(low, high, over, under):
    assert above(interval(low, high), 0.0) is over
    assert below(interval(low, high), 0.0) is under


def test_within_is_open_where_it_sticks_out():
    assert within(interval(0, 1), -1, 2) is True
    assert within(interval(0, 3), -1, 2) is None
    assert within(interval(3, 4), -1, 2) is False


@pytest.mark.parametrize("parts", list(itertools.product([True, False, None], repeat=2)))
def test_both_and_either_are_each_others_mirror(parts):
    assert both(*parts) is negated(either(*map(negated, parts)))


def test_most_counts_the_open_ones_both_ways():
    assert most([True, True, None], 0.6) is True
    assert most([True, None, False], 0.6) is None
    assert most([False, False, None], 0.6) is False


@pytest.mark.parametrize(
    ("general", "special", "outcome"),
    [
        (True, True, Outcome.HOLDS),
        (False, True, Outcome.ONLY),
        (False, False, Outcome.FAILS),
        (None, True, Outcome.OPEN),
        (False, None, Outcome.OPEN),
    ],
)
def test_decide(general, special, outcome):
    found, under = decide(general, special, "a condition")
    assert found is outcome
    assert bool(under) == (outcome is Outcome.ONLY)


def test_counts_keep_everyone():
    rows = counts([-5.0, 0.1, 0.2, 9.0, float("nan")], 0.0, 1.0, 4)
    assert sum(r["count"] for r in rows) == 5


def test_intervals_of_samples():
    assert mean([1.0, 1.0]).low == 1.0
    assert share([True, False] * 50).value == 0.5
    assert show(share([True] * 10), "%").startswith("100 %")


def test_a_condition_belongs_to_only_and_to_nothing_else():
    effect = Effect("x", interval(0, 1))
    with pytest.raises(AssertionError):
        Verdict(Outcome.HOLDS, "", effect, (), None, under="something")
