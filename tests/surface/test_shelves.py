"""Every record of every shelf is on its page, and every shelf has a page."""

import importlib
import pkgutil
import sys
from pathlib import Path

import pytest

import actscope
from actscope.shelf import Shelf

DOCS = Path(__file__).parents[2] / "docs"
sys.path.insert(0, str(DOCS))
import build_studies  # noqa: E402

# shelf: its page, and how a record stands on it
PAGES = {
    "actscope.activations": ("catalogue.md", "| `{name}`"),
    "actscope.activations.vectors": ("catalogue.md", "| `{name}`"),
    "actscope.metrics": ("mathematics.md", "| `{name}` |"),
    "actscope.inits": ("mathematics.md", "| `{name}` |"),
    "actscope.datasets": ("mathematics.md", "| `{name}` |"),
    "actscope.claims": ("claims.md", "\n## {name}\n"),
    "actscope.probe.rules": ("findings/README.md", "[{name}]({name}.md)"),
    "actscope.study.executors": ("studies.md", "- `{name}`: "),
    "actscope.app.panels": ("explorer.md", "**{label}**"),
}


def shelves():
    """Every shelf of the package, found where it is made."""
    found = {}
    for module in pkgutil.walk_packages(actscope.__path__, "actscope."):
        if module.name.endswith("._lookup"):
            values = vars(importlib.import_module(module.name)).values()
            found |= {v.package: v for v in values if isinstance(v, Shelf)}
    return found


SHELVES = shelves()
RECORDS = [(package, name) for package, shelf in SHELVES.items() for name in shelf.names()]


def shown(package, record):
    page, form = PAGES[package]
    text = (DOCS / page).read_text(encoding="utf-8")
    return form.format(name=record.name, label=getattr(record, "label", "")) in text


def test_every_shelf_has_a_page():
    assert set(SHELVES) == set(PAGES)


@pytest.mark.parametrize(("package", "name"), RECORDS)
def test_a_record_is_on_its_page(package, name):
    assert shown(package, SHELVES[package].get(name)), f"{PAGES[package][0]} does not show {name}"


def test_the_executors_on_the_page_are_those_that_it_would_write_now():
    assert (DOCS / "studies.md").read_text(encoding="utf-8").startswith(build_studies.head())


def test_a_record_that_is_not_shown_is_noticed():
    class Record:
        name = label = "nothing_of_this_name"

    assert not any(shown(package, Record) for package in PAGES)
