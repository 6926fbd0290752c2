"""Wide nets, which BLAS trains: the same results as lanes, whatever the threads."""

import numpy as np
import pytest

from actscope.engine import wide
from actscope.engine.api import train
from actscope.engine.orders import orders
from actscope.engine.spec import Net, Training

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(30, 3)), RNG.integers(0, 2, 30)


@pytest.fixture
def both_ways(monkeypatch):
    """both(net, training, **more): the results by lanes and by BLAS."""

    def both(net, training, **more):
        results = []
        for limit in (512, 1):
            monkeypatch.setattr(wide, "WIDEST_LANES", limit)
            results.append(train(net, (X, Y, X[:9], Y[:9]), training, seeds=range(3), **more))
        return results

    return both


@pytest.mark.parametrize("optimiser", ["sgd", "adamw"])
@pytest.mark.parametrize("norm", [False, True])
def test_both_ways_give_the_same_numbers(optimiser, norm, both_ways):
    net = Net(3, hidden=(11, 11), activations="tanh", norm=norm, residual=True)
    training = Training(epochs=5, batch=8, optimiser=optimiser, dtype="float64")
    lanes, blas = both_ways(net, training, loss_every=2, trace_every=5, snapshots=(0, 3))
    for name in ("loss", "train_loss", "test_accuracy", "gradient_norm", "activation_std"):
        np.testing.assert_allclose(getattr(lanes, name), getattr(blas, name), rtol=1e-11)
    for a, b in zip(lanes.weights(2).arrays(), blas.weights(2).arrays(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("shuffle", [True, False])
def test_orders_are_those_of_lanes(shuffle, both_ways):
    training = Training(epochs=4, batch=7, shuffle=shuffle, dtype="float64")
    lanes, blas = both_ways(Net(3, hidden=(5,)), training)
    np.testing.assert_allclose(lanes.loss, blas.loss, rtol=1e-12)
    given = np.array([orders(s, 4, 30) for s in (5, 6, 7)])
    lanes, blas = both_ways(Net(3, hidden=(5,)), training, orders=given)
    np.testing.assert_allclose(lanes.loss, blas.loss, rtol=1e-12)


def test_the_dtype_is_kept_and_threads_change_nothing():
    net = Net(3, hidden=(400,), activations="gelu")
    assert wide.is_wide(net)
    runs = [
        train(net, (X, Y), Training(epochs=2, batch=16), seeds=range(3), threads=threads)
        for threads in (1, 3)
    ]
    assert runs[0].loss.dtype == np.float32
    assert runs[0].weights(1).W[0].dtype == np.float32
    np.testing.assert_array_equal(runs[0].loss, runs[1].loss)
    alone = train(net, (X, Y), Training(epochs=2, batch=16), seeds=[1])
    np.testing.assert_array_equal(alone.loss[0], runs[0].loss[1])
