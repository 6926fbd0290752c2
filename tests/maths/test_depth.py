import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from actscope.errors import BadParameter
from actscope.maths.depth import predict
from actscope.maths.meanfield import mean_field


def test_relu_angles_follow_the_arc_cosine_kernel(plain):
    p = predict(*plain("relu"), depth=20, sigma_w=math.sqrt(2.0), c=-0.4)
    c = -0.4
    for layer in range(1, 21):
        t = math.acos(c)
        c = (math.sin(t) + (math.pi - t) * math.cos(t)) / math.pi
        assert_allclose(p.c[layer], c, rtol=1e-11)
        assert_allclose(p.angle[layer], math.acos(c), rtol=1e-9)
    assert_allclose(p.q, 1.0, rtol=1e-13)
    assert_allclose(p.chi, 1.0, rtol=1e-13)


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "gelu"])
def test_a_wide_random_network_does_as_predicted(name, plain):
    """8 networks of width 800 and depth 4: length and cosine within 5 standard errors."""
    rng = np.random.default_rng(11)
    f, df, kinks = plain(name)
    n, c, depth, sigma_w, sigma_b = 800, 0.3, 4, 1.5, 0.2
    p = predict(f, df, kinks, depth=depth, sigma_w=sigma_w, sigma_b=sigma_b, c=c)
    lengths, cosines = [], []
    for _ in range(8):
        z = rng.standard_normal((2, n))
        z[1] = c * z[0] + math.sqrt(1 - c * c) * z[1]
        for _ in range(depth):
            z = f(z) @ rng.normal(0, sigma_w / math.sqrt(n), (n, n)) + rng.normal(0, sigma_b, n)
        lengths.append((z**2).mean())
        cosines.append(z[0] @ z[1] / np.linalg.norm(z[0]) / np.linalg.norm(z[1]))
    for drawn, predicted in ((lengths, p.q[-1]), (cosines, p.c[-1])):
        error = np.std(drawn, ddof=1) / math.sqrt(8)
        assert abs(np.mean(drawn) - predicted) < 5 * error + 2 / n


def test_correlations_settle_at_the_predicted_pace(plain):
    """Far down, |c − c*| falls by e every ξc layers; 1 − c keeps its digits below 1e-16."""
    m = mean_field(*plain("sigmoid"), sigma_w=1.5)
    p = predict(*plain("sigmoid"), depth=60, sigma_w=1.5, q=m.q)
    assert_allclose(p.c[-1], 1.0)
    pace = np.log(p.apart[50] / p.apart[51])
    assert_allclose(1 / pace, m.xi_c, rtol=1e-9)
    assert 0 < p.apart[-1] < 1e-40
    assert p.angle[-1] > 0
    t = mean_field(*plain("gelu"))
    p = predict(*plain("gelu"), depth=3, sigma_w=t.sigma_w, c=t.c_star - 1e-4)
    steps = p.c - t.c_star
    assert_allclose(-1 / np.log(steps[3] / steps[2]), t.xi_c, rtol=1e-3)


def test_centred_and_uncentred_differ_where_the_mean_does(plain):
    even = predict(*plain("tanh"), depth=5, sigma_w=1.5)
    assert_allclose(even.c[1:], even.c_centred[1:], atol=1e-12)
    shifted = predict(*plain("sigmoid"), depth=5, sigma_w=1.846)
    assert shifted.c[2] > 0.98
    assert shifted.c_recentred[2] < 0.5


def test_lengths_that_leave_the_scale_become_limits(plain):
    assert predict(*plain("relu"), depth=120, sigma_w=1.0).q[-1] == 0.0
    wild = predict(*plain("relu"), depth=60, sigma_w=2.5)
    assert wild.q[-1] == math.inf
    assert_allclose(wild.chi[-1], 3.125, rtol=1e-12)


def test_what_cannot_be_is_refused(plain):
    with pytest.raises(BadParameter, match="depth"):
        predict(*plain("relu"), depth=0, sigma_w=1.0)
    with pytest.raises(BadParameter, match="correlation"):
        predict(*plain("relu"), depth=1, sigma_w=1.0, c=1.5)
