import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from actscope.errors import BadParameter, InputError
from actscope.maths.lengths import TORCH_GAINS, fixed_point, gain, variance_map


def test_the_gain_holds_a_length(plain):
    for name in ("relu", "gelu", "silu", "sigmoid", "mish", "hard_swish"):
        f, _, kinks = plain(name)
        for q, sigma_b in ((1.0, 0.0), (3.0, 0.5)):
            sigma_w = gain(f, kinks, q=q, sigma_b=sigma_b)
            out = variance_map(f, kinks, [q], sigma_w=sigma_w, sigma_b=sigma_b)
            assert_allclose(out, q, rtol=1e-13)


def test_pytorch_gives_other_gains(plain):
    import torch

    for name, listed in TORCH_GAINS.items():
        theirs = torch.nn.init.calculate_gain({"identity": "linear"}.get(name, name))
        assert_allclose(listed, theirs, rtol=1e-15, err_msg=name)
    ours = {name: gain(plain(name)[0], plain(name)[2]) for name in TORCH_GAINS}
    assert_allclose(ours["tanh"], 1.5925, atol=5e-5)
    assert_allclose(ours["selu"], 1.0, atol=1e-12)
    assert_allclose(ours["sigmoid"], 1.846, atol=5e-4)
    for name in ("identity", "relu", "leaky_relu"):
        assert_allclose(ours[name], TORCH_GAINS[name], rtol=1e-14)
    for name in ("gelu", "silu", "mish"):
        with pytest.raises(ValueError, match="nonlinearity"):
            torch.nn.init.calculate_gain(name)


def test_the_fixed_point_is_where_iteration_ends(plain):
    for name, sigma_w, sigma_b in (
        ("tanh", 1.5, 0.5),
        ("sigmoid", 3.0, 0.1),
        ("relu", 1.2, 0.4),
        ("softsign", 5.0, 0.0),
        ("hard_tanh", 2.0, 0.05),
    ):
        f, _, kinks = plain(name)
        q = 1.0
        for _ in range(300):
            q = float(variance_map(f, kinks, q, sigma_w=sigma_w, sigma_b=sigma_b))
        found = fixed_point(f, kinks, sigma_w=sigma_w, sigma_b=sigma_b)
        assert_allclose(found, q, rtol=1e-12, err_msg=name)


def test_the_start_decides_between_two_basins(plain):
    """GELU a little above its gain: below the unstable point lengths die, above they explode."""
    f, _, kinks = plain("gelu")
    sigma_w = gain(f, kinks)
    assert fixed_point(f, kinks, sigma_w=sigma_w) == 1.0
    assert fixed_point(f, kinks, sigma_w=sigma_w, q_start=0.5) == 0.0
    assert fixed_point(f, kinks, sigma_w=sigma_w, q_start=2.0) == math.inf


def test_functions_that_overflow_explode():
    assert fixed_point(np.sinh, sigma_w=1.0) == math.inf
    assert variance_map(np.sinh, (), [1e5]) == math.inf


def test_what_cannot_be_is_refused():
    with pytest.raises(BadParameter, match="smaller sigma_b"):
        gain(np.tanh, q=1.0, sigma_b=1.0)
    with pytest.raises(InputError, match="φ is 0"):
        gain(lambda x: np.maximum(x - 50.0, 0.0), (50.0,))
