"""The fast training meets a plain one, its slopes meet finite differences."""

import numpy as np
import pytest

from actscope.activations import activation
from actscope.article.data import draw_data
from actscope.article.network import REPORT_EVERY, STAGES, Network, draw_all, train
from actscope.article.run import reproduce
from actscope.article.setup import Setup

SETUP = Setup(seed=3, epochs=30)
NAMES = ["sigmoid", "relu", "tanh", "gelu", "leaky_relu", "x*sigmoid(1.7*x)", "sin"]


def plain(network, x, y, orders, setup):
    """The same rule without preparation: x @ W + b, one gradient after the other."""
    f, df = network.activation, network.activation.slope_at
    W, b = [w.copy() for w in network.W], [v.copy() for v in network.b]
    losses = []
    for order in orders:
        of_epoch = []
        for start in range(0, len(order), setup.batch):
            points = order[start : start + setup.batch]
            a0, target = x[points], y[points].reshape(-1, 1)
            z1 = a0 @ W[0] + b[0]
            a1 = f(z1)
            z2 = a1 @ W[1] + b[1]
            a2 = f(z2)
            p = 1 / (1 + np.exp(-(a2 @ W[2] + b[2])))
            loss = -(target * np.log(p + 1e-9) + (1 - target) * np.log(1 - p + 1e-9)).mean()
            of_epoch.append(loss)
            d3 = (p - target) / len(points)
            d2 = d3 @ W[2].T * df(z2)
            d1 = d2 @ W[1].T * df(z1)
            for i, (a, d) in enumerate(((a0, d1), (a1, d2), (a2, d3))):
                W[i] -= setup.lr * a.T @ d
                b[i] -= setup.lr * d.sum(axis=0)
        losses.append(np.mean(of_epoch))
    return W, b, np.array(losses)


@pytest.fixture(scope="module")
def data():
    return draw_data(SETUP)


@pytest.mark.parametrize("name", NAMES)
def test_fast_meets_plain(name, data):
    (start,), orders = draw_all((activation(name),), SETUP)
    before = [w.copy() for w in (*start.W, *start.b)]
    network, losses = train(start, data.x_train, data.y_train, orders, SETUP)
    W, b, expected = plain(start, data.x_train, data.y_train, orders, SETUP)
    np.testing.assert_allclose(losses, expected, rtol=0, atol=1e-12)
    for mine, theirs in zip((*network.W, *network.b), (*W, *b), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-11)
    for kept, now in zip(before, (*start.W, *start.b), strict=True):
        np.testing.assert_array_equal(kept, now)


def test_a_step_follows_the_gradient(data):
    """One full batch with a tiny rate moves every weight along the finite-difference slope."""
    setup = Setup(epochs=1, batch=1000, lr=1e-6)
    (start,), orders = draw_all((activation("tanh"),), setup)
    moved, _ = train(start, data.x_train, data.y_train, orders, setup)

    def loss(W, b):
        p = Network(start.activation, W, b).probability(data.x_train)
        return -np.log(np.where(data.y_train == 1, p, 1 - p)).mean()

    for layer, spot in ((0, (1, 4)), (1, (3, 2)), (2, (5, 0))):
        for part in ("W", "b"):
            step, ends = 1e-5, []
            for sign in (1, -1):
                arrays = {k: [a.copy() for a in getattr(start, k)] for k in ("W", "b")}
                where = spot if part == "W" else spot[1:]
                arrays[part][layer][where] += sign * step
                ends.append(loss(arrays["W"], arrays["b"]))
            slope = (ends[0] - ends[1]) / (2 * step)
            change = getattr(moved, part)[layer][where] - getattr(start, part)[layer][where]
            np.testing.assert_allclose(change / -setup.lr, slope, rtol=1e-4, atol=1e-8)


def test_starts_and_orders_are_the_legacy_generators():
    setup = Setup(seed=11, epochs=4)
    starts, orders = draw_all((activation("relu"), activation("tanh")), setup)
    rng = np.random.RandomState(11)
    draws = [rng.randn(2, 8), rng.randn(8, 8), rng.randn(8, 1)]
    for start, factor in zip(starts, (2.0, 1.0), strict=True):
        for W, draw in zip(start.W, draws, strict=True):
            np.testing.assert_allclose(W, draw * np.sqrt(factor / len(draw)), rtol=1e-15)
        assert not any(b.any() for b in start.b)
    np.testing.assert_array_equal(orders, [rng.permutation(300) for _ in range(4)])


def test_the_five_stages(data):
    network = reproduce(["relu"], setup=Setup(epochs=2))["relu"].network
    z1, a1, z2, a2, z3 = network.stages(data.x_test)
    np.testing.assert_array_equal(a1, np.maximum(z1, 0))
    np.testing.assert_allclose(z2, a1 @ network.W[1] + network.b[1])
    np.testing.assert_allclose(network.probability(data.x_test), 1 / (1 + np.exp(-z3[:, 0])))
    trace = network.trace(data.x_test[5])
    expected = [np.abs(stage[5]).mean() for stage in (z1, a1, z2, a2, z3)]
    np.testing.assert_allclose(trace, expected)
    assert len(trace) == len(STAGES)


@pytest.mark.parametrize("epochs", [1, REPORT_EVERY, 2 * REPORT_EVERY + 3])
def test_progress_adds_up(epochs):
    said = []
    reproduce(["relu", "sigmoid"], setup=Setup(epochs=epochs), progress=said.append)
    assert sum(said) == 2 * epochs


def test_divergence_is_an_outcome():
    result = reproduce(["relu", "x**3"], setup=Setup(epochs=30, lr=0.5))
    wild, tame = result["x**3"], result["relu"]
    assert wild.diverged_at is not None
    assert np.isnan(wild.losses[-1])
    assert wild.test_accuracy == 0.0
    alone = reproduce(["relu"], setup=Setup(epochs=30, lr=0.5))["relu"]
    np.testing.assert_array_equal(tame.losses, alone.losses)
