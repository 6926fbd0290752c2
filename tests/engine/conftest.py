import json
from ctypes import c_int64, c_void_p
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import make_moons
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from actscope.engine import prepare, reference
from actscope.engine.api import train
from actscope.engine.compile import Library
from actscope.engine.emit import Code
from actscope.engine.lanes import LaneType
from actscope.engine.spec import Data, Weights
from actscope.engine.workspace import aligned

RECORDED = (
    "loss",
    "train_loss",
    "train_accuracy",
    "test_loss",
    "test_accuracy",
    "gradient_norm",
    "activation_mean",
    "activation_std",
    "diverged_at",
)


@pytest.fixture(scope="session")
def facts():
    return json.loads((Path(__file__).parents[1] / "facts" / "article.json").read_text())


@pytest.fixture(scope="session")
def moons():
    """The article's 300 training and 100 test points, as the article makes them."""
    x, y = make_moons(n_samples=400, noise=0.18, random_state=42)
    x = StandardScaler().fit_transform(x)
    x, x_test, y, y_test = train_test_split(x, y, test_size=0.25, random_state=42)
    return Data(x, y[:, None].astype(float), x_test, y_test[:, None].astype(float))


@pytest.fixture(scope="session")
def article_start():
    """The article's first weights and orders: one legacy generator draws both, in this order."""

    def make(gain, epochs=800):
        rng = np.random.RandomState(42)
        W = [rng.randn(i, o) * np.sqrt(gain / i) for i, o in ((2, 8), (8, 8), (8, 1))]
        orders = np.array([rng.permutation(300) for _ in range(epochs)])
        return Weights(tuple(W), (np.zeros(8), np.zeros(8), np.zeros(1))), orders

    return make


@pytest.fixture(scope="session")
def random_case():
    """make(net, loss, points, seed) -> weights, x, y."""

    def make(net, loss, points, seed):
        """Weights and a batch that suit the net; biases are not 0, so that no kink is met."""
        rng = np.random.default_rng(seed)
        pairs = list(zip(net.sizes, net.sizes[1:], strict=False))
        hidden = net.hidden if net.norm else ()
        weights = Weights(
            tuple(rng.normal(size=p) / np.sqrt(p[0]) for p in pairs),
            tuple(rng.normal(size=o) for _, o in pairs),
            tuple(rng.normal(1.0, 0.3, h) for h in hidden),
            tuple(rng.normal(size=h) for h in hidden),
        )
        x = rng.normal(size=(points, net.inputs))
        if loss == "cross_entropy":
            return weights, x, rng.integers(0, net.outputs, points)
        if loss == "bce":
            return weights, x, rng.integers(0, 2, (points, net.outputs)).astype(float)
        return weights, x, rng.normal(size=(points, net.outputs))

    return make


@pytest.fixture(scope="session")
def orders_of():
    """make(epochs, points, seed, networks=None) -> explicit orders."""

    def make(epochs, points, seed, networks=None):
        shape = (epochs, points) if networks is None else (networks, epochs, points)
        straight = np.broadcast_to(np.arange(points), shape)
        return np.random.default_rng(seed).permuted(straight, axis=-1)

    return make


@pytest.fixture(scope="session")
def meets(random_case, orders_of):
    """check(net, training, …): the engine's network is the oracle's, in everything recorded."""

    def check(net, training, points=23, seed=0, rtol=1e-9, atol=1e-11, **options):
        weights, x, y = random_case(net, training.loss, points, seed)
        data = Data(x, y, *random_case(net, training.loss, 7, seed + 1)[1:])
        orders = orders_of(training.epochs, points, seed)
        plan = {"loss_every": 2, "trace_every": 2, "snapshots": (0, 1)}
        found = train(net, data, training, weights=weights, orders=orders, **plan, **options)
        schedule = prepare.schedule(training.epochs, **plan)
        expected = reference.run(net, training, data, weights, orders, schedule)
        close = {"rtol": rtol, "atol": atol}
        for name in RECORDED:
            np.testing.assert_allclose(
                getattr(found, name), getattr(expected, name), err_msg=name, **close
            )
        pairs = [(found.weights(0), expected.weights)]
        pairs += [(found.weights(0, e), expected.snapshots[e]) for e in (0, 1)]
        for mine, its in pairs:
            for a, b in zip(mine.arrays(), its.network(0).arrays(), strict=True):
                np.testing.assert_allclose(a, b, **close)
        return found

    return check


@pytest.fixture(scope="session")
def on_lanes():
    """run(f, x, count=16): f, a function of a Lane, applied to an array on `count` lanes."""

    def run(f, x, count=16):
        lanes = LaneType(x.dtype.name, count)
        code = Code("elementwise")
        with code.function("run", "ppi") as (source, target, n):
            source, target = source.to(lanes), target.to(lanes)
            with code.loop(n) as i:
                target[i] = f(source[i])
        vectors = -(-len(x) // count)
        given, found = (aligned((vectors * count,), x.dtype) for _ in range(2))
        given[: len(x)] = x
        library = Library(str(code))
        function = library.function("run", c_void_p, c_void_p, c_int64)
        function(given.ctypes.data, found.ctypes.data, vectors)
        return found[: len(x)].copy()

    return run


@pytest.fixture(autouse=True, scope="session")
def kernels_folder(tmp_path_factory):
    """Compiled code of the tests is kept in a folder of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ACTSCOPE_CACHE", str(tmp_path_factory.mktemp("kernels")))
        yield
