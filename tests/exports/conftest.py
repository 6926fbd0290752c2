"""What the tests of exports share: activations with all kinds of parameters, and small networks."""

import numpy as np
import pytest

from actscope.activations import SHELF, activation, shape
from actscope.engine import reference
from actscope.engine.spec import Weights

TYPED = (
    "x*sigmoid(1.7*x)",
    "x*tanh(log1p(exp(x)))",
    "log(1 + exp(x))",
    "where(x > 0, x, where(x <= -1, -0.5, 0.5*x))",
    "max(x, 0.1*x, min(x, 0.3))",
    "x*ndtr(x) + 0.1*npdf(x)",
    "log(ndtr(x))",
    "sinh(x)*sech(x)**2 + cosh(x)/10",
    "abs(x)**1.3*sign(x)",
    "expm1(min(x, 2)) + cos(3*x)",
    "(exp(2*x) - 1)/(exp(2*x) + 1)",
    "where(x != 0, sin(x)/x, 1)",
    "2**x/(1 + 2**x)",
    "gelu(x) - 0.5*erf(x)*square(x)",
    "3",
)


def every_activation():
    """The catalogue, each parameter away from its default too; typed and shaped ones."""
    found = [*SHELF, *(activation(text) for text in TYPED)]
    found += [shape("tanh", depth=20), shape("gelu", depth=8, method="tat")]
    found += [shape("x*sigmoid(2*x)", depth=12)]
    for record in SHELF:
        for p in record.params:
            low, high = max(p.allowed.low, -8.0), min(p.allowed.high, 8.0)
            settings = {p.name: float(np.float32(low + 0.37 * (high - low)))}
            if record.rule is None or record.rule.holds(*{**record.settings, **settings}.values()):
                found.append(record.with_params(**settings))
    return found


def pytest_generate_tests(metafunc):
    if "phi" in metafunc.fixturenames:
        metafunc.parametrize("phi", every_activation(), ids=lambda a: a.key[:40])


@pytest.fixture(scope="session")
def random_weights():
    """Weights of unit gain, with biases, and gamma and beta off their defaults."""

    def draw(net, seed=0):
        rng = np.random.default_rng(seed)
        pairs = zip(net.sizes, net.sizes[1:], strict=False)
        W = tuple(rng.standard_normal(p) / np.sqrt(p[0]) for p in pairs)
        b = tuple(0.3 * rng.standard_normal(o) for o in net.sizes[1:])
        hidden = net.hidden if net.norm else ()
        gamma = tuple(1.0 + 0.2 * rng.standard_normal(h) for h in hidden)
        return Weights(W, b, gamma, tuple(0.2 * rng.standard_normal(h) for h in hidden))

    return draw


@pytest.fixture(scope="session")
def logits():
    """The oracle: plain NumPy in float64."""

    def forward(net, weights, x):
        with np.errstate(all="ignore"):
            return reference.forward(net, weights, np.asarray(x, dtype=np.float64))[1]

    return forward


@pytest.fixture(scope="session")
def close():
    """Equal to a share of the largest number expected."""

    def check(found, expected, tolerance):
        scale = np.abs(expected).max()
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * scale)

    return check
