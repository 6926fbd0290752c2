"""Labels are moved apart, and no farther than needed."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from actscope.figures.labels import shorten, spread_apart


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.floats(0.01, 0.08))
def test_apart_inside_and_in_order(places, gap):
    moved = np.array(spread_apart(places, gap, 0.0, 1.0))
    order = np.argsort(places, kind="stable")
    assert (np.diff(moved[order]) >= gap - 1e-9).all()
    assert moved.min() >= -1e-9
    assert moved.max() <= 1 + 1e-9


def test_labels_with_room_stay():
    assert spread_apart([0.9, 0.1, 0.5], 0.1, 0, 1) == [0.9, 0.1, 0.5]


def test_a_pair_moves_evenly():
    np.testing.assert_allclose(spread_apart([0.5, 0.5], 0.2, 0, 1), [0.4, 0.6])


def test_shorten():
    assert shorten("relu") == "relu"
    assert len(shorten("x" * 80, 20)) == 20
