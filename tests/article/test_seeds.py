"""How typical a seed is: the engine's networks do the article's work, places are counted right."""

import numpy as np
import pytest

from actscope.article.run import reproduce
from actscope.article.seeds import SeedStudy, percentile, seed_studies, seed_table
from actscope.article.setup import Setup
from actscope.errors import BadParameter


@pytest.fixture(scope="module")
def studies():
    said = []
    studies = seed_studies(reproduce(), 40, said.append)
    assert sum(said) == 2 * 40
    return studies


def test_percentile():
    values = np.array([1.0, 2.0, 2.0, 3.0, np.nan])
    assert percentile(0.0, values) == 0.0
    assert percentile(2.0, values) == 50.0
    assert percentile(2.5, values) == 75.0
    assert percentile(9.0, values) == 100.0
    assert np.isnan(percentile(float("nan"), values))
    assert np.isnan(percentile(1.0, np.array([np.nan])))


def test_the_seeds_do_the_same_work(studies):
    """The engine's networks end where the article's do: near its losses and accuracies."""
    sigmoid, relu = studies
    assert 0.27 < np.median(sigmoid.losses) < 0.29
    assert 0.03 < np.median(relu.losses) < 0.05
    assert abs(np.median(sigmoid.accuracies) - 0.79) < 0.011
    assert abs(np.median(relu.accuracies) - 0.97) < 0.011
    np.testing.assert_allclose(relu.accuracies * 100, np.rint(relu.accuracies * 100), atol=1e-12)


def test_the_table(studies):
    table = seed_table(studies)
    assert list(table.index) == ["Sigmoid", "ReLU"]
    assert (table["median loss, low"] <= table["median loss"]).all()
    assert (table["median loss"] <= table["median loss, high"]).all()
    at_least = (studies[1].accuracies >= 0.96).mean()
    assert table.loc["ReLU", "share at least as accurate"] == pytest.approx(at_least)
    assert table.loc["ReLU", "share, low"] < at_least + 1e-12


def test_divergence_is_counted():
    result = reproduce(["relu"], setup=Setup(epochs=1))
    losses = np.array([0.5, np.nan, 0.6])
    study = SeedStudy(result.outcomes[0], losses, np.array([0.8, 0.0, 0.9]))
    assert study.diverged == 1
    assert study.row()["diverged"] == 1
    assert study.row()["mean accuracy"] == pytest.approx(1.7 / 3)


@pytest.mark.parametrize("seeds", [0, 19, 100_001])
def test_refused(seeds):
    with pytest.raises(BadParameter, match=f"seeds = {seeds}"):
        seed_studies(reproduce(["relu"], setup=Setup(epochs=1)), seeds)
