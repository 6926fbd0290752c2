"""docs/mathematics.md: fresh tables, and functions that exist."""

import importlib
import re
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
sys.path.insert(0, str(DOCS))
import build_mathematics as page  # noqa: E402

TEXT = page.PAGE.read_text(encoding="utf-8")
NAMES = sorted(set(re.findall(r"`(actscope\.[\w.]+)`", TEXT)))


def test_the_tables_are_fresh():
    assert page.filled(TEXT) == TEXT, "stale: make docs"
    assert set(re.findall(r"<!-- table: (\w+) -->", TEXT)) == set(page.TABLES)


@pytest.mark.parametrize("name", NAMES)
def test_the_page_names_what_exists(name):
    module, _, attribute = name.rpartition(".")
    assert callable(getattr(importlib.import_module(module), attribute))


def test_a_stale_table_is_noticed():
    assert page.filled(TEXT.replace("| `cka` |", "| `cca` |")) == TEXT
