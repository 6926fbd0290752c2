import math

import mpmath
import numpy as np
import pytest
from numpy.testing import assert_allclose

from actscope.errors import BadParameter, InputError
from actscope.maths.edge import edge_at, edge_curve, edge_of_chaos
from actscope.maths.meanfield import maps

# The facts are double precision, and at small q the edge of a piecewise-linear function is flat
# beyond it: for hard tanh at 1e-12 mpmath gives q = 0.0230561323108917 (see below).
Q_IS_OFF = {("hard_tanh", "1e-12"): 5e-8}


def test_the_edge_is_the_facts(edge_fact, plain):
    name, fact = edge_fact
    function = plain(name)
    for sigma_b2, expected in fact.items():
        if not sigma_b2[0].isdigit():
            continue
        edge = edge_of_chaos(*function, sigma_b2=float(sigma_b2))
        assert len(edge.points) == len(expected), sigma_b2
        for ours, theirs in zip(edge.points, expected, strict=True):
            assert_allclose(ours.q, theirs["q"], rtol=Q_IS_OFF.get((name, sigma_b2), 1e-8))
            for key in ("sigma_w2", "sigma_w", "sigma_b2", "chi_q"):
                assert_allclose(getattr(ours, key), theirs[key], rtol=1e-8, err_msg=key)
    low, high = fact["sb2_range"]
    assert_allclose(edge.sigma_b2_range[1], high, rtol=1e-8)
    # the facts' lower ends are of a grid (sigmoid) and of rounding (below 1e-17)
    assert edge.sigma_b2_range[0] <= low + 1e-12 * abs(low) + 1e-17
    assert_allclose(edge.sigma_b2_range[0], low, rtol=1e-3, atol=1e-17)
    if "double_critical" in fact:
        known = fact["double_critical"]
        (point,) = edge.double_critical
        got = (point.q, point.sigma_w2, point.sigma_b2)
        assert_allclose(got, (known["K"], known["C_W"], known["C_b"]), rtol=1e-8)


def test_silus_double_critical_bias_is_not_a_tenth(plain):
    (point,) = edge_of_chaos(*plain("silu"), sigma_b2=0.05).double_critical
    assert_allclose(point.sigma_b2, 0.5551431707, rtol=1e-9)
    assert_allclose(point.chi_q, 1.0, rtol=1e-12)


def test_points_are_critical_fixed_points(edge_fact, plain):
    name, _ = edge_fact
    for point in edge_of_chaos(*plain(name), sigma_b2=0.07).points:
        m = maps(*plain(name), q=point.q, sigma_w=point.sigma_w, sigma_b=point.sigma_b)
        assert_allclose((m.chi_1, m.q_out), (1.0, point.q), rtol=1e-12)
        assert_allclose(m.chi_q, point.chi_q, rtol=1e-12)


def test_a_flat_edge_meets_mpmath(plain):
    with mpmath.workdps(30):

        def bias(q):
            a = 1 / mpmath.sqrt(q)
            outside = mpmath.erfc(a / mpmath.sqrt(2))
            inside = q * (1 - outside - 2 * a * mpmath.npdf(a))
            return q - (inside + outside) / (1 - outside)

        exact = mpmath.findroot(
            lambda q: bias(q) - mpmath.mpf("1e-12"), (0.02305, 0.02306), solver="anderson"
        )
    (point,) = edge_of_chaos(*plain("hard_tanh"), sigma_b2=1e-12).points
    assert_allclose(point.q, float(exact), rtol=1e-13)


def test_an_edge_that_rounds_to_flat_has_no_false_crossings(plain):
    edge = edge_of_chaos(*plain("hard_tanh"), sigma_b2=0.0)
    assert edge.double_critical == ()
    assert [p.q for p in edge.points] == [0.0]


def test_small_biases_keep_their_digits(plain):
    """σb² of tanh at small q is 4q³/3, twelve orders below q."""
    point = edge_at(*plain("tanh"), 1e-6)
    assert_allclose(point.sigma_b2, 4e-18 / 3, rtol=1e-5)


def test_where_there_is_no_edge_it_says_so(plain):
    softplus = edge_of_chaos(*plain("softplus"), sigma_b2=0.05)
    assert softplus.points == ()
    assert "negative bias variance" in softplus.note
    relu = edge_of_chaos(*plain("relu"), sigma_b2=0.05)
    assert relu.scale_free
    assert relu.points == ()
    assert "only with σb = 0" in relu.note
    silu = edge_of_chaos(*plain("silu"), sigma_b2=1e3)
    assert silu.points == ()
    assert "at most 3.38" in silu.note


def test_without_biases(plain):
    relu = edge_of_chaos(*plain("relu"), sigma_b2=0.0)
    assert [(p.sigma_w2, p.q) for p in relu.points] == [(pytest.approx(2.0, rel=1e-14), 1.0)]
    (leaky,) = edge_of_chaos(*plain("leaky_relu", slope=0.5), sigma_b2=0.0).points
    assert_allclose(leaky.sigma_w2, 2 / 1.25, rtol=1e-14)
    (tanh,) = edge_of_chaos(*plain("tanh"), sigma_b2=0.0).points
    assert (tanh.q, tanh.sigma_w) == (0.0, 1.0)  # the limit
    (selu,) = edge_of_chaos(*plain("selu"), sigma_b2=0.0).points
    slopes = 1.0507009873554805 * np.array([1.0, 1.6732632423543772])
    assert_allclose(selu.sigma_w2, 1 / np.mean(slopes**2), rtol=1e-14)
    (sigmoid,) = edge_of_chaos(*plain("sigmoid"), sigma_b2=0.0).points
    assert sigmoid.q > 45


def test_the_curve_is_the_edge(plain):
    curve = edge_curve(*plain("gelu"), q=[0.1, 1.0, 10.0])
    for point in curve:
        found = edge_of_chaos(*plain("gelu"), sigma_b2=point.sigma_b2).points
        assert any(math.isclose(p.q, point.q, rel_tol=1e-9) for p in found)
    bent = edge_at(*plain("softplus"), 1.0)
    assert bent.sigma_b2 < 0
    assert math.isnan(bent.sigma_b)


def test_what_cannot_be_is_refused(plain):
    with pytest.raises(BadParameter, match="sigma_b2"):
        edge_of_chaos(*plain("tanh"), sigma_b2=-0.1)
    with pytest.raises(InputError, match="φ jumps"):
        edge_at(np.sign, lambda x: 0.0 * x, (0.0,), 1.0)
    with pytest.raises(InputError, match="constant"):
        edge_at(lambda x: 0.0 * x + 1.0, lambda x: 0.0 * x, (), 1.0)
