"""The distribution over seeds: every network is in a bar, the run is where its value is."""

import dataclasses

import numpy as np
import pytest

from actscope.article.run import reproduce
from actscope.article.seeds import SeedStudy
from actscope.article.setup import Setup
from actscope.figures.seeds import seed_distributions


@pytest.fixture(scope="module")
def studies():
    result = reproduce(["sigmoid", "relu"], setup=Setup(epochs=5))
    rng = np.random.default_rng(0)
    losses = rng.normal(0.6, 0.02, (2, 300))
    losses[1, :4] = np.nan
    accuracies = rng.integers(60, 90, (2, 300)) / 100
    return [
        SeedStudy(o, *numbers)
        for o, *numbers in zip(result.outcomes, losses, accuracies, strict=True)
    ]


def test_every_network_is_in_a_bar(studies):
    axes = seed_distributions(studies).axes
    heights = [sum(bar.get_height() for bar in ax.patches) for ax in axes]
    assert heights == [300, 300, 296, 300]


def test_the_run_is_marked(studies, words, check_layout):
    figure = seed_distributions(studies, "seed 42")
    for row, study in enumerate(studies):
        loss, accuracy = (figure.axes[2 * row + i].lines[0].get_xdata()[0] for i in (0, 1))
        assert loss == study.outcome.losses[-1]
        assert accuracy == pytest.approx(100 * study.outcome.test_accuracy)
    said = words(figure)
    assert "300 networks" in said
    assert "ReLU: last loss, 4 diverged" in said
    assert f"percentile {studies[0].accuracy_percentile:.0f}" in said
    check_layout(figure)


def test_all_alike_and_all_diverged(studies, check_layout):
    same = dataclasses.replace(studies[0], losses=np.full(300, 0.5), accuracies=np.full(300, 0.5))
    none = dataclasses.replace(studies[0], losses=np.full(300, np.nan), accuracies=np.zeros(300))
    check_layout(seed_distributions([same, none]))
