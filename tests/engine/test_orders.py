"""Orders: permutations, even over all of them, and the same in the kernels as in NumPy."""

import itertools

import numpy as np
import pytest
from scipy import stats

from actscope.engine.orders import order, orders


@pytest.mark.parametrize("points", [1, 2, 3, 64, 300])
def test_an_order_is_a_permutation(points):
    np.testing.assert_array_equal(np.sort(order(7, 3, points)), np.arange(points))


def test_seeds_and_epochs_have_orders_of_their_own():
    drawn = {order(s, e, 20).tobytes() for s in (0, 1, 2, 2**63, 2**64 - 1) for e in range(20)}
    assert len(drawn) == 100


def test_an_epochs_order_does_not_depend_on_those_before():
    np.testing.assert_array_equal(orders(5, 9, 12)[8], order(5, 8, 12))


def test_all_permutations_are_alike():
    counts = dict.fromkeys(itertools.permutations(range(4)), 0)
    for seed in range(40):
        for epoch in range(120):
            counts[tuple(order(seed, epoch, 4).tolist())] += 1
    assert stats.chisquare(list(counts.values())).pvalue > 1e-3


def test_neighbouring_seeds_and_epochs_are_not_correlated():
    places = np.array([order(seed, epoch, 50) for seed in range(20) for epoch in range(20)])
    correlation = np.corrcoef(places)
    off = correlation[np.triu_indices(len(places), 1)]
    assert abs(off.mean()) < 0.002
    np.testing.assert_allclose(off.std(), 1 / np.sqrt(49), rtol=0.05)
