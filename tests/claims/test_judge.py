"""Every claim's rule, on made data: it can come out more than one way, and says why."""

import pytest
from claim_cases import all_cases

from actscope.claims import SHELF, Outcome, claim

CASES = all_cases()
EACH = [(name, outcome) for name, cases in CASES.items() for outcome in cases]


def test_no_claim_is_forgotten():
    assert set(CASES) == set(SHELF.names())


@pytest.mark.parametrize("name", SHELF.names())
def test_a_verdict_can_come_out_either_way(name):
    outcomes = set(CASES[name])
    assert Outcome.HOLDS in outcomes
    assert Outcome.FAILS in outcomes


@pytest.mark.parametrize(("name", "outcome"), EACH, ids=lambda v: getattr(v, "name", v))
def test_the_rule_says_of_made_data_what_it_should(name, outcome):
    verdict = claim(name).judge(CASES[name][outcome])
    assert verdict.outcome is outcome, verdict.says
    assert bool(verdict.under) == (outcome is Outcome.ONLY)
    assert len(verdict.says) > 40
    assert "nan" not in verdict.says


def test_what_chance_plays_in_can_be_undecidable():
    exact = {
        "below_float32", "gelu_tanh_close", "log_softmax_is_stable", "signal_trace",
        "slope_at_most_quarter", "softmax_overflows",
    }  # fmt: skip
    assert {name for name, cases in CASES.items() if Outcome.OPEN not in cases} == exact
