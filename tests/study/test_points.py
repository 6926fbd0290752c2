"""The points of a cell, and the straight line that every network has to beat."""

import numpy as np
import pytest

from actscope.datasets import dataset
from actscope.errors import InputError
from actscope.study import Study
from actscope.study.points import floor, split


def points(data, n=200, share=0.25, seed=0):
    cell = Study(data=data, points=n, test_share=share, data_seed=seed).plan().cells[0]
    return split(cell.data, cell.points, cell.test_share, cell.data_seed)


@pytest.mark.parametrize("data", ["moons", "digits", {"name": "blobs", "classes": 4}, "sine"])
def test_training_points_are_standardised_and_no_point_is_in_both_sets(data):
    s = points(data)
    assert (len(s.y), len(s.y_test)) == (150, 50)
    varies = s.x.std(axis=0) > 0
    np.testing.assert_allclose(s.x.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(s.x.std(axis=0)[varies], 1)
    both = np.concatenate([s.x, s.x_test])
    assert len(np.unique(both, axis=0)) == len(np.unique(s.x, axis=0)) + len(
        np.unique(s.x_test, axis=0)
    )


def test_test_points_lie_in_the_coordinates_of_the_training_points():
    law, s = dataset("moons"), points("moons")
    x, y = law.draw(200, np.random.default_rng(0))
    mean, std = s.law.scale
    back = np.concatenate([s.x, s.x_test]) * std + mean
    order = np.lexsort(back.T)
    np.testing.assert_allclose(back[order], x[np.lexsort(x.T)], atol=1e-12)
    np.testing.assert_array_equal(np.concatenate([s.y, s.y_test])[order], y[np.lexsort(x.T)])


def test_all_points_of_a_set_of_fixed_size():
    s = points("digits", "all")
    assert len(s.y) + len(s.y_test) == 1797
    assert set(s.y) == set(range(10))


def test_seeds_draw_other_points():
    a, b, again = points("moons", seed=0), points("moons", seed=1), points("moons", seed=0)
    assert not np.array_equal(a.x, b.x)
    np.testing.assert_array_equal(a.x, again.x)


def test_a_class_that_training_lacks_is_an_error():
    with pytest.raises(InputError, match="do not hold all 10 classes"):
        points("digits", 9)


def test_the_floor_of_separable_points_is_1_and_of_noise_a_half():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4000, 2))
    line = (x @ [1.0, -2.0] > 0.3).astype(int)
    assert floor(x[:2000], line[:2000], x[2000:], line[2000:], 2) > 0.99
    coins = rng.integers(0, 2, 4000)
    assert abs(floor(x[:2000], coins[:2000], x[2000:], coins[2000:], 2) - 0.5) < 0.05


def test_the_floor_of_moons_is_the_line_of_the_article():
    assert 0.82 < points("moons", 4000).linear < 0.90


def test_the_floor_of_a_regression_is_least_squares():
    s = points("sine", 400)
    A = np.c_[s.x, np.ones(len(s.x))]
    weights = np.linalg.lstsq(A, s.y, rcond=None)[0]
    error = np.c_[s.x_test, np.ones(len(s.x_test))] @ weights - s.y_test
    assert s.linear == pytest.approx(np.mean(error**2))
