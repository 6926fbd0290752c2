from types import SimpleNamespace

import numpy as np
import pytest

from actscope.engine import prepare
from actscope.engine.spec import Data, Net, Schedule, Training, Weights
from actscope.errors import BadSpec

X = np.arange(6.0).reshape(3, 2)
Y = np.array([0, 1, 1])


@pytest.mark.parametrize(
    "given",
    [
        (X, Y),
        [X.tolist(), Y.tolist()],
        SimpleNamespace(x=X, y=Y),
        SimpleNamespace(x_train=X, y_train=Y, x_test=None, y_test=None),
        Data(X, Y),
    ],
)
def test_data_comes_as_a_tuple_or_by_name(given):
    data = prepare.as_data(given)
    np.testing.assert_array_equal(data.x, X)
    np.testing.assert_array_equal(data.y, Y)
    assert data.x_test is None


def test_a_test_set_comes_along():
    for given in ((X, Y, X[:1], Y[:1]), SimpleNamespace(x=X, y=Y, x_test=X[:1], y_test=Y[:1])):
        assert len(prepare.as_data(given).x_test) == 1


@pytest.mark.parametrize(
    "given", [X, (X,), (X, Y, X), {"x": X}, None, "moons", (X, None), (X, Y, X, None)]
)
def test_other_forms_of_data_are_refused(given):
    with pytest.raises(BadSpec, match=r"^data"):
        prepare.as_data(given)


def check(x, y, loss="bce", outputs=1, dtype="float32", **test):
    net, training = Net(2, outputs=outputs), Training(loss=loss, dtype=dtype)
    return prepare.check_data(net, training, prepare.as_data((x, y, *test.values())))


def test_labels_take_the_form_that_the_loss_reads():
    assert check(X, Y).y.shape == (3, 1)
    assert check(X, Y[:, None]).y.shape == (3, 1)
    assert check(X, Y, "mse").y.dtype == np.float64
    labels = check(X, Y.astype(float), "cross_entropy", 3).y
    assert (labels.dtype, labels.shape) == (np.int64, (3,))
    assert check(X, np.eye(3), "bce", 3).y.shape == (3, 3)
    assert check(X.astype(np.float32), Y, x_test=X[:1], y_test=Y[:1]).x_test.dtype == np.float64


def with_bad(place, value):
    x = X.copy()
    x[place] = value
    return x


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: check(X[:, :1], Y), "data.x"),
        (lambda: check(X[0], Y), "data.x"),
        (lambda: check(X[:0], Y[:0]), "data.x"),
        (lambda: check(np.array([["a", "b"]]), [0]), "data.x"),
        (lambda: check(np.array([["1", "2"]]), [0]), "data.x"),
        (lambda: check(X * 1j, Y), "data.x"),
        (lambda: check(X.astype("datetime64[s]"), Y), "data.x"),
        (lambda: check([[1, 2], [3]], [0, 1]), "data.x"),
        (lambda: check(with_bad((1, 0), np.nan), Y), "data.x[1, 0]"),
        (lambda: check(with_bad((2, 1), np.inf), Y), "data.x[2, 1]"),
        (lambda: check(with_bad((2, 1), 1e300), Y), "data.x[2, 1]"),
        (lambda: check(X, Y[:2]), "data.y"),
        (lambda: check(X, Y, outputs=2), "data.y"),
        (lambda: check(X, [0, 2, 1]), "data.y[1]"),
        (lambda: check(X, [0, 1, 0.5]), "data.y[2]"),
        (lambda: check(X, [0.0, 1.0, np.nan]), "data.y[2]"),
        (lambda: check(X, [0, 3, 1], "cross_entropy", 3), "data.y[1]"),
        (lambda: check(X, [0, -1, 1], "cross_entropy", 3), "data.y[1]"),
        (lambda: check(X, np.eye(3), "cross_entropy", 3), "data.y"),
        (lambda: check(X, Y, "cross_entropy", 1), "Net.outputs"),
        (lambda: check(X, Y, x_test=X[:, :1], y_test=Y), "data.x_test"),
        (lambda: check(X, Y, x_test=X, y_test=[0, 1, 7]), "data.y_test[2]"),
    ],
)
def test_data_that_does_not_fit_names_the_place(make, field):
    with pytest.raises(BadSpec) as caught:
        make()
    assert caught.value.field == field


def test_a_number_too_large_for_float32_is_fine_in_float64():
    assert check(with_bad((2, 1), 1e300), Y, dtype="float64").x.max() == 1e300


def weights(W0=(2, 3), W1=(3, 1), b0=(3,), **norm):
    return Weights(
        (np.ones(W0), np.ones(W1)), (np.ones(b0), np.ones(1)), **{k: (v,) for k, v in norm.items()}
    )


def test_weights_of_one_network_stand_for_all():
    net = Net(2, (3,), norm=True)
    given = weights(gamma=np.ones(3), beta=np.ones((5, 3)))
    checked = prepare.check_weights(net, given, 5, "float32")
    assert [a.shape for a in checked.arrays()] == [
        (5, 2, 3), (5, 3, 1), (5, 3), (5, 1), (5, 3), (5, 3)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "norm", "field"),
    [
        (weights(W0=(3, 2)), False, "weights.W[0]"),
        (weights(W0=(4, 2, 3)), False, "weights.W[0]"),
        (weights(W1=(3,)), False, "weights.W[1]"),
        (weights(b0=(1, 2)), False, "weights.b[0]"),
        (Weights((np.ones((2, 3)),), (np.ones(3), np.ones(1))), False, "weights.W"),
        (weights(), True, "weights.gamma"),
        (weights(gamma=np.ones(2), beta=np.ones(3)), True, "weights.gamma[0]"),
        (weights(gamma=np.ones(3), beta=np.ones(3)), False, "weights.gamma"),
    ],
)
def test_weights_of_a_wrong_shape_name_the_array(given, norm, field):
    with pytest.raises(BadSpec) as caught:
        prepare.check_weights(Net(2, (3,), norm=norm), given, 5, "float64")
    assert caught.value.field == field


def test_weights_that_are_not_numbers_are_refused():
    bad = weights()
    bad.W[0][1, 2] = np.nan
    with pytest.raises(BadSpec, match=r"weights\.W\[0\]\[1, 2\] = nan"):
        prepare.check_weights(Net(2, (3,)), bad, 1, "float32")


TWO = Training(epochs=2)


def test_orders_are_for_one_or_for_each():
    assert prepare.check_orders([[0, 1, 2]] * 2, TWO, 4, 3).shape == (1, 2, 3)
    assert prepare.check_orders(np.zeros((4, 2, 3), np.uint8), TWO, 4, 3).dtype == np.int64


@pytest.mark.parametrize(
    "orders",
    [[[0, 1, 2]], [[0, 1]] * 2, [[0.0, 1.0, 2.0]] * 2, [[0, 1, 3]] * 2, [[0, 1, -1]] * 2,
     np.zeros((3, 2, 3), int), 5],
)  # fmt: skip
def test_orders_that_reach_past_the_points_are_refused(orders):
    with pytest.raises(BadSpec, match=r"^orders"):
        prepare.check_orders(orders, TWO, 4, 3)


@pytest.mark.parametrize("seeds", [-1, [1, -2], 1.5, "7", [], [[1]], 2**63, [2**70], None])
def test_seeds_that_cannot_be_are_refused(seeds):
    with pytest.raises(BadSpec, match=r"^seeds"):
        prepare.check_seeds(seeds)


def test_seeds_are_one_or_several():
    assert prepare.check_seeds(7).tolist() == [7]
    assert prepare.check_seeds(np.int32(7)).tolist() == [7]
    assert prepare.check_seeds([3, 3, 2**63 - 1]).tolist() == [3, 3, 2**63 - 1]


def test_schedules_always_end_with_the_losses_of_the_last_epoch():
    assert prepare.schedule(5) == Schedule((5,), (), ())
    assert prepare.schedule(5, 2, 3, [4, 0, 4]) == Schedule((2, 4, 5), (0, 3), (0, 4))
    assert prepare.schedule(5, 9, 9) == Schedule((5,), (0,), ())


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"loss_every": -1}, "loss_every"),
        ({"trace_every": 0.5}, "trace_every"),
        ({"snapshots": [0, 6]}, "snapshots[1]"),
        ({"snapshots": [-1]}, "snapshots[0]"),
    ],
)
def test_a_schedule_that_cannot_be_names_its_field(wrong, field):
    with pytest.raises(BadSpec) as caught:
        prepare.schedule(5, **wrong)
    assert caught.value.field == field
