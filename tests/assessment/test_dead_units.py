"""Alive and dead: two senses, against plain NumPy, and what training does to them."""

import numpy as np
import pytest

from actscope.activations import activation
from actscope.assessment.dead_units import UnitLayer, dead_units
from actscope.engine import reference
from actscope.engine.spec import Data, Net, Training, Weights
from actscope.errors import ActscopeError


def counted(layer):
    """The census unit by unit and input by input."""
    W, b = layer.weights
    firing, passing = [], []
    for unit in range(W.shape[1]):
        z = [float(x @ W[:, unit] + b[unit]) for x in layer.x]
        firing.append(sum(v > 0 for v in z))
        passing.append(sum(float(layer.phi.slope_at(v)) != 0.0 for v in z))
    return firing, passing


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "sigmoid", "hard_tanh"])
def test_the_census_counts_inputs(name):
    layer = UnitLayer(name, units=5, points=20, width=3, bias=-0.5)
    census = layer.census()
    firing, passing = counted(layer)
    np.testing.assert_array_equal(census.firing, firing)
    np.testing.assert_array_equal(census.passing, passing)


def test_the_extremes_of_the_bias():
    assert dead_units("relu").census.alive_firing >= 126
    assert dead_units("relu", bias=-3.0, spread=0.1).census.alive_firing == 0
    assert dead_units("leaky_relu", bias=-3.0, spread=0.1).census.alive_passing == 128


def test_for_relu_both_senses_are_one():
    found = dead_units("relu", bias=-2.0, spread=0.7, steps=5, lr=3.0)
    np.testing.assert_array_equal(found.census.firing, found.census.passing)
    np.testing.assert_array_equal(found.firing, found.passing)


def test_the_same_seed_gives_the_same_curve_and_another_one_another():
    runs = [dead_units("relu", bias=-2.0, steps=20, lr=5.0, seed=seed) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(runs[0].firing, runs[1].firing)
    np.testing.assert_array_equal(runs[0].loss, runs[1].loss)
    assert not np.array_equal(runs[0].loss, runs[2].loss)
    assert runs[0].firing.shape == (21,)
    assert runs[0].firing[-1] == runs[0].census.alive_firing


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_training_is_that_of_the_plain_twin(optimiser):
    layer = UnitLayer("relu", units=6, points=30, width=4, optimiser=optimiser, lr=0.1)
    net, training = Net(4, (6,)), Training(optimiser=optimiser, lr=0.1, batch=30, epochs=7)
    data = Data(layer.x, layer.y[:, None])
    order = np.tile(np.arange(30), (7, 1))
    raw = reference.run(net, training, data, layer._start, order)
    losses = [layer.step() for _ in range(7)]
    np.testing.assert_allclose(losses, raw.loss[0], rtol=2e-4)
    end = Weights(*(tuple(a[0] for a in part) for part in (raw.weights.W, raw.weights.b)))
    np.testing.assert_allclose(layer.weights[0], end.W[0], atol=2e-4)


def test_a_high_rate_kills_units_and_a_dead_unit_stays_dead_under_sgd():
    found = dead_units("relu", steps=30, lr=10.0)
    assert found.firing[-1] < 110
    gone = dead_units("relu", bias=-3.0, spread=0.1, steps=10, lr=10.0)
    assert set(gone.firing.tolist()) == {0}


def test_a_divergence_is_data():
    found = dead_units("relu", steps=40, lr=1e6)
    assert not np.isfinite(found.loss[-1])
    assert found.census.alive_firing == found.census.alive_passing == 0


def test_a_typed_activation_and_the_table():
    found = dead_units(activation("max(x - 1, 0)"), units=4, steps=2)
    assert list(found.table.columns) == ["firing", "passing"]
    assert len(found.table) == 3
    assert "4" in found._repr_html_()


@pytest.mark.parametrize(
    "bad", [{"units": 0}, {"points": 1}, {"width": 1}, {"spread": -1}, {"bias": np.nan}, {"lr": -1}]
)
def test_what_cannot_be_is_refused(bad):
    with pytest.raises(ActscopeError):
        UnitLayer("relu", **bad)
