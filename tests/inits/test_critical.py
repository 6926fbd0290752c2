"""The critical init holds lengths and angles as theory says; its tanh twin is exact."""

import numpy as np
import pytest

from actscope.activations import activation
from actscope.errors import InputError
from actscope.inits import init
from actscope.inits.critical import edge
from actscope.inits.tanh_equivalent import carried
from actscope.maths.depth import predict

DEPTH, WIDTH = 30, 500


def forward(x, W, b, phi):
    layers = []
    for w, v in zip(W, b, strict=True):
        z = x @ w + v
        layers.append(z)
        x = phi(z)
    return layers


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu", "gelu", "selu"])
def test_lengths_and_angles_through_thirty_layers_follow_theory(name):
    phi = activation(name)
    rng = np.random.default_rng(3)
    sizes = (WIDTH,) * (DEPTH + 1) + (1,)
    lengths, cosines = [], []
    for _ in range(4):
        # four inputs of exact length √n, each pair at cosine 1/2
        basis = np.linalg.qr(rng.standard_normal((WIDTH, 5)))[0].T * WIDTH**0.5
        x = (basis[:1] + basis[1:]) / 2**0.5
        z = np.array(forward(x, *init("critical").draw(sizes, (phi,) * DEPTH, rng), phi)[:-1])
        gram = z @ z.swapaxes(1, 2) / WIDTH  # (layers, 4, 4)
        square = np.einsum("lii->li", gram)
        lengths.append(square.mean(axis=1))
        pairs = gram / np.sqrt(square[:, :, None] * square[:, None, :])
        cosines.append(pairs[:, *np.triu_indices(4, 1)].mean(axis=1))
    point = edge(phi)
    theory = predict(
        lambda u: phi(u) - point.mean,
        phi.slope_at,
        phi.kinks,
        depth=DEPTH - 1,
        sigma_w=point.sigma_w2**0.5,
        sigma_b=point.sigma_b2**0.5,
        q=1.0,
        c=0.5,
    )
    np.testing.assert_allclose(theory.q, 1.0, atol=1e-9)  # held, by theory, at every layer
    np.testing.assert_allclose(theory.chi, 1.0, atol=1e-9)
    np.testing.assert_allclose(np.mean(lengths, axis=0), theory.q, atol=0.15)
    np.testing.assert_allclose(np.mean(cosines, axis=0), theory.c, atol=0.06)
    assert theory.c[-1] < 0.99  # and the angles are not lost


def test_without_centring_the_angles_of_a_sigmoid_network_are_lost():
    """What the init is for: the same depth under the article's init."""
    phi = activation("sigmoid")
    rng = np.random.default_rng(4)
    sizes = (WIDTH,) * (DEPTH + 1) + (1,)
    x = rng.standard_normal((2, WIDTH))
    last = forward(x, *init("article").draw(sizes, (phi,) * DEPTH, rng), phi)[-2]
    assert 1.0 - np.corrcoef(last)[0, 1] < 1e-10


@pytest.mark.parametrize("name", ["sigmoid", "relu", "silu", "softplus"])
def test_the_output_shift_in_the_biases_is_the_network_of_the_centred_activation(name):
    phi = activation(name)
    m = edge(phi).mean
    rng = np.random.default_rng(5)
    W, b = init("critical").draw((6, 9, 7, 3), (phi, phi), rng)
    x = rng.standard_normal((20, 6))
    whole = forward(x, W, b, phi)[-1]
    plain = [v + m * w.sum(axis=0) for w, v in zip(W[1:], b[1:], strict=True)]
    centred = forward(x, W, [b[0], *plain], lambda z: phi(z) - m)[-1]
    np.testing.assert_allclose(whole, centred, atol=1e-12)


def test_critical_weights_have_the_variances_of_the_edge():
    phi = activation("tanh")
    point = edge(phi)
    assert point.mean == pytest.approx(0.0, abs=1e-15)
    W, b = init("critical").draw((400, 400, 400, 1), (phi, phi), np.random.default_rng(6))
    assert W[0].var() * 400 == pytest.approx(1.0, rel=0.02)
    assert W[1].var() * 400 == pytest.approx(point.sigma_w2, rel=0.02)
    assert b[1].var() == pytest.approx(point.sigma_b2, rel=0.3)
    assert not b[0].any() and not b[2].any()


@pytest.mark.parametrize("name", ["hardshrink", "0*x + 1"])
def test_critical_refuses_what_has_no_edge(name):
    with pytest.raises(InputError, match="does not apply to"):
        init("critical").draw((2, 4, 1), [activation(name)], np.random.default_rng(0))


@pytest.mark.parametrize("sizes", [(2, 5, 1), (3, 16, 16, 16, 16, 16, 16, 16, 16, 4), (2, 3)])
def test_the_carried_network_computes_the_same_function(sizes):
    depth = len(sizes) - 2
    W, b = init("critical").draw(sizes, (activation("tanh"),) * depth, np.random.default_rng(7))
    b = [v + 0.3 for v in b]  # with biases everywhere
    x = np.random.default_rng(8).standard_normal((50, sizes[0]))
    tanh = forward(x, W, b, np.tanh)[-1]
    sigmoid = forward(x, *carried(W, b), activation("sigmoid"))[-1]
    np.testing.assert_allclose(sigmoid, tanh, rtol=1e-12, atol=1e-12)


def test_tanh_equivalent_is_the_critical_tanh_network_of_the_same_seed():
    sizes, x = (2, 16, 16, 1), np.random.default_rng(9).standard_normal((30, 2))
    tanh, sigmoid = activation("tanh"), activation("sigmoid")
    critical = init("critical").draw(sizes, (tanh, tanh), np.random.default_rng(10))
    equal = init("tanh_equivalent").draw(sizes, (sigmoid, sigmoid), np.random.default_rng(10))
    np.testing.assert_allclose(
        forward(x, *equal, sigmoid)[-1], forward(x, *critical, tanh)[-1], rtol=1e-12, atol=1e-12
    )


def test_tanh_equivalent_names_the_layer_and_the_way_out():
    phis = [activation("sigmoid"), activation("relu")]
    with pytest.raises(InputError, match=r"layer 2 has 'relu': choose 'critical'"):
        init("tanh_equivalent").draw((2, 4, 4, 1), phis, np.random.default_rng(0))
