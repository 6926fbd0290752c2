"""What a run takes, refuses and gives back."""

import numpy as np
import pytest

from actscope.activations import activation
from actscope.article.result import LOSS_EPOCHS
from actscope.article.run import MOST, find_activations, reproduce
from actscope.article.setup import Setup
from actscope.errors import BadExpression, InputError, UnknownName

SHORT = Setup(epochs=12)


@pytest.fixture(scope="module")
def result():
    return reproduce(["relu", activation("leaky_relu", slope=0.1), "tanh(2*x)"], setup=SHORT)


@pytest.mark.parametrize(
    ("names", "error", "words"),
    [
        ([], InputError, "0 activations"),
        (["relu"] * 2, InputError, "relu is asked for twice"),
        ([f"x*{k}.5" for k in range(MOST + 1)], InputError, "9 activations"),
        (["rellu"], UnknownName, "did you mean 'relu'"),
        (["x.__class__"], BadExpression, "x"),
        (["softmax"], InputError, "whole vectors"),
    ],
)
def test_refusals(names, error, words):
    with pytest.raises(error, match=words.replace("(", r"\(")):
        find_activations(names)


def test_names_records_and_expressions(result):
    assert [o.key for o in result.outcomes][:2] == ["relu", "leaky_relu(slope=0.1)"]
    assert result["leaky_relu(slope=0.1)"].label == "Leaky ReLU (slope=0.1)"
    with pytest.raises(KeyError, match="this run holds relu"):
        result["gelu"]


def test_seed_changes_the_networks_and_not_the_data():
    one, two = (reproduce(["relu"], seed=s, setup=Setup(epochs=2)) for s in (1, 2))
    np.testing.assert_array_equal(one.data.x_train, two.data.x_train)
    assert one.setup.seed == 1
    assert not np.allclose(one["relu"].losses, two["relu"].losses)


def test_numbers_are_the_outcomes(result):
    numbers = {(n.activation, n.quantity, n.place): n.value for n in result.numbers()}
    relu = result["relu"]
    assert len(numbers) == 3 * (4 + 2 + 2 + 10)  # epochs 1, 2, 10 and the last
    assert numbers["relu", "loss", "epoch 12"] == relu.losses[-1]
    assert numbers["relu", "spread", "layer 2"] == relu.hidden[1].std()
    assert numbers["relu", "signal", "class 1 z3"] == relu.trace(1)[-1]
    assert numbers["relu", "test accuracy", "end"] == relu.test_accuracy
    assert LOSS_EPOCHS[-1] == Setup().epochs


def test_tables(result):
    table = result.table
    assert list(table.index) == ["ReLU", "Leaky ReLU (slope=0.1)", "tanh(2*x)"]
    assert table.notna().all(axis=None)
    assert table.loc["ReLU", "test accuracy"] == result["relu"].test_accuracy
    curves = result.curves
    assert curves.index[0] == 1
    np.testing.assert_array_equal(curves["ReLU"], result["relu"].losses)


def test_notebook_faces(result):
    page = result._repr_html_()
    assert "<table" in page
    assert "ReLU" in page
    assert result.plot("data_set").axes
    with pytest.raises(UnknownName, match="did you mean 'loss_curves'"):
        result.plot("loss_curve")


def test_silent_units():
    """A unit whose bias is far below zero says nothing under ReLU."""
    outcome = reproduce(["relu"], setup=Setup(epochs=1)).outcomes[0]
    before = outcome.silent_units[0]
    outcome.network.b[0][np.flatnonzero(np.ptp(outcome.hidden[0], axis=0) > 0)[:3]] = -100.0
    again = type(outcome)(outcome.network, outcome.losses, outcome.data)
    assert again.silent_units[0] == before + 3


def test_probability_map_covers_the_test_points(result):
    relu = result["relu"]
    x, y, p = relu.probability_map
    assert p.shape == (len(y), len(x))
    low, high = result.data.x_test.min(axis=0), result.data.x_test.max(axis=0)
    assert x[0] < low[0] < high[0] < x[-1]
    assert y[0] < low[1] < high[1] < y[-1]
    one = relu.network.probability(np.array([[x[7], y[30]]]))[0]
    np.testing.assert_allclose(p[30, 7], one)


def test_one_name_needs_no_list():
    assert [phi.key for phi in find_activations("relu")] == ["relu"]
    assert [phi.key for phi in find_activations(find_activations("x*tanh(x)")[0])] == ["x*tanh(x)"]
