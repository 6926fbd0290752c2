import math
import time

import numpy as np
import pytest
from numpy.testing import assert_allclose

from actscope.activations import SHELF
from actscope.errors import BadParameter, InputError
from actscope.maths.meanfield import correlation_map, maps, mean_field, slope_of_map

FACT_OF = {
    "gain": "gain_q1",
    "gain_centred": "gain_centred",
    "chi_1": "chi_1",
    "chi_1_centred": "chi_1_centred",
    "curvature": "C_second_deriv_at_1",
    "chi_q": "chi_q",
    "xi_q": "xi_q",
    "c_star": "c_star",
    "slope_at_c_star": "slope_at_c_star",
    "xi_c": "xi_c",
}


def test_numbers_at_the_gain_are_the_facts(gaussian_fact, plain):
    name, fact = gaussian_fact
    m = mean_field(*plain(name))
    critical = name == "relu6"  # χ₁ − 1 = 1.9e-9: a depth scale of 5e8 layers is none
    for ours, theirs in FACT_OF.items():
        if theirs not in fact or (critical and ours in ("xi_c", "slope_at_c_star")):
            continue
        expected = float(fact[theirs].split()[0])
        assert_allclose(getattr(m, ours), expected, rtol=1e-12, atol=1e-15, err_msg=ours)
    assert m.phase == ("critical" if critical else fact["phase"])
    assert_allclose(m.sigma_w, m.gain, rtol=1e-15)
    assert m.q == 1.0


def test_both_correlation_maps_are_the_facts(gaussian_fact, plain):
    name, fact = gaussian_fact
    m = maps(*plain(name), sigma_w=float(fact["gain_q1"]))
    at = [float(c) for c in fact["C"]]
    both = correlation_map(m, at)
    uncentred = [float(value) for value in fact["C"].values()]
    centred = [float(value) for value in fact["C_centred"].values()]
    assert_allclose(both.uncentred, uncentred, rtol=1e-12, atol=1e-15)
    assert_allclose(both.centred, centred, rtol=1e-12, atol=2e-15)


def test_relu6_is_critical(plain):
    m = mean_field(*plain("relu6"))
    assert 1e-9 < m.chi_1 - 1 < 2e-9
    assert (m.phase, m.c_star, m.xi_c) == ("critical", 1.0, math.inf)


def test_one_account_alone_gives_the_wrong_verdict_on_the_sigmoid(plain):
    m = mean_field(*plain("sigmoid"))
    assert_allclose(m.constant_part, 0.852, atol=5e-4)
    assert_allclose((m.chi_1, m.xi_c), (0.153, 0.53), atol=3e-3)
    assert_allclose(m.chi_1_centred, 1.034, atol=5e-4)
    assert (m.phase, m.phase_centred) == ("ordered", "chaotic")
    assert_allclose(mean_field(*plain("relu")).constant_part, 0.318, atol=5e-4)


def test_the_centred_slope_is_at_least_one_for_every_activation():
    """The Gaussian Poincaré inequality: Var φ ≤ q·E[φ'²], with equality where φ is affine."""
    for record in SHELF:
        f, df = (
            lambda x, r=record: r.f(x, *r.values),
            lambda x, r=record: r.df(x, *r.values),
        )
        m = mean_field(f, df, record.kinks)
        assert m.chi_1_centred >= 1 - 1e-12, record.name
        assert (m.phase_centred == "critical") == (record.name == "identity"), record.name
        assert 0 <= m.c_star <= 1
        assert m.gain > 0


def test_selu_holds_mean_zero_and_variance_one(plain):
    m = mean_field(*plain("selu"), sigma_w=1.0)
    assert_allclose((m.mean, m.variance), (0.0, 1.0), atol=2e-15)
    assert_allclose(m.q, 1.0, rtol=1e-12)
    assert 0 < m.chi_q < 1  # and it attracts


@pytest.mark.parametrize(("sigma_w", "phase"), [(0.9, "ordered"), (2.5, "chaotic")])
def test_tanh_with_biases(sigma_w, phase, plain):
    """Against the maps iterated by Gauss–Hermite, until nothing moves."""
    f, df, kinks = plain("tanh")
    m = mean_field(f, df, kinks, sigma_w=sigma_w, sigma_b=0.3)
    z, w = np.polynomial.hermite_e.hermegauss(200)
    w = w / math.sqrt(2 * math.pi)
    q, c = 1.0, 0.5
    for _ in range(4000):
        q = sigma_w**2 * w @ np.tanh(math.sqrt(q) * z) ** 2 + 0.09
    for _ in range(4000):
        other = c * z[:, None] + math.sqrt(max(0.0, 1 - c * c)) * z
        inner = np.tanh(math.sqrt(q) * other) @ w
        c = (sigma_w**2 * (w * np.tanh(math.sqrt(q) * z)) @ inner + 0.09) / q
    assert_allclose(m.xi_q, -1 / math.log(m.chi_q), rtol=1e-11)
    assert_allclose(m.xi_c, -1 / math.log(m.slope_at_c_star), rtol=1e-11)
    assert_allclose((m.q, m.c_star), (q, c), rtol=1e-6)  # all that 200 nodes give
    assert m.phase == phase


def test_slopes_are_the_derivatives_of_the_maps(plain):
    for name in ("gelu", "hard_tanh", "softplus"):
        f, df, kinks = plain(name)
        m = maps(f, df, kinks, q=0.7, sigma_w=1.3, sigma_b=0.2)
        h = 1e-5
        for c in (0.2, 0.8):
            two = correlation_map(m, [c - h, c + h]).uncentred
            assert_allclose(slope_of_map(m, c), (two[1] - two[0]) / (2 * h), rtol=1e-8)
        low, high = (maps(f, df, kinks, q=0.7 + s, sigma_w=1.3).q_out for s in (-h, h))
        assert_allclose(m.chi_q, (high - low) / (2 * h), rtol=1e-8)
        below = float(m.apart(1e-9)) / 1e-9
        assert_allclose(below, m.chi_1 * m.q / m.q_out, rtol=1e-4)


def test_maps_meet_a_wide_random_network(plain):
    """Q, C and the centred C of one layer of 4,000 units, within 5 standard errors."""
    rng = np.random.default_rng(3)
    n, sigma_w, sigma_b, c = 4_000, 1.4, 0.3, 0.6
    f, df, kinks = plain("softplus")
    m = maps(f, df, kinks, sigma_w=sigma_w, sigma_b=sigma_b)
    u = rng.standard_normal((2, n))
    u[1] = c * u[0] + math.sqrt(1 - c * c) * u[1]
    h = f(u)
    z = h @ rng.normal(0, sigma_w / math.sqrt(n), (n, n)) + rng.normal(0, sigma_b, n)
    q = (z**2).mean(axis=1)
    assert_allclose(q, m.q_out, rtol=5 * math.sqrt(2 / n) + 0.05)
    both = correlation_map(m, c)
    measured = (z[0] * z[1]).mean() / math.sqrt(q[0] * q[1])
    assert abs(measured - float(both.uncentred)) < 5 * (1 - float(both.uncentred)) / math.sqrt(n)
    assert abs(np.corrcoef(h)[0, 1] - float(both.centred)) < 5 / math.sqrt(n)


def test_lengths_that_die_or_explode_are_named(plain):
    dead = mean_field(*plain("tanh"), sigma_w=0.9)
    assert dead.q == 0.0
    assert_allclose(dead.chi_1, 0.81, rtol=1e-8)
    assert dead.phase == "ordered"
    wild = mean_field(*plain("relu"), sigma_w=2.0)
    assert wild.q == math.inf
    assert_allclose(wild.chi_1, 2.0, rtol=1e-12)
    assert wild.phase == "chaotic"
    assert wild.c_star == 1.0  # angles still close, as at any scale


def test_a_step_is_chaotic_without_end():
    m = mean_field(np.sign, lambda x: 0.0 * x, (0.0,), sigma_w=1.0)
    assert m.chi_1 == m.curvature == math.inf
    assert (m.phase, m.c_star) == ("chaotic", 0.0)
    assert_allclose(m.slope_at_c_star, 2 / math.pi, rtol=1e-12)  # C(c) = 2·asin(c)/π


def test_it_takes_under_20_ms_an_activation(plain):
    for name in ("gelu", "relu", "sigmoid"):
        function = plain(name)
        times = []
        for _ in range(8):
            start = time.process_time()  # of this process, whatever else runs
            mean_field(*function)
            times.append(time.process_time() - start)
        assert min(times) < 0.020, name


def test_what_cannot_be_is_refused(plain):
    with pytest.raises(BadParameter, match="sigma_w"):
        mean_field(*plain("tanh"), sigma_w=-1.0)
    with pytest.raises(BadParameter, match="sigma_b"):
        maps(*plain("tanh"), sigma_b=math.nan)
    with pytest.raises(BadParameter, match="leaves no variance"):
        mean_field(*plain("tanh"), sigma_b=1.5)
    with pytest.raises(InputError, match="no gain"):
        mean_field(lambda x: 0.0 * x, lambda x: 0.0 * x)
