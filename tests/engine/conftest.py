import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import make_moons
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from actscope.engine.spec import Data, Weights


@pytest.fixture(scope="session")
def facts():
    return json.loads((Path(__file__).parents[1] / "facts" / "article.json").read_text())


@pytest.fixture(scope="session")
def moons():
    """The article's 300 training and 100 test points, as the article makes them."""
    x, y = make_moons(n_samples=400, noise=0.18, random_state=42)
    x = StandardScaler().fit_transform(x)
    x, x_test, y, y_test = train_test_split(x, y, test_size=0.25, random_state=42)
    return Data(x, y[:, None].astype(float), x_test, y_test[:, None].astype(float))


@pytest.fixture(scope="session")
def article_start():
    """The article's first weights and orders: one legacy generator draws both, in this order."""

    def make(gain, epochs=800):
        rng = np.random.RandomState(42)
        W = [rng.randn(i, o) * np.sqrt(gain / i) for i, o in ((2, 8), (8, 8), (8, 1))]
        orders = np.array([rng.permutation(300) for _ in range(epochs)])
        return Weights(tuple(W), (np.zeros(8), np.zeros(8), np.zeros(1))), orders

    return make
