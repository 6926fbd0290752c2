"""The data are scikit-learn's, bit for bit, drawn without importing it."""

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
    ],
)
def test_a_setting_that_cannot_be_is_named(field, value):
    with pytest.raises(BadSpec, match=rf"Setup\.{field} = "):
        Setup(**{field: value})
