import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import actscope
from actscope.activations import SHELF, activation
from actscope.errors import BadParameter, InputError
from actscope.maths.depth import predict
from actscope.maths.gaussian import mean
from actscope.maths.shaping import residual

X = np.concatenate([np.linspace(-30.0, 30.0, 601), [np.inf, -np.inf]])
SHAPED = ["tanh", "gelu", "softplus", "selu", "leaky_relu", "silu", "x*sigmoid(1.7*x)"]


def plain_of(a):
    return (lambda x: a.f(x, *a.values)), (lambda x: a.df(x, *a.values)), a.kinks


@pytest.mark.parametrize("name", SHAPED)
def test_a_shaped_activation_is_what_it_says(name):
    a = actscope.shape(name, depth=50)
    base = activation(name)
    if name == "leaky_relu":
        base = base.with_params(slope=a.settings["slope"])
    s = a.settings
    inner = s["input_scale"] * X + s["input_shift"]
    expected = s["output_scale"] * (base(inner) + s["output_shift"])
    assert_allclose(a(X), expected, rtol=1e-14)
    assert_allclose(a.slope_at(X), s["output_scale"] * s["input_scale"] * base.slope_at(inner))
    finite = X[np.isfinite(X)] + 0.01
    slope = (a(finite + 1e-5) - a(finite - 1e-5)) / 2e-5
    assert_allclose(a.slope_at(finite), slope, atol=1e-7)
    assert all(y in a.range or np.isinf(y) for y in a(finite))
    assert a.zero_centred
    f = plain_of(a)[0]
    assert abs(mean(f, a.kinks).value) < 1e-12
    assert a.monotonic == base.monotonic
    assert a(np.float32([0.5])).dtype == a.slope_at(np.float32([0.5])).dtype == np.float32
    assert np.isnan([a(np.nan), a.slope_at(np.nan)]).all()


@pytest.mark.parametrize("name", ["tanh", "silu", "leaky_relu"])
def test_its_formula_can_be_typed(name):
    a = actscope.shape(name, depth=20)
    finite = X[np.isfinite(X)]
    for text, expected in ((a.formula, a(finite)), (a.derivative, a.slope_at(finite))):
        settings = {name: value for name, value in a.settings.items() if name in text}
        assert_allclose(activation(text, **settings)(finite), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["tanh", "gelu", "leaky_relu"])
def test_its_pytorch_twin_agrees(name):
    import torch

    a = actscope.shape(name, depth=30)
    x = X[np.isfinite(X)]
    twin = a.torch(torch, torch.from_numpy(x), *a.values).numpy()
    assert_allclose(a(x), twin, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("method", ["dks", "tat"])
@pytest.mark.parametrize("name", ["tanh", "softplus", "sigmoid"])
def test_fifty_layers_keep_length_and_angle(name, method):
    """What shaping is for: unshaped, 50 layers leave two inputs equal or unrelated."""
    a = actscope.shape(name, depth=50, method=method)
    p = predict(*plain_of(a), depth=50, sigma_w=1.0, c=0.5)
    assert_allclose(p.q, 1.0, rtol=1e-6)
    assert abs(p.c[-1] - 0.5) < 0.15
    raw = activation(name)
    g = mean(lambda z: raw.f(z, *raw.values) ** 2, raw.kinks).value ** -0.5
    lost = predict(*plain_of(raw), depth=50, sigma_w=g, c=0.5)
    assert abs(lost.c[-1] - 0.5) > 0.4


def test_a_random_network_of_fifty_layers_keeps_its_geometry():
    rng = np.random.default_rng(4)
    a = actscope.shape("tanh", depth=50)
    n, c = 512, 0.5
    z = rng.standard_normal((2, n))
    z[1] = c * z[0] + np.sqrt(1 - c * c) * z[1]
    for _ in range(50):
        z = a(z) @ rng.normal(0, n**-0.5, (n, n))
    lengths = (z**2).mean(axis=1)
    assert_allclose(lengths, 1.0, atol=0.8)
    assert abs(z[0] @ z[1] / n / np.sqrt(lengths.prod()) - 0.5) < 0.35


def test_networks_and_targets_can_be_given():
    resnet = residual((3, 4, 23, 3), 0.6)
    a = actscope.shape("softplus", network=resnet, zeta=1.2)
    assert_allclose(a.values[1:], (0.18761008, 0.40688063, -0.92134662, 8.87867254), rtol=3e-8)
    leaky = actscope.shape("leaky_relu", network=resnet, method="tat", eta=0.75)
    assert_allclose(leaky.settings["slope"], 0.62918002903, rtol=2e-9)
    assert_allclose(leaky.settings["output_scale"], 1.19699654978, rtol=1e-9)
    assert not leaky.zero_centred


def test_parameters_of_the_base_stay_parameters():
    a = actscope.shape(activation("silu", beta=2.0), depth=10)
    assert next(iter(a.settings)) == "beta"
    assert a.key.startswith("shaped_silu(beta=2.0, input_scale=")
    other = a.with_params(output_scale=2.0 * a.settings["output_scale"])
    assert_allclose(other(X), 2.0 * a(X), rtol=1e-14)
    assert other.range.low == 2.0 * a.range.low
    with pytest.raises(BadParameter, match="beta"):
        a.with_params(beta=-1.0)


def test_the_same_base_gives_the_same_functions():
    """So that an engine that compiles f compiles it once for all depths."""
    one, other = actscope.shape("tanh", depth=10), actscope.shape("tanh", depth=50)
    assert one.f is other.f
    assert one.df is other.df
    assert one != other


def test_every_smooth_activation_of_the_shelf_can_be_shaped_or_says_why():
    refused = set()
    for record in SHELF:
        try:
            a = actscope.shape(record, depth=50)
        except InputError as error:
            assert "Q'(1) = 1" in str(error)
            refused.add(record.name)
        else:
            assert_array_equal(np.isfinite(a(np.linspace(-5, 5, 11))), True)
    assert {"relu", "identity", "abs"} <= refused
    assert not refused & {"tanh", "sigmoid", "softplus", "gelu", "silu", "mish", "elu", "softsign"}


def test_what_cannot_be_is_refused():
    for call in (
        lambda: actscope.shape("tanh"),
        lambda: actscope.shape("tanh", 5, network=residual((1,), 0.5)),
        lambda: actscope.shape("tanh", 0),
        lambda: actscope.shape("tanh", 2.5),
        lambda: actscope.shape("tanh", 5, method="best"),
    ):
        with pytest.raises(BadParameter):
            call()
    with pytest.raises(InputError, match=r"homogeneous.*take leaky_relu"):
        actscope.shape("relu", 50)
    with pytest.raises(InputError, match="whole vectors"):
        actscope.shape("softmax", 50)
