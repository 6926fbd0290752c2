import dataclasses

import numpy as np
import pytest

from actscope.engine.spec import Net
from actscope.engine.starts import draw
from actscope.errors import InputError
from actscope.inits import SHELF, init

X = np.random.default_rng(0).normal(size=(50, 3))
SEEDS = np.array([5, 0, 2**63 - 1], dtype=np.uint64)


@pytest.mark.parametrize("rule", list(SHELF), ids=lambda r: r.name)
def test_a_network_depends_on_its_own_seed_alone(rule):
    net = Net(3, (4, 4), 2, "sigmoid", norm=True)
    many = draw(net, rule, SEEDS, X)
    for i in range(3):
        alone = draw(net, rule, SEEDS[i : i + 1], X)
        for a, b in zip(many.arrays(), alone.arrays(), strict=True):
            np.testing.assert_array_equal(a[i], b[0])
    assert not np.array_equal(many.W[0][0], many.W[0][1])
    assert [a.shape for a in many.W] == [(3, 3, 4), (3, 4, 4), (3, 4, 2)]
    np.testing.assert_array_equal(many.gamma[1], np.ones((3, 4)))
    np.testing.assert_array_equal(many.beta[0], np.zeros((3, 4)))


def test_neighbouring_seeds_share_nothing():
    """Over 2,000 seeds in a row the first weights look like independent normal numbers."""
    many = draw(Net(2, (8,)), init("lecun"), np.arange(2000, dtype=np.uint64), X)
    z = many.W[0].reshape(2000, -1) * np.sqrt(2)
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=4.5 / np.sqrt(2000))
    assert abs(np.corrcoef(z[:-1, 0], z[1:, 0])[0, 1]) < 4.5 / np.sqrt(2000)
    assert abs(np.corrcoef(z[:, 0], z[:, 1])[0, 1]) < 4.5 / np.sqrt(2000)


def test_without_norm_there_is_no_gamma():
    assert draw(Net(2), init("article"), SEEDS, X).gamma == ()


def test_an_init_that_draws_other_shapes_is_named():
    def wide(sizes, activations, rng, data):
        return [np.ones((1, n)) for n in sizes[1:]], [np.zeros(n) for n in sizes[1:]]

    odd = dataclasses.replace(init("he"), name="odd", rule=wide)
    with pytest.raises(InputError, match=r"'odd' drew an array of shape \(1, 8\)"):
        draw(Net(2), odd, SEEDS, X)
