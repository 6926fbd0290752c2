"""The theory page against SCIENCE's figures, PyTorch's gains, and predictions taken apart."""

import math

import numpy as np
import pytest

from actscope.activations._lookup import SHELF, activation
from actscope.assessment.theory import recommend, theory, torch_gain


@pytest.mark.parametrize("name", SHELF.names())
def test_torch_gain_is_what_pytorch_says(name):
    import torch

    mine = torch_gain(activation(name))
    names = {"identity": "linear"}
    try:
        theirs = torch.nn.init.calculate_gain(
            names.get(name, name), 0.01 if name == "leaky_relu" else None
        )
    except ValueError:
        theirs = None
    assert (mine is None) == (theirs is None)
    if mine is not None:
        np.testing.assert_allclose(mine, theirs, rtol=1e-12)


def test_leaky_relu_gain_follows_its_slope():
    import torch

    theirs = torch.nn.init.calculate_gain("leaky_relu", 0.3)
    np.testing.assert_allclose(torch_gain(activation("leaky_relu", slope=0.3)), theirs, rtol=1e-12)


def test_sigmoid_is_ordered_uncentred_and_nearly_critical_centred():
    found = theory(activation("sigmoid"), (1, 8), 0.25)
    assert found.phase == "ordered"
    np.testing.assert_allclose(found.constant_part, 0.852, atol=5e-4)
    np.testing.assert_allclose(found.chi_1, 0.153, atol=5e-4)
    np.testing.assert_allclose(found.chi_1_centred, 1.034, atol=5e-4)


def test_relu_is_critical_and_a_third_of_it_is_constant():
    found = theory(activation("relu"), (1, 2), 1.0)
    assert found.phase == "critical"
    np.testing.assert_allclose(found.gain, math.sqrt(2), rtol=1e-12)
    np.testing.assert_allclose(found.constant_part, 1 / math.pi, rtol=1e-12)
    np.testing.assert_allclose(found.iterates[0][1], 0.608997781044229, rtol=1e-10)


@pytest.mark.parametrize(("depth", "expected"), [(1, 0.25), (10, 0.25**10), (600, None)])
def test_the_product_of_sigmoid_slopes_never_underflows(depth, expected):
    row = theory(activation("sigmoid"), (depth,), 0.25).depths[0]
    np.testing.assert_allclose(row.largest_product, depth * math.log10(0.25), rtol=1e-12)
    if expected:
        np.testing.assert_allclose(10**row.largest_product, expected, rtol=1e-9)


def test_an_exponent_of_a_product_adds_up_over_depth():
    rows = theory(activation("gelu"), (2, 4, 32), 1.13).depths
    np.testing.assert_allclose(rows[1].gradient, 2 * rows[0].gradient, rtol=1e-12)
    np.testing.assert_allclose(rows[2].rms_product, 16 * rows[0].rms_product, rtol=1e-12)


@pytest.mark.parametrize("name", SHELF.names())
def test_the_recommended_init_holds_variance_and_gradient(name):
    record = activation(name)
    found = recommend(record)
    z = np.random.default_rng(0).standard_normal(400_000)
    value, slope = record(z), record.slope_at(z)
    if found.init == "critical":
        q = found.sigma_w**2 * value.var() + found.sigma_b**2
        np.testing.assert_allclose(found.sigma_w**2 * (slope**2).mean(), 1.0, rtol=0.02)
    else:
        q = found.sigma_w**2 * (value**2).mean()
    np.testing.assert_allclose(q, 1.0, rtol=0.03)


def test_a_jump_has_no_edge_of_chaos():
    assert recommend(activation("hardshrink")).init == "gain"
