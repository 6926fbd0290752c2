"""From names, expressions and parameters to records, and what is refused."""

import dataclasses
import importlib
import math
import pathlib
import time

import numpy as np
import pytest

from actscope.activations import (
    SHELF,
    VECTORS,
    Activation,
    Facts,
    Interval,
    VectorActivation,
    activation,
    elementwise,
)
from actscope.errors import BadExpression, BadParameter, InputError, UnknownName


def test_a_file_is_named_after_its_record(record):
    module = importlib.import_module(f"actscope.activations.{record.name}")
    assert module.RECORD is record
    assert pathlib.Path(module.__file__).stem == record.name
    assert activation(record.name) == record


def test_the_names_of_the_catalogue():
    """Nothing was lost on the way: the files in the folder are the names."""
    folder = pathlib.Path(importlib.import_module("actscope.activations").__file__).parent
    files = {p.stem for p in folder.glob("*.py") if not p.stem.startswith("_")}
    assert set(SHELF.names()) == files == {a.name for a in SHELF}
    vectors = {p.stem for p in (folder / "vectors").glob("*.py") if not p.stem.startswith("_")}
    assert set(VECTORS.names()) == vectors == {a.name for a in VECTORS}
    assert not set(SHELF.names()) & set(VECTORS.names())


@pytest.mark.parametrize(
    ("asked", "nearest"),
    [("rellu", "relu"), ("GELU", "gelu"), ("soft_max", "softmax"), ("leakyrelu", "leaky_relu")],
)
def test_an_unknown_name_suggests_the_nearest(asked, nearest):
    with pytest.raises(
        UnknownName, match=f"unknown activation '{asked}': did you mean '{nearest}'"
    ):
        activation(asked)


def test_expressions():
    assert activation("x")(3.0) == 3.0
    swish = activation("x*sigmoid(1.7*x)")
    x = np.linspace(-5, 5, 11)
    np.testing.assert_allclose(swish(x), activation("silu", beta=1.7)(x), rtol=1e-13)
    scaled = activation("a*tanh(x)", a=2.0)
    np.testing.assert_allclose(scaled(x), 2.0 * np.tanh(x), rtol=1e-15)


@pytest.mark.parametrize("key", ["relu", "leaky_relu(slope=0.1)", "rrelu(lower=0.2, upper=0.5)"])
def test_a_printed_key_is_read_back(key):
    assert activation(key).key == elementwise(f" {key} ").key == key
    if "(" in key:
        with pytest.raises(BadParameter, match="is not a number; expected as in"):
            activation(key.replace("0.", "a"))


def test_settings_win_over_those_of_a_key():
    assert activation("leaky_relu(slope=0.1)", slope=0.3)(-1.0) == -0.3
    with pytest.raises(UnknownName, match="did you mean 'leaky_relu'"):
        activation("leakyrelu(slope=0.1)")


def test_hostile_names_are_refused_at_once():
    for text in ("a(" + "b=cc" * 20_000, "a(" + "b=c," * 20_000, "(" * 100_000, "x" * 10_000_000):
        began = time.perf_counter()
        with pytest.raises(InputError):
            activation(text)
        assert time.perf_counter() - began < 1.0


@pytest.mark.parametrize("x", [2, 2.0, np.float32(2), np.array(2.0), [], [[1, 2], [3, 4]], True])
def test_the_result_is_an_array_of_the_shape_of_x(record, x):
    for y in (record(x), record.slope_at(x)):
        assert isinstance(y, np.ndarray) and y.shape == np.shape(x)
        assert y.dtype == (np.float32 if isinstance(x, np.float32) else np.float64)


@pytest.mark.parametrize("x", ["abc", None, [1j], [[1.0], [2.0, 3.0]], object()])
def test_what_is_no_array_of_real_numbers(x):
    with pytest.raises(InputError, match="expected"):
        activation("relu")(x)


@pytest.mark.parametrize("text", ["", " ", "x+", "x.real", "__import__('os')", "y*2", "1x"])
def test_what_is_neither_name_nor_expression(text):
    with pytest.raises(BadExpression):
        activation(text)


@pytest.mark.parametrize("thing", [None, 3, np.tanh, b"relu", ["relu"]])
def test_what_is_not_a_text(thing):
    with pytest.raises(InputError, match="expected a name, an expression or an Activation"):
        activation(thing)


def test_vectors_are_found_and_refused():
    assert isinstance(activation("softmax"), VectorActivation)
    assert activation(activation("softmax")).name == "softmax"
    for name in VECTORS.names():
        with pytest.raises(InputError, match=f"{name} acts on whole vectors"):
            elementwise(name)
        with pytest.raises(BadParameter, match="it takes none"):
            activation(name, beta=1.0)
    assert elementwise("silu", beta=2.0) == activation("silu", beta=2.0)


def test_an_activation_is_taken_as_it_is(record):
    assert activation(record) == record
    assert elementwise(record) == record


WRONG = [math.nan, math.inf, -math.inf, True, "0.1", None, 1j, [0.1], np.array([0.1])]


@pytest.mark.parametrize("wrong", WRONG, ids=repr)
def test_a_bad_parameter_names_its_range(record, wrong):
    for p in record.params:
        with pytest.raises(BadParameter) as caught:
            activation(record.name, **{p.name: wrong})
        assert p.name in str(caught.value) and str(p.allowed) in str(caught.value)


def test_a_parameter_outside_its_range(record):
    for p in record.params:
        for wrong in (p.allowed.low - 1.0, p.allowed.high + 1.0):
            with pytest.raises(BadParameter) as caught:
                record.with_params(**{p.name: wrong})
            assert str(p.allowed) in str(caught.value) and f"{p.default:g}" in str(caught.value)


def test_a_parameter_that_is_not_there(record):
    takes = ", ".join(p.name for p in record.params) or "none"
    with pytest.raises(BadParameter, match=f"has no parameter 'temperature': it takes {takes}"):
        record.with_params(temperature=1.0)


def test_rules_over_several_parameters():
    with pytest.raises(BadParameter, match=r"rrelu\(lower=0.5, upper=0.3.*expected lower ≤ upper"):
        activation("rrelu", lower=0.5)
    assert activation("rrelu", lower=0.5, upper=0.7).slope_at(-1.0) == pytest.approx(0.6)
    with pytest.raises(BadParameter, match="a slope of 0 is relu"):
        activation("prelu", slope=0.0)


def test_parameters_change_value_key_and_facts():
    leaky = activation("leaky_relu", slope=np.float64(0.1))
    assert leaky.key == "leaky_relu(slope=0.1)" and dict(leaky.settings) == {"slope": 0.1}
    assert activation("leaky_relu", slope=0.01).key == "leaky_relu"
    assert leaky.with_params() == leaky
    falling = activation("prelu", slope=-1.0)
    assert not falling.monotonic and falling.range == Interval(0.0, math.inf, True)
    line = falling.with_params(slope=1)
    assert line.monotonic and line.zero_centred and line.kinks == ()
    assert activation("elu", alpha=2.0).kinks == (0.0,) and activation("elu").kinks == ()
    assert activation("elu", alpha=1.6732632423543772).zero_centred


def test_records_cannot_be_changed(record):
    with pytest.raises(dataclasses.FrozenInstanceError):
        record.name = "other"
    assert hash(record) == hash(activation(record.name))


def test_facts_that_contradict_the_record_are_refused():
    def facts(slope: float) -> Facts:
        return {"monotonic": slope > 1.0}

    fields = {
        f.name: getattr(activation("leaky_relu"), f.name) for f in dataclasses.fields(Activation)
    }
    with pytest.raises(InputError, match="monotonic is True, but its facts say False"):
        Activation(**{**fields, "values": (), "facts": facts})


def test_intervals():
    half = Interval(0.0, 1.0, low_attained=True)
    assert 0.0 in half and 0.5 in half and 1.0 not in half and math.nan not in half
    assert str(half) == "[0, 1)" and str(Interval(-math.inf, 2.5, False, True)) == "(−∞, 2.5]"
