import itertools
import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import integrate

from actscope.errors import BadParameter
from actscope.maths import pairs
from actscope.maths.closed_forms import CLOSED_FORMS
from actscope.maths.gaussian import curve, moments
from actscope.maths.plane import mismatch

VALUES = {"leaky_relu": (0.01,)}
CLOSED = sorted(CLOSED_FORMS)
C = np.array([-1.0, -0.999, -0.7, -0.2, 0.0, 0.3, 0.9, 0.96, 0.999, 1.0 - 1e-9, 1.0])


def expansion(function):
    c = curve(*function)
    m = moments(c)
    return c, m, pairs.expand_curve(c, m)


def test_products_and_hermite_coefficients_are_the_facts(gaussian_fact, plain):
    name, fact = gaussian_fact
    _, _, e = expansion(plain(name))
    at = [0.0, 0.5, 0.9, 0.99]
    expected = [float(fact[f"K_{c:g}"]) for c in at]
    value, error = pairs.product(e, at)
    assert_allclose(value, expected, rtol=1e-12, atol=1e-15)
    assert np.all(np.abs(value - expected) <= error + 1e-16)
    coefficients = [float(a) for a in fact["hermite_a0_a4"]]
    assert_allclose(e.coefficients[:5], coefficients, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("q", [1e-4, 1.0, 30.0, 1e4])
@pytest.mark.parametrize("name", CLOSED)
def test_closed_forms_meet_quadrature(name, q, plain):
    if name == "sin":
        q = min(q, 300.0)  # some 20 waves a standard deviation: enough, and quick
    form, values = CLOSED_FORMS[name], VALUES.get(name, ())
    f, df, kinks = plain(name)
    c = curve(f, df, kinks, q)
    m = moments(c)
    e = pairs.expand_curve(c, m)
    exact = form.kernel(C, q, *values)
    got, error = pairs.product(e, C)
    assert_allclose(got, exact, rtol=2e-12, atol=4e-15 * e.energy)
    assert np.all(np.abs(got - exact) <= error + 1e-14 * np.abs(exact) + 1e-15 * e.energy)
    assert_allclose(m.mean.value, form.mean(q, *values), rtol=1e-13, atol=1e-15 * e.energy**0.5)
    assert_allclose(m.slope_second.value, form.slope_kernel(np.float64(1), q, *values), rtol=1e-13)
    for one in (-0.5, 0.0, 0.8, 0.97):
        slope = pairs.slope(c, m, e, one)
        exact = q * form.slope_kernel(np.float64(one), q, *values)
        assert_allclose(slope, exact, rtol=1e-11, atol=1e-13 * q * m.slope_second.value)


def test_a_wrong_closed_form_would_be_seen(plain):
    """The check above can fail: GELU's tanh approximation is off by more than its tolerance."""
    *_, e = expansion(plain("gelu_tanh"))
    exact = CLOSED_FORMS["gelu"].kernel(C, 1.0)
    assert np.max(np.abs(pairs.product(e, C).value - exact)) > 1e-6


def test_series_and_turned_plane_agree(plain):
    for name in ("relu", "hard_tanh", "elu", "silu"):
        *_, e = expansion(plain(name))
        for c in (0.1, 0.6, 0.9):
            series = float(pairs.product(e, c).value)
            assert_allclose(
                e.energy - mismatch(e.f, e.rule, e.kinks, 1 - c).value, series, rtol=1e-12
            )
            mirrored = float(pairs.product(e, -c).value)
            turned = e.energy - mismatch(e.f, e.rule, e.kinks, 1 - c, mirrored=True).value
            assert_allclose(turned, mirrored, rtol=1e-11, atol=1e-14)


def test_products_meet_monte_carlo(plain):
    rng = np.random.default_rng(5)
    n, c = 400_000, 0.8
    u = rng.standard_normal(n)
    v = c * u + math.sqrt(1 - c * c) * rng.standard_normal(n)
    for name in ("softsign", "hard_swish", "mish"):
        f, df, kinks = plain(name)
        drawn = f(u) * f(v)
        *_, e = expansion((f, df, kinks))
        sigma = drawn.std() / math.sqrt(n)
        assert abs(float(pairs.product(e, c).value) - drawn.mean()) < 4 * sigma, name


@pytest.mark.parametrize("name", ["relu", "abs", "gelu", "erf", "tanh", "hard_tanh"])
def test_gaps_of_nearly_equal_inputs_keep_their_digits(name, plain):
    """½E[(f(u) − f(v))²] → E[f'²]·(1 − c), far below where 1 − c can be told from 1."""
    _, m, e = expansion(plain(name))
    for below, digits in ((1e-7, 3e-3), (1e-12, 1e-5), (1e-18, 1e-8), (1e-40, 1e-15)):
        value, error = pairs.gap(e, below)
        assert_allclose(value, m.slope_second.value * below, rtol=digits)
        assert error < 1e-6 * value
    assert pairs.gap(e, 0.0).value == 0.0


def test_gap_and_product_are_two_views_of_one_number(plain):
    for name in ("relu6", "softplus", "selu"):
        *_, e = expansion(plain(name))
        below = np.array([1e-3, 0.02, 0.3, 1.0])
        both = pairs.gap(e, below).value + pairs.product(e, 1.0 - below).value
        assert_allclose(both, e.energy, rtol=1e-12)


def test_the_gap_of_relu_meets_its_closed_form_near_one(plain):
    """1 − C for ReLU is below − √2·2/(3π)·below^1.5 + …; the next term is of order 2.5."""
    *_, e = expansion(plain("relu"))
    below = np.array([1e-3, 1e-5, 1e-7])
    t = 2.0 * np.arcsin(np.sqrt(below / 2.0))
    exact = 0.5 - (np.sin(t) + (np.pi - t) * np.cos(t)) / (2.0 * np.pi)
    assert_allclose(pairs.gap(e, below).value, exact, rtol=1e-8)
    leading = 0.5 * (below - math.sqrt(2.0) * 2.0 / (3.0 * math.pi) * below**1.5)
    assert_allclose(pairs.gap(e, below[1:]).value, leading[1:], rtol=1e-5)


def test_slopes_that_jump_near_one(plain):
    """E[relu'(u)·relu'(v)] = ½ − θ/2π has a square root at c = 1, which no series reaches."""
    c, m, e = expansion(plain("relu"))
    for one in (0.99, 0.9999, 1.0 - 1e-10):
        exact = 0.5 - math.acos(one) / (2 * math.pi)
        assert_allclose(pairs.slope(c, m, e, one), exact, rtol=1e-11)


def test_correlations_out_of_range_are_refused(plain):
    *_, e = expansion(plain("tanh"))
    with pytest.raises(BadParameter, match="correlation"):
        pairs.product(e, 1.0000001)
    with pytest.raises(BadParameter, match=r"\[0, 1\]"):
        pairs.gap(e, -1e-9)


def test_shapes_are_kept(plain):
    *_, e = expansion(plain("relu"))
    assert pairs.product(e, 0.3).value.shape == ()
    assert pairs.product(e, np.full((2, 3), 0.99)).error.shape == (2, 3)
    assert pairs.gap(e, np.full((2, 3), 0.01)).value.shape == (2, 3)


@pytest.mark.parametrize("declared", [(0.3,), ()])
def test_a_kink_that_nobody_declared_costs_time_and_not_digits(declared):
    f, df = lambda x: np.abs(x - 0.3), lambda x: np.sign(x - 0.3)
    *_, e = expansion((f, df, declared))
    t, c = 0.3, 0.99
    s = math.sqrt(1 - c * c)

    def folded(u):
        """|u − t|·E[|v − t|] given u, in closed form."""
        d = (c * u - t) / s
        inner = s * (2 * math.exp(-d * d / 2) / math.sqrt(2 * math.pi) + d * math.erf(d / 2**0.5))
        return abs(u - t) * inner * math.exp(-u * u / 2) / math.sqrt(2 * math.pi)

    edges = [-30.0, t - 2, t - 0.3, t, t + 0.3, t + 2, 30.0]
    exact = sum(
        integrate.quad(folded, a, b, epsrel=1e-13, epsabs=1e-15)[0]
        for a, b in itertools.pairwise(edges)
    )
    assert_allclose(pairs.product(e, c).value, exact, rtol=1e-13)
