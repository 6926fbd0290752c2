import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose
from scipy.spatial.distance import squareform

from actscope.maths.clouds import angles, centred, cosines, distances, gram, squared_distances

CLOUDS = arrays(np.float64, (5, 3), elements=st.floats(-1e3, 1e3).map(lambda x: round(x, 6)))


@settings(max_examples=60, deadline=None)
@given(CLOUDS)
def test_distances_three_ways(cloud):
    """SciPy's, the fast squared ones, and those of the Gram matrix."""
    slow = np.array([[math.dist(a, b) for b in cloud] for a in cloud])
    assert_allclose(squareform(distances(cloud)), slow, rtol=1e-13, atol=1e-300)
    scale = 1e-12 * (slow.max() ** 2 + 1e-300)
    assert_allclose(squared_distances(cloud), slow**2, atol=scale)
    g = gram(cloud)
    assert_allclose(np.diag(g)[:, None] + np.diag(g) - 2 * g, slow**2, atol=scale)


@settings(max_examples=60, deadline=None)
@given(CLOUDS, st.floats(-100.0, 100.0))
def test_a_shift_changes_no_distance_and_no_centred_thing(cloud, shift):
    scale = 1e-10 * (1.0 + np.abs(cloud).max() + abs(shift)) ** 2
    for measure in (centred, gram, squared_distances):
        assert_allclose(measure(cloud + shift), measure(cloud), atol=scale)
    assert_allclose(centred(cloud).mean(axis=0), 0.0, atol=scale)


def test_close_points_far_from_the_origin_keep_their_distance():
    cloud = 0.49 + 1e-9 * np.array([[0.0, 0.0], [3.0, 4.0]])
    assert_allclose(distances(cloud), 5e-9, rtol=1e-6)
    assert_allclose(np.sqrt(squared_distances(cloud)[0, 1]), 5e-9, rtol=1e-6)


def test_angles_and_cosines():
    rng = np.random.default_rng(0)
    cloud = rng.standard_normal((6, 4))
    for centre in (False, True):
        x = cloud - cloud.mean(axis=0) if centre else cloud
        naive = np.array([[a @ b / np.linalg.norm(a) / np.linalg.norm(b) for b in x] for a in x])
        assert_allclose(cosines(cloud, centre), naive, atol=1e-14)
        assert_allclose(np.cos(angles(cloud, centre)), naive, atol=1e-14)
    assert_allclose(np.diag(angles(cloud)), 0.0)
    rotation, _ = np.linalg.qr(rng.standard_normal((4, 4)))
    assert_allclose(angles(7.0 * cloud @ rotation), angles(cloud), atol=1e-13)
    assert np.abs(angles(cloud + 5.0) - angles(cloud)).max() > 0.5  # not blind to a shift


def test_small_angles_that_an_arc_cosine_would_lose():
    t = np.array([1e-3, 1e-7, 1e-11, 1e-15])
    cloud = np.stack([np.ones(5), np.concatenate([[0.0], t])], axis=1)
    assert_allclose(angles(cloud)[0, 1:], t, rtol=1e-6)
    assert np.arccos(cosines(cloud)[0, 3]) == 0.0


def test_points_without_a_direction():
    assert np.isnan(cosines([[0.0, 0.0], [1.0, 0.0]])[0]).all()
    assert np.isnan(angles([[1.0, 2.0], [1.0, 2.0]], centre=True)).all()


@pytest.mark.parametrize("measure", [centred, squared_distances, gram, cosines, angles])
def test_leading_axes_are_further_clouds(measure):
    clouds = np.random.default_rng(1).standard_normal((3, 2, 5, 4))
    together = measure(clouds)
    assert_allclose(together[2, 1], measure(clouds[2, 1]), rtol=1e-13, atol=1e-13)
