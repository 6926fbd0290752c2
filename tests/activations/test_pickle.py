"""Activations, networks and results go through pickle and come back as they were."""

import copy
import pickle

import numpy as np
import pytest

import actscope
from actscope.activations import SHELF, activation, shape
from actscope.activations._base import Activation, Interval

X = np.linspace(-3.0, 3.0, 101)
TYPED = ("x*sigmoid(1.7*x)", "where(x > 0, x, 0.1*x)", "max(x, tanh(2*x))")


def again(thing):
    return pickle.loads(pickle.dumps(thing))


def _same(before, after):
    assert type(after) is type(before)
    assert (after.key, after.values, after.kinks) == (before.key, before.values, before.kinks)
    assert (after.range, after.formula) == (before.range, before.formula)
    np.testing.assert_array_equal(after(X), before(X))
    np.testing.assert_array_equal(after.slope_at(X), before.slope_at(X))


@pytest.mark.parametrize("name", SHELF.names())
def test_every_record_comes_back_as_the_shelf_s_own(name):
    record = SHELF.get(name)
    assert again(record) is record
    assert copy.deepcopy(record) is record


@pytest.mark.parametrize("name", [r.name for r in SHELF if r.params])
def test_parameters_come_back(name):
    record = SHELF.get(name)
    changed = {p.name: v + 0.01 for p, v in zip(record.params, record.values, strict=True)}
    if record.rule is not None and not record.rule.holds(*changed.values()):
        changed = dict(record.settings)
    before = record.with_params(**changed)
    after = again(before)
    _same(before, after)
    assert after == before and after.f is record.f


@pytest.mark.parametrize("text", TYPED)
def test_typed_expressions_come_back(text):
    _same(activation(text), again(activation(text)))


def test_a_typed_expression_keeps_its_numbers():
    before = activation("where(x > 0, x, slope*x)", slope=0.3)
    _same(before, again(before))


@pytest.mark.parametrize("method", ["dks", "tat"])
@pytest.mark.parametrize("base", ["tanh", "softplus", "leaky_relu", "x*sigmoid(1.7*x)"])
def test_shaped_activations_come_back(base, method):
    before = shape(base, depth=20, method=method)
    _same(before, again(before))
    moved = before.with_params(output_scale=2.0)
    _same(moved, again(moved))


def test_an_activation_of_one_s_own_needs_functions_that_pickle():
    mine = Activation(
        name="relu", label="mine", formula="x", derivative="1", f=np.positive, df=np.ones_like,
        range=Interval(-np.inf, np.inf), zero_centred=True, monotonic=True, use_case="", source="",
    )  # fmt: skip
    after = again(mine)  # not the shelf's ReLU, though its name is
    np.testing.assert_array_equal(after(X), X)


def test_a_network_and_a_result_come_back():
    net = actscope.Net(2, (4, 4), 1, ("leaky_relu(slope=0.2)", "x*sigmoid(1.7*x)"))
    assert repr(again(net)) == repr(net)
    x = np.random.default_rng(0).standard_normal((20, 2))
    result = actscope.train(net, (x, x[:, 0] > 0), actscope.Training(epochs=3), seeds=range(2))
    after = again(result)
    np.testing.assert_array_equal(after.loss, result.loss)
    assert after.table.activation.tolist() == result.table.activation.tolist()
