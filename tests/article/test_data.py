"""The data are scikit-learn's, bit for bit, drawn without importing it."""

import math

import numpy as np
import pytest

from actscope.article.data import FAR_FROM, draw_data
from actscope.article.setup import Setup
from actscope.errors import BadSpec

SETUPS = [
    Setup(),
    Setup(data_seed=7, split_seed=3, noise=0.3),
    Setup(points=101, test_share=0.33, noise=0.0),
]


@pytest.mark.parametrize("setup", SETUPS)
def test_scikit_learn_gives_the_same(setup):
    from sklearn.datasets import make_moons
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import StandardScaler

    x, y = make_moons(n_samples=setup.points, noise=setup.noise, random_state=setup.data_seed)
    x = StandardScaler().fit_transform(x)
    parts = train_test_split(x, y, test_size=setup.test_share, random_state=setup.split_seed)
    data = draw_data(setup)
    ours = (data.x_train, data.x_test, data.y_train, data.y_test)
    for mine, theirs in zip(ours, parts, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-15)
    np.testing.assert_array_equal(data.y, y)
    if setup == Setup():
        np.testing.assert_array_equal(data.x, x)


@pytest.mark.parametrize("label", [0, 1])
def test_far_point_is_the_farthest(label):
    data = draw_data(Setup())
    far = data.far_point(label)
    of_class = data.x_train[data.y_train == label]
    assert (of_class == far).all(axis=1).any()
    distances = np.hypot(*(of_class - FAR_FROM[label]).T)
    np.testing.assert_allclose(np.hypot(*(far - FAR_FROM[label])), distances.max())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seed", -1),
        ("seed", 2**32),
        ("data_seed", -5),
        ("epochs", 0),
        ("batch", 0),
        ("points", 3),
        ("test_share", 1.0),
        ("noise", float("nan")),
        ("lr", 0.0),
        ("hidden", (8, 1)),
        ("hidden", 8),
        ("hidden", (8, 8, 8)),
        ("seed", 1.5),
        ("seed", True),
        ("seed", "a"),
        ("epochs", 2.5),
        ("points", 100.5),
        ("points", 10**9),
        ("lr", math.inf),
        ("lr", "a"),
        ("noise", math.inf),
    ],
)
def test_a_setting_that_cannot_be_is_named(field, value):
    with pytest.raises(BadSpec, match=rf"Setup\.{field} = "):
        Setup(**{field: value})


@pytest.mark.parametrize("share", [0.99, 0.01])
def test_a_split_without_both_classes_in_both_parts_is_refused(share):
    with pytest.raises(BadSpec, match=r"Setup\.test_share = .*leaves both classes in both parts"):
        draw_data(Setup(points=9, test_share=share))


def test_integers_of_numpy_are_whole_numbers():
    setup = Setup(seed=np.int64(7), epochs=np.int32(3))
    assert setup == Setup(seed=7, epochs=3) and type(setup.seed) is int
