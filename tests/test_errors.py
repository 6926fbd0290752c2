"""Every error says what was wrong, what is expected and the way out; all exit with 2."""

import inspect

import pytest

from actscope import errors
from actscope.errors import (
    ActscopeError,
    BadSpec,
    InputError,
    MissingExtra,
    OutputError,
    UnknownName,
)

TREE = [e for _, e in inspect.getmembers(errors, inspect.isclass) if issubclass(e, ActscopeError)]


@pytest.mark.parametrize("error", TREE, ids=lambda e: e.__name__)
def test_the_tree(error):
    assert error.exit_code == 2
    assert error.__doc__
    assert error.__name__ in errors.__doc__, "the tree in the module's docstring shows it"


def test_callers_can_catch_what_python_would_raise():
    assert issubclass(InputError, ValueError)
    assert issubclass(OutputError, OSError)
    assert issubclass(MissingExtra, ImportError)


def test_unknown_name_names_the_nearest():
    error = UnknownName("metric", "CKA ", ["cka", "spread"])
    assert error.nearest == "cka" and "did you mean 'cka'?" in str(error)
    assert "Known: cka, spread" in str(error)


def test_unknown_name_without_a_near_one():
    error = UnknownName("metric", "zzzz", ["cka"])
    assert error.nearest is None and "did you mean" not in str(error)


def test_a_long_name_is_cut():
    assert len(str(UnknownName("metric", "z" * 10_000, ["cka"]))) < 200


def test_bad_spec_names_the_field():
    error = BadSpec("Net.hidden[2]", 0, "a width of at least 1")
    assert error.field == "Net.hidden[2]"
    assert str(error) == "Net.hidden[2] = 0: expected a width of at least 1"


def test_missing_extra_names_the_command():
    assert "pip install 'actscope[onnx]'" in str(MissingExtra("onnxruntime", "onnx"))
