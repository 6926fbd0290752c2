"""Properties against what is known by hand, and against a sweep of another kind."""

import math

import numpy as np
import pytest

from actscope.activations._base import Activation
from actscope.activations._lookup import SHELF, activation
from actscope.assessment.properties import properties

RECORDS = [r for r in SHELF if isinstance(r, Activation)]


@pytest.mark.parametrize(
    ("name", "low", "high", "lipschitz", "below", "above"),
    [
        ("sigmoid", 0, 0.25, 0.25, -5.98644569, 5.98644569),  # s(1-s) = 0.0025
        ("tanh", 0, 1, 1, -2.99322285, 2.99322285),  # sech² = 0.01
        ("relu", 0, 1, 1, 0, None),
        ("identity", 1, 1, 1, None, None),
        ("hard_tanh", 0, 1, 1, -1, 1),
        ("sin", -1, 1, 1, None, None),
        ("elu", 0, 1, 1, math.log(0.01), None),
        ("squared_relu", 0, math.inf, math.inf, 0.1, None),
        ("hardshrink", 0, 1, math.inf, None, None),  # it jumps at ±0.5
        ("softsign", 0, 1, 1, -9, 9),
    ],
)
def test_known_properties(name, low, high, lipschitz, below, above):
    found = properties(activation(name))
    near = {"rtol": 1e-7, "atol": 1e-7}
    np.testing.assert_allclose(
        [found.slope_min, found.slope_max, found.lipschitz], [low, high, lipschitz], **near
    )
    for mine, expected in ((found.saturates_below, below), (found.saturates_above, above)):
        assert (mine is None) == (expected is None)
        if expected is not None:
            np.testing.assert_allclose(mine, expected, **near)


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: r.name)
def test_slopes_stay_within_the_bounds_and_chords_within_the_lipschitz_constant(record):
    found = properties(record)
    x = np.random.default_rng(0).normal(scale=10.0, size=4001)
    x = np.setdiff1d(x, record.kinks)
    slope = record.slope_at(x)
    assert slope.min() >= found.slope_min - 1e-12
    assert slope.max() <= found.slope_max + 1e-12
    chords = np.abs(np.diff(record(x)) / np.diff(x))
    assert chords.max() <= found.lipschitz * (1 + 1e-9)


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: r.name)
def test_slopes_are_small_exactly_beyond_the_saturation_points(record):
    found = properties(record)
    bound = 0.01 * np.abs(record.slope_at(np.linspace(-10, 10, 20_001))).max()
    for edge, side in ((found.saturates_below, -1), (found.saturates_above, 1)):
        if edge is None:
            assert abs(record.slope_at(side * 9e3)) >= bound or record.name == "sin"
        else:
            beyond = edge + side * np.array([1e-6, 0.1, 1.0, 100.0])
            assert (np.abs(record.slope_at(beyond)) < bound * 1.0001).all()
            assert abs(record.slope_at(edge - side * 1e-3)) > bound * 0.9


def test_a_typed_expression_has_properties():
    found = properties(activation("x*sigmoid(1.7*x)"))
    np.testing.assert_allclose(found.slope_max, 1.09983942, rtol=1e-6)
    assert not found.monotonic


def test_a_slope_that_grows_without_end_towards_a_kink_is_infinite():
    root = properties(activation("sqrt(abs(x))"))
    assert (root.slope_min, root.slope_max, root.lipschitz) == (-np.inf, np.inf, np.inf)
    assert root.saturates_below is None and root.saturates_above is None
    assert properties(activation("abs(x)")).lipschitz == 1.0
