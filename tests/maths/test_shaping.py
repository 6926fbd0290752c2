import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from actscope.errors import BadParameter, InputError
from actscope.maths import shaping
from actscope.maths.meanfield import maps

# The network function of the DKS tests: a ResNet-101, shortcut weight 0.6.
RESNET = shaping.residual((3, 4, 23, 3), 0.6)
# (input scale, input shift, output shift, output scale), as published with the method
GOLDEN = {
    ("softplus", "dks"): (0.18761008168, 0.40688063442, -0.92134661511, 8.87867254367),
    ("tanh", "dks"): (0.07461073058, 0.55669151999, -0.50343787687, 18.00263596444),
    ("gelu", "dks"): (0.07043253127, 0.25948929793, -0.15815378962, 20.21158902316),
    ("softplus", "tat"): (0.15011489795, 0.53745999011, -0.99648101447, 10.54880187881),
    ("tanh", "tat"): (0.05802052188, 0.52186398041, -0.47964307044, 22.36066261763),
}
SMOOTH = ["tanh", "sigmoid", "softplus", "gelu", "silu", "mish", "erf", "softsign", "sin", "elu"]


def test_local_targets_are_the_published_ones():
    assert_allclose(shaping.local_slope(RESNET, 1.2), 1.002770965849537, rtol=1e-14)
    assert_allclose(shaping.local_curvature(RESNET, 0.2), 0.0030395136778, rtol=1e-11)


def halving(g, target, x, low, high):
    """Bisection that stops within 1e-8 of the target, which is how the golden numbers came up."""
    while abs(g(x) - target) >= 1e-8:
        if g(x) > target:
            high, x = x, 0.5 * (x + low)
        else:
            low, x = x, 2 * x if math.isinf(high) else 0.5 * (x + high)
    return x


@pytest.mark.parametrize(("name", "method"), GOLDEN)
def test_golden_numbers(name, method, plain):
    """To 1e-8 at the local target at which the published search stopped.

    At the exact target, 7e-11 and 1.5e-10 away, they differ by up to 3e-8: the output scale goes
    as the root of what the target lies above its floor.
    """
    if method == "dks":
        exact = shaping.local_slope(RESNET, 1.2)
        stopped = halving(lambda s: RESNET(1.0, lambda x: x * s), 1.2, 1.1, 1.0, math.inf)
    else:
        exact = shaping.local_curvature(RESNET, 0.2)
        stopped = halving(lambda s: RESNET(0.0, lambda x: x + s), 0.2, 0.1, 0.0, math.inf)
    golden = GOLDEN[name, method]
    found = shaping.solve(*plain(name), method=method, target=stopped)
    assert_allclose(found, golden, rtol=1e-8)
    assert_allclose(shaping.solve(*plain(name), method=method, target=exact), golden, rtol=3e-8)


def test_leaky_relu_is_the_published_one():
    slope = shaping.leaky_relu_slope(RESNET, 0.75)
    assert_allclose(slope, 0.62918002903, rtol=2e-9)
    assert_allclose(math.sqrt(2 / (1 + slope**2)), 1.19699654978, rtol=1e-9)
    slope, numbers = shaping.leaky_relu_dks(shaping.local_slope(RESNET, 1.2))
    assert_allclose((slope, *numbers[2:]), (0.87612571, -0.04941869, 1.06518327), atol=2e-8)


def shaped(function, s):
    f, df, kinks = function
    return (
        lambda x: s.output_scale * (f(s.input_scale * x + s.input_shift) + s.output_shift),
        lambda x: s.output_scale * s.input_scale * df(s.input_scale * x + s.input_shift),
        tuple((k - s.input_shift) / s.input_scale for k in kinks),
    )


@pytest.mark.parametrize("depth", [5, 50, 1000])
@pytest.mark.parametrize("name", SMOOTH)
def test_shaped_activations_meet_their_conditions(name, depth, plain):
    target = shaping.local_slope(shaping.plain(depth))
    m = maps(*shaped(plain(name), shaping.solve(*plain(name), method="dks", target=target)))
    moments = m.moments
    assert_allclose((m.q_out, m.chi_q, m.chi_1), (1.0, 1.0, target), rtol=1e-10)
    assert_allclose(moments.mean.value, 0.0, atol=1e-12)
    bend = shaping.local_curvature(shaping.plain(depth))
    m = maps(*shaped(plain(name), shaping.solve(*plain(name), method="tat", target=bend)))
    assert_allclose((m.q_out, m.chi_q, m.chi_1), (1.0, 1.0, 1.0), rtol=1e-10)
    assert_allclose(m.moments.curvature_second.value, bend, rtol=1e-7)


def test_kinks_can_be_shaped_by_dks_where_two_numbers_are_enough(plain):
    target = shaping.local_slope(shaping.plain(50))
    for name in ("selu", "hard_swish"):
        m = maps(*shaped(plain(name), shaping.solve(*plain(name), method="dks", target=target)))
        assert_allclose((m.q_out, m.chi_q, m.chi_1), (1.0, 1.0, target), rtol=1e-10)


def test_relu_cannot_be_shaped(plain):
    with pytest.raises(
        InputError, match=r"homogeneous, as ReLU is: .* Q'\(1\) = 1 .* take leaky_relu"
    ):
        shaping.solve(*plain("relu"), method="dks", target=shaping.local_slope(RESNET, 1.2))
    with pytest.raises(InputError, match=r"C''\(1\) is infinite"):
        shaping.solve(*plain("relu"), method="tat", target=0.006)
    with pytest.raises(InputError, match="no input scale and shift"):
        shaping.solve(*plain("hard_tanh"), method="dks", target=1.01)


def test_a_network_that_cannot_reach_its_target_is_refused():
    with pytest.raises(InputError, match="out of reach"):
        shaping.local_slope(lambda x, layer: x, 1.5)
    with pytest.raises(InputError, match="even ReLU"):
        shaping.leaky_relu_slope(shaping.plain(1), 0.9)
    with pytest.raises(InputError, match=r"ReLU has the largest, 1\.46694"):
        shaping.leaky_relu_dks(2.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: shaping.plain(0), "depth"),
        (lambda: shaping.residual((3,), 1.5), "shortcut_weight"),
        (lambda: shaping.local_slope(RESNET, 1.0), "zeta"),
        (lambda: shaping.local_curvature(RESNET, 0.0), "tau"),
        (lambda: shaping.leaky_relu_slope(RESNET, 1.0), "eta"),
        (lambda: shaping.solve(np.tanh, np.cos, method="no", target=2.0), "method"),
        (lambda: shaping.solve(np.tanh, np.cos, method="dks", target=1.0), "target"),
    ],
)
def test_what_cannot_be_is_refused(call, message):
    with pytest.raises(BadParameter, match=message):
        call()
