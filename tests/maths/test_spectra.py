import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose

from actscope.maths.spectra import (
    effective_rank,
    log_spectrum,
    participation_ratio,
    singular_values,
    stable_rank,
)

RANKS = [effective_rank, participation_ratio, stable_rank]
SPECTRA = arrays(np.float64, 6, elements=st.floats(1e-3, 1e3))


def test_singular_values_are_the_roots_of_the_covariance():
    cloud = np.random.default_rng(0).standard_normal((50, 4)) * [1, 2, 3, 4] + 7.0
    variances = np.linalg.eigvalsh(np.cov(cloud.T, bias=True))[::-1]
    assert_allclose(singular_values(cloud), np.sqrt(50 * variances), rtol=1e-12)
    assert singular_values(cloud, centre=False)[0] > 2 * singular_values(cloud)[0]
    assert np.isnan(singular_values([[1.0, np.inf], [0.0, 1.0]])).all()


def test_ranks_by_their_definitions():
    s = np.array([3.0, 2.0, 1.0, 0.5])
    p = s / s.sum()
    assert_allclose(effective_rank(s), math.exp(-sum(x * math.log(x) for x in p)))
    assert_allclose(participation_ratio(s), (s**2).sum() ** 2 / (s**4).sum())
    assert_allclose(stable_rank(s), (s**2).sum() / 9.0)


@pytest.mark.parametrize("rank", RANKS)
@settings(max_examples=60, deadline=None)
@given(s=SPECTRA, scale=st.sampled_from([1e-160, 1e-3, 1e3, 1e150]))
def test_ranks_lie_between_one_and_all_and_ignore_scale_and_zeros(rank, s, scale):
    value = rank(s)
    assert 1.0 - 1e-12 <= value <= 6.0 + 1e-12
    assert_allclose(rank(scale * s), value, rtol=1e-9)
    assert_allclose(rank(np.concatenate([s, np.zeros(3)])), value, rtol=1e-12)


@pytest.mark.parametrize("rank", RANKS)
def test_ranks_of_flat_single_and_empty_spectra(rank):
    assert_allclose(rank(np.full(5, 0.3)), 5.0)
    assert_allclose(rank([4.0, 0.0, 0.0]), 1.0)
    assert np.isnan(rank([0.0, 0.0]))
    assert np.isnan(rank([1.0, np.nan]))
    both = rank([[1.0, 1.0], [1.0, 0.0]])
    assert_allclose(both, [2.0, 1.0])


def test_the_three_ranks_differ():
    s = [10.0, 1.0, 1.0, 1.0]
    stable, ratio, entropy = stable_rank(s), participation_ratio(s), effective_rank(s)
    assert stable < ratio < entropy


def test_isotropic_points_fill_fewer_directions_than_there_are():
    s = singular_values(np.random.default_rng(2).standard_normal((100, 100)))
    assert_allclose(participation_ratio(s), 100 * 100 / 200, rtol=0.05)


def test_logarithms_of_a_spectrum():
    mean, spread = log_spectrum([math.e, 1.0 / math.e, 0.0])
    assert_allclose((mean, spread), (0.0, 1.0))
    mean, spread = log_spectrum([1.0, 1e-9], floor=1e-6)
    assert_allclose((mean, spread), (0.0, 0.0))
    assert log_spectrum([0.0])[0] == -np.inf
    assert np.isnan(log_spectrum([np.nan, 1.0])[0])
