"""The experiment meets the facts measured from the published script, each to 1e-9."""

import json
from pathlib import Path

import numpy as np
import pytest

from actscope.article.run import reproduce

FACTS = json.loads((Path(__file__).parents[1] / "facts" / "article.json").read_text("utf8"))


@pytest.fixture(scope="module")
def result():
    return reproduce()


@pytest.mark.parametrize("key", ["sigmoid", "relu"])
def test_every_fact(result, key):
    facts, outcome = FACTS[key], result[key]
    epochs = [int(e) - 1 for e in facts["loss_at_epoch"]]
    close = {"rtol": 0, "atol": 1e-9}
    np.testing.assert_allclose(
        outcome.losses[epochs], list(facts["loss_at_epoch"].values()), **close
    )
    np.testing.assert_allclose(outcome.test_accuracy, facts["test_accuracy"], **close)
    np.testing.assert_allclose(outcome.train_accuracy, facts["train_accuracy"], **close)
    np.testing.assert_allclose(outcome.spreads, facts["hidden_std_test"], **close)
    for label in (0, 1):
        np.testing.assert_allclose(
            outcome.trace(label), facts[f"signal_trace_far_class{label}"], **close
        )


def test_company_changes_nothing(result):
    """An activation's run is the same alone, with others, and in any order."""
    other = reproduce(["leaky_relu", "relu", "sigmoid"])
    alone = reproduce(["relu"])
    for key in ("relu", "sigmoid"):
        np.testing.assert_array_equal(other[key].losses, result[key].losses)
    np.testing.assert_array_equal(alone["relu"].losses, result["relu"].losses)
