"""What every init of the shelf promises, and the statistics of each."""

import itertools

import numpy as np
import pytest

from actscope.activations import activation
from actscope.errors import InputError, UnknownName
from actscope.inits import SHELF, init

SIZES = (3, 40, 60, 60, 2)
POINTS = np.random.default_rng(99).standard_normal((50, 3))


def phis(name="sigmoid", count=3):
    return (activation(name),) * count


def draw(name, phi="sigmoid", sizes=SIZES, seed=0, data=POINTS):
    return init(name).draw(sizes, phis(phi, len(sizes) - 2), np.random.default_rng(seed), data)


@pytest.mark.parametrize("name", SHELF.names())
def test_shapes_types_and_seeds(name):
    record = SHELF.get(name)
    assert record.name == name and record.label and record.summary and record.source
    W, b = draw(name)
    assert [w.shape for w in W] == [(3, 40), (40, 60), (60, 60), (60, 2)]
    assert [v.shape for v in b] == [(40,), (60,), (60,), (2,)]
    assert all(a.dtype == np.float64 and np.isfinite(a).all() for a in (*W, *b))
    again, _ = draw(name)
    other, _ = draw(name, seed=1)
    for w, same, new in zip(W, again, other, strict=True):
        np.testing.assert_array_equal(w, same)
        assert not np.array_equal(w, new)


@pytest.mark.parametrize("name", SHELF.names())
def test_no_hidden_layer_and_layers_of_one_unit(name):
    W, b = draw(name, sizes=(3, 2))
    assert W[0].shape == (3, 2) and b[0].shape == (2,)
    W, _ = draw(name, sizes=(3, 1, 1, 1))
    assert [w.shape for w in W] == [(3, 1), (1, 1), (1, 1)]


@pytest.mark.parametrize("name", SHELF.names())
@pytest.mark.parametrize(
    ("sizes", "count"), [((3,), 0), ((3, 0, 1), 1), ((3, 4.5, 1), 1), ((3, 4, 1), 2), ((), 0)]
)
def test_bad_sizes_are_refused(name, sizes, count):
    with pytest.raises(InputError, match=f"init '{name}'"):
        init(name).draw(sizes, phis(count=count), np.random.default_rng(0), POINTS)


def test_unknown_init_names_the_nearest():
    with pytest.raises(UnknownName, match="did you mean 'lecun'"):
        init("lecunn")


# std·√fan_in of each of the four layers under (relu, sigmoid, tanh)
FACTORS = {
    "article": [2**0.5, 1.0, 1.0, 1.0],
    "he": [2**0.5] * 4,
    "lecun": [1.0] * 4,
    "xavier": [(2 * i / (i + o)) ** 0.5 for i, o in itertools.pairwise(SIZES)],
    "gain": [1.0, 2**0.5, 1.8461858, 1.5925374],
    "orthogonal": [1.0, 2**0.5, 1.8461858, 1.5925374],
}


@pytest.mark.parametrize("name", FACTORS)
def test_mean_and_spread_over_many_draws(name):
    mixed = tuple(activation(n) for n in ("relu", "sigmoid", "tanh"))
    draws = [init(name).draw(SIZES, mixed, np.random.default_rng(s)) for s in range(200)]
    for layer, factor in enumerate(FACTORS[name]):
        weights = np.array([W[layer] for W, _ in draws])
        std = factor / SIZES[layer] ** 0.5
        count = weights.size
        assert abs(weights.mean()) < 5 * std / count**0.5
        assert weights.std() == pytest.approx(std, rel=5 / count**0.5 + 1e-6)
        assert not np.any([b[layer] for _, b in draws])


def test_the_article_s_init_is_he_for_the_relu_family_and_its_xavier_for_the_rest():
    from actscope.inits.article import one_sided

    family = ("relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "softplus", "relu6")
    rest = ("sigmoid", "tanh", "softsign", "hard_tanh", "hard_sigmoid", "sin", "identity")
    assert all(one_sided(activation(name)) for name in family)
    assert not any(one_sided(activation(name)) for name in rest)


def test_the_article_s_init_meets_the_article_s_own_draws():
    """The same stream of normal numbers gives the article's matrices."""

    class Legacy:  # np.random.randn behind the generator's method
        def __init__(self):
            self.state = np.random.RandomState(42)

        def standard_normal(self, shape):
            return self.state.randn(*shape)

    for name, top in (("relu", 2.0), ("sigmoid", 1.0)):
        W, _ = init("article").draw((2, 8, 8, 1), phis(name, 2), Legacy())
        state = np.random.RandomState(42)
        for w, shape in zip(W, [(2, 8), (8, 8), (8, 1)], strict=True):
            np.testing.assert_allclose(w, state.randn(*shape) * np.sqrt(top / shape[0]), rtol=1e-15)


@pytest.mark.parametrize("shape", [(5, 5), (9, 4), (4, 9)])
def test_orthogonal_matrices_are_orthonormal_and_uniform(shape):
    from actscope.inits.orthogonal import rotation

    rng = np.random.default_rng(0)
    w = rotation(*shape, rng)
    small = min(shape)
    product = w.T @ w if shape[0] >= shape[1] else w @ w.T
    np.testing.assert_allclose(product, max(1, shape[1] / shape[0]) * np.eye(small), atol=1e-13)
    # without the sign of R's diagonal, the first entries would be mostly of one sign
    firsts = np.array([rotation(3, 3, rng)[0, 0] for _ in range(2000)])
    assert abs(firsts.mean()) < 5 * 3**-0.5 / 2000**0.5


def test_gain_refuses_an_activation_without_length():
    with pytest.raises(InputError, match="choose the init"):
        init("gain").draw((2, 4, 1), [activation("0*x")], np.random.default_rng(0))


def test_lsuv_gives_every_layer_unit_variance_on_the_data():
    x = 7.0 + 3.0 * np.random.default_rng(1).standard_normal((200, 3))
    W, b = draw("lsuv", "gelu", data=x)
    h = x
    for layer, (w, v) in enumerate(zip(W, b, strict=True)):
        z = h @ w + v
        assert z.std() == pytest.approx(1.0, rel=1e-12)
        h = activation("gelu")(z) if layer < 3 else z


def test_lsuv_says_what_it_needs():
    with pytest.raises(InputError, match="pass data"):
        draw("lsuv", data=None)
    with pytest.raises(InputError, match=r"expected \(n, 3\)"):
        draw("lsuv", data=np.zeros((4, 5)))
    with pytest.raises(InputError, match="NaN"):
        draw("lsuv", data=np.full((4, 3), np.nan))
    with pytest.raises(InputError, match="does not vary"):
        draw("lsuv", data=np.ones((4, 3)))
