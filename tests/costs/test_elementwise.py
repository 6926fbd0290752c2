"""Times an element: what is measured is the function, in every library; the table; what is free."""

import numpy as np
import pytest

from actscope.activations import SHELF, activation
from actscope.costs import elementwise
from actscope.costs.elementwise import FREE, LIBRARIES, lanes_of
from actscope.errors import BadSpec, UnknownName

NAMES = ["relu", "gelu", "x*sigmoid(1.7*x)"]


@pytest.fixture(scope="module")
def found():
    return elementwise(NAMES, elements=[1000, 5000], rounds=2)


def test_one_row_for_each_function_and_size(found):
    table = found.table
    assert len(table) == 3 * 4 * 2 * 2
    assert list(found.copy) == [1024, 5056]  # whole blocks
    assert set(table.library) == set(LIBRARIES)
    assert (table.ns > 0).all() and (table.memory_bound == (table.over_copy <= FREE)).all()
    assert not found.notes
    assert "relu" in repr(found) and "1024" in found.to_json()


@pytest.mark.parametrize("library", list(LIBRARIES))
@pytest.mark.parametrize("name", NAMES)
def test_what_is_timed_is_the_function(library, name):
    record = activation(name)
    x = LIBRARIES["NumPy"]([activation("identity")], 128)
    _, calls, _ = next(x)
    points = calls["identity"]()
    expected = {"value": record(points), "slope": record.slope_at(points)}
    for what, calls, moved in LIBRARIES[library]([record], 128):
        if library == "engine":
            continue  # it writes into memory: next test
        [y] = [calls[record.key]()]
        y = np.asarray(y[0] if isinstance(y, (list, tuple)) else y)
        np.testing.assert_allclose(y, expected[what], rtol=1e-5, atol=1e-6)
        assert moved == (12 if (library, what) == ("PyTorch", "slope") else 8)


@pytest.mark.parametrize("record", list(SHELF)[::5], ids=lambda a: a.name)
def test_the_engines_loops_are_the_activation(record):
    from actscope.engine.workspace import aligned

    x, y = (aligned((192,), np.dtype(np.float32)) for _ in range(2))
    x[:] = np.linspace(-6, 6, 192)
    for function, expected in zip(lanes_of(record), (record(x), record.slope_at(x)), strict=True):
        function(x.ctypes.data, y.ctypes.data, 192)
        np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)


def test_sizes_without_memory_are_left_out(monkeypatch):
    import importlib

    module = importlib.import_module("actscope.costs.elementwise")
    monkeypatch.setattr(module, "free_memory", lambda: 1e6)
    found = elementwise(["relu"], elements=[1000, 10**6], libraries=["NumPy"], rounds=2)
    assert list(found.copy) == [1024]
    assert found.notes == ("1,000,000 elements left out: more than half of the free memory",)


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"elements": [0]}, BadSpec, "elements = 0"),
        ({"elements": []}, BadSpec, "at least one"),
        ({"libraries": ["Numpy"]}, UnknownName, "did you mean 'NumPy'"),
        ({"rounds": 0}, BadSpec, "rounds = 0"),
    ],
)
def test_arguments_that_cannot_be(settings, error, words):
    with pytest.raises(error, match=words):
        elementwise(["relu"], **settings)


def test_page_and_figure(found):
    from actscope.report.cost import elementwise_files

    files = elementwise_files(found, "actscope cost --elementwise")
    assert {"index.html", "by_size.png", "table.csv", "cost.json"} <= set(files)
    assert "Copy bandwidth" in files["index.html"].decode()
