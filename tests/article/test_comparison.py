"""The comparison: its rule, and that a wrong number is found."""

import dataclasses

import numpy as np
import pytest

from actscope.article import comparison as module
from actscope.article.comparison import Claim, compare, published
from actscope.article.result import Outcome
from actscope.article.run import reproduce
from actscope.article.setup import Setup


@pytest.fixture(scope="module")
def result():
    return reproduce()


def claim(printed, low, high, step, about):
    return Claim("a claim", "relu", "loss", "epoch 1", printed, low, high, step, about, "")


@pytest.mark.parametrize(
    ("stated", "measured", "matches"),
    [
        (claim("0.19", 0.19, 0.19, 0.01, False), 0.1949, "yes"),
        (claim("0.19", 0.19, 0.19, 0.01, False), 0.1951, "roughly"),
        (claim("0.19", 0.19, 0.19, 0.01, False), 0.1999, "roughly"),
        (claim("0.19", 0.19, 0.19, 0.01, False), 0.2001, "no"),
        (claim("0.19", 0.19, 0.19, 0.01, False), 0.1799, "no"),
        (claim("~2.0", 2.0, 2.0, 0.1, True), 2.39, "roughly"),
        (claim("~2.0", 2.0, 2.0, 0.1, True), 2.41, "no"),
        (claim("~2.0", 2.0, 2.0, 0.1, True), 1.59, "no"),
        (claim("9–20", 9.0, 20.0, 1.0, False), 14.0, "yes"),
        (claim("9–20", 9.0, 20.0, 1.0, False), 20.4, "yes"),
        (claim("9–20", 9.0, 20.0, 1.0, False), 20.6, "roughly"),
        (claim("9–20", 9.0, 20.0, 1.0, False), 7.9, "no"),
        (claim("0.03", 0.03, 0.03, 0.01, False), float("nan"), "no"),
    ],
)
def test_the_rule(stated, measured, matches):
    assert stated.judge(measured) == matches


def test_the_published_run(result):
    found = compare(result)
    assert found.reproduced is True
    assert found.checked == len(published()["reference"]) == 46
    assert found.worst < 1e-12
    verdicts = {row.claim.claim: row.matches for row in found.rows}
    assert len(verdicts) == len(published()["claims"]) == 19
    assert [name for name, v in verdicts.items() if v == "no"] == ["Sigmoid signal a₁, class 1"]
    assert verdicts["ReLU test accuracy"] == "yes"


@pytest.mark.parametrize("wrong", [2e-9, -1e-6, float("nan")])
def test_a_wrong_number_is_found(result, wrong):
    losses = result["relu"].losses.copy()
    losses[399] += wrong
    relu = Outcome(result["relu"].network, losses, result.data)
    other = dataclasses.replace(result, outcomes=(result["sigmoid"], relu))
    found = compare(other)
    assert found.reproduced is False
    ((number, reference),) = found.differing
    assert number[:3] == ("relu", "loss", "epoch 400")
    np.testing.assert_allclose(reference, result["relu"].losses[399], atol=1e-12)


def test_too_small_a_difference_is_not(result):
    losses = result["relu"].losses + 5e-10
    relu = Outcome(result["relu"].network, losses, result.data)
    assert compare(dataclasses.replace(result, outcomes=(relu,))).reproduced is True


def test_other_runs_have_no_reference():
    found = compare(reproduce(seed=7, setup=Setup(epochs=400)))
    assert found.reproduced is None
    assert found.checked == 0
    assert all(row.claim.place != "epoch 800" for row in found.rows)  # was not trained so long
    assert not compare(reproduce(["tanh"], setup=Setup(epochs=2))).rows


def test_claims_speak_of_numbers_that_exist(result):
    """A claim or reference about a number under a wrong name would never be compared."""
    measured = {n[:3] for n in result.numbers()}
    for entry in published()["claims"]:
        assert (entry.activation, entry.quantity, entry.place) in measured
    assert {r[:3] for r in published()["reference"]} <= measured
    assert module.TOLERANCE == 1e-9
