"""A folder is a catalogue: names by listing, records when asked for, plugins by entry point."""

import importlib.metadata
import subprocess
import sys
import textwrap

import pytest

from actscope.errors import InputError, UnknownName
from actscope.shelf import Shelf


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A shelf of two records, a private file and a folder, none of which may be imported early."""
    folder = tmp_path / "shelf_under_test"
    (folder / "inner").mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "inner" / "__init__.py").write_text("raise AssertionError('not a record')")
    (folder / "_base.py").write_text("raise AssertionError('private')")
    for name in ("one", "two"):
        text = f"""
            from types import SimpleNamespace
            RECORD = SimpleNamespace(name={name!r})
        """
        (folder / f"{name}.py").write_text(textwrap.dedent(text))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield Shelf("shelf_under_test", "thing")
    for module in [m for m in sys.modules if m.startswith("shelf_under_test")]:
        del sys.modules[module]


def plug_in(monkeypatch, **points: str) -> None:
    """Pretend that another package has these entry points: name = module:attribute."""
    found = [importlib.metadata.EntryPoint(k, v, "shelf_under_test") for k, v in points.items()]
    monkeypatch.setattr(
        importlib.metadata,
        "entry_points",
        lambda group: found if group == "shelf_under_test" else [],
    )


def test_listing_imports_no_record(shelf):
    assert shelf.names() == ("one", "two")
    assert "shelf_under_test.one" not in sys.modules
    assert shelf.get("one").name == "one"
    assert "shelf_under_test.two" not in sys.modules
    assert [r.name for r in shelf] == ["one", "two"]


def test_an_unknown_name(shelf):
    with pytest.raises(UnknownName, match="unknown thing 'onee': did you mean 'one'") as caught:
        shelf.get("onee")
    assert caught.value.nearest == "one"
    with pytest.raises(UnknownName, match="unknown thing '_base': Known: one, two"):
        shelf.get("_base")
    with pytest.raises(UnknownName, match="unknown thing 'inner'"):
        shelf.get("inner")


def test_another_package_adds_a_record(shelf, tmp_path, monkeypatch):
    (tmp_path / "plugin_under_test.py").write_text(
        "from types import SimpleNamespace\nRECORD = SimpleNamespace(name='three')\n"
    )
    plug_in(monkeypatch, three="plugin_under_test:RECORD")
    assert shelf.names() == ("one", "three", "two")
    assert "plugin_under_test" not in sys.modules
    assert shelf.get("three").name == "three"
    assert [r.name for r in shelf] == ["one", "three", "two"]
    del sys.modules["plugin_under_test"]


def test_a_plugin_cannot_take_the_place_of_a_file(shelf, monkeypatch):
    plug_in(monkeypatch, one="json:decoder")
    assert shelf.get("one").name == "one"


def test_a_record_with_another_name_is_refused(shelf, tmp_path, monkeypatch):
    (tmp_path / "misnamed_under_test.py").write_text(
        "from types import SimpleNamespace\nRECORD = SimpleNamespace(name='four')\n"
    )
    plug_in(monkeypatch, three="misnamed_under_test:RECORD")
    with pytest.raises(InputError, match="thing 'three': its record is named 'four'"):
        shelf.get("three")
    del sys.modules["misnamed_under_test"]


def test_a_plugin_activation_is_found_by_name(monkeypatch):
    """The whole way: an entry point of the activations' group, found by `activation`."""
    from actscope.activations import Activation, Interval, _lookup, activation

    bent = Activation(
        name="bent",
        label="Bent",
        formula="x",
        derivative="1",
        f=lambda x: 1.0 * x,
        df=lambda x: 0.0 * x + 1.0,
        range=Interval(-float("inf"), float("inf")),
        zero_centred=True,
        monotonic=True,
        use_case="a test",
        source="none",
    )
    point = importlib.metadata.EntryPoint("bent", "plugged_in:RECORD", "actscope.activations")
    monkeypatch.setitem(sys.modules, "plugged_in", type(sys)("plugged_in"))
    sys.modules["plugged_in"].RECORD = bent
    fresh = Shelf("actscope.activations", "activation")
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [point])
    monkeypatch.setattr(_lookup, "SHELF", fresh)
    assert activation("bent") is bent or activation("bent") == bent


def test_the_catalogue_is_light():
    """Importing it imports no record, and NumPy is the only guest."""
    script = (
        "import sys, actscope.activations as a; names = a.SHELF.names(); "
        "heavy = {'scipy', 'pandas', 'sympy', 'numba', 'torch', 'matplotlib', 'mpmath'}; "
        "print(sorted(m for m in sys.modules if m.removeprefix('actscope.activations.') in names"
        " or m in heavy))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
