"""Products of slopes, and gradients of networks too deep for floats, against slow twins."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actscope.activations import activation
from actscope.assessment.deep_gradients import deep_gradients
from actscope.assessment.slopes import slope_product, slope_product_of_normal
from actscope.datasets import dataset
from actscope.engine import Net
from actscope.engine.starts import draw
from actscope.engine.walk import forward, gradient_norms, logits, loss_slope
from actscope.errors import ActscopeError
from actscope.inits import init


@given(x=st.floats(-5, 5), depth=st.integers(1, 60))
def test_the_product_is_that_of_the_slopes(x, depth):
    phi = activation("gelu")
    product = slope_product(phi, depth, x)
    slopes = np.full(depth, abs(float(phi.slope_at(x))))
    np.testing.assert_allclose(product.value, np.prod(slopes), rtol=1e-9)
    with np.errstate(divide="ignore"):
        expected = np.concatenate([[0.0], np.cumsum(np.log10(slopes))])
    np.testing.assert_allclose(product.log10, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "x", "side", "value"),
    [
        ("sigmoid", 0.0, "used", 0.25**10),
        ("tanh", 0.0, "used", 1.0),
        ("relu", 0.0, "right", 1.0),
        ("relu", 0.0, "left", 0.0),
        ("relu", -1.0, "used", 0.0),
    ],
)
def test_known_products_over_ten_layers(name, x, side, value):
    assert slope_product(activation(name), 10, x, side).value == value


def test_six_hundred_layers_do_not_underflow_and_an_exact_zero_is_told_apart():
    deep = slope_product(activation("sigmoid"), 600, 0.0)
    assert deep.value == 0.0
    np.testing.assert_allclose(deep.log10[-1], 600 * math.log10(0.25), rtol=1e-14)
    none = slope_product(activation("relu"), 600, -1.0)
    assert none.log10[-1] == -math.inf
    assert (deep.zero_share, none.zero_share) == (0.0, 1.0)


@pytest.mark.parametrize("name", ["relu", "sigmoid", "tanh", "hard_tanh", "silu"])
def test_random_inputs_against_a_draw(name):
    phi, depth, mean, std = activation(name), 3, 0.3, 1.2
    x = np.random.default_rng(0).normal(mean, std, (400_000, depth))
    paths = phi.slope_at(x).prod(axis=1)
    product = slope_product_of_normal(phi, depth, mean, std)
    np.testing.assert_allclose(product.value, np.sqrt(np.mean(paths**2)), rtol=0.01)
    np.testing.assert_allclose(product.zero_share, np.mean(paths == 0.0), atol=0.003)


@pytest.mark.parametrize("bad", [{"depth": 0}, {"depth": 2.0}, {"x": math.nan}, {"side": "up"}])
def test_what_cannot_be_is_refused(bad):
    with pytest.raises(ActscopeError):
        slope_product(activation("relu"), **{"depth": 1, "x": 0.0, **bad})


@pytest.mark.parametrize("rule", ["article", "critical", "orthogonal"])
@pytest.mark.parametrize("name", ["sigmoid", "relu"])
def test_gradients_are_those_of_the_plain_walk(name, rule):
    seeds, points = np.arange(2, dtype=np.uint64), 64
    x, y = dataset("moons").draw(points, np.random.default_rng(0))
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    net = Net(2, (16,) * 12, activations=name)
    weights = draw(net, init(rule), seeds, x)
    steps = forward(net, weights, x)
    slope = loss_slope("bce", logits(weights, steps[-1].h), y)
    expected = np.log10(gradient_norms(net, weights, x, steps, slope))
    found = deep_gradients(activation(name), rule, depth=12, seeds=[0, 1])
    np.testing.assert_allclose(found, expected, atol=1e-9)


@pytest.mark.skipif(np.finfo(np.longdouble).minexp > -2000, reason="long doubles are doubles here")
def test_six_hundred_layers_against_long_doubles():
    depth, phi = 600, activation("sigmoid")
    found = deep_gradients(phi, "article", depth=depth, width=4, seeds=[3], points=8)[0]
    x, y = dataset("moons").draw(8, np.random.default_rng(0))
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    from actscope.engine.starts import generator

    W, b = init("article").draw((2, *[4] * depth, 1), [phi] * depth, generator(3), x)
    hs, slopes = [x], []
    for w, bias in zip(W[:-1], b[:-1], strict=True):
        z = hs[-1] @ w + bias
        hs.append(phi(z))
        slopes.append(phi.slope_at(z))
    d = loss_slope("bce", (hs[-1] @ W[-1] + b[-1])[None], y)[0].astype(np.longdouble)
    norms = []
    for layer in reversed(range(depth + 1)):
        d = d * slopes[layer] if layer < depth else d
        norms.append(np.log10(np.sqrt(((hs[layer].T @ d) ** 2).sum())))
        d = d @ W[layer].T
    np.testing.assert_allclose(found, np.array(norms[::-1], dtype=float), atol=1e-9)
    assert found[0] < -340


def test_a_dead_network_has_an_exact_zero_and_an_exploding_one_no_number():
    zero = activation("where(x < 100, 0, x)")
    assert deep_gradients(zero, "he", depth=3)[0, 0] == -np.inf
    wild = activation("x**5*100")
    assert np.isnan(deep_gradients(wild, "lecun", depth=40)[0, 0])


def test_a_network_too_large_to_keep_is_refused():
    with pytest.raises(ActscopeError, match="fewer units"):
        deep_gradients(activation("relu"), depth=10_000, width=64)
