"""The catalogue page that `make docs` writes is what it would write now."""

from pathlib import Path

import pytest

from actscope.activations._lookup import SHELF, VECTORS
from actscope.activations._table import catalogue_page

PAGE = Path(__file__).parents[2] / "docs" / "catalogue.md"


def test_the_catalogue_page_is_fresh():
    assert PAGE.read_text(encoding="utf-8") == catalogue_page(), "stale: make docs"


@pytest.mark.parametrize("name", [*SHELF.names(), *VECTORS.names()])
def test_the_catalogue_page_has_a_row_and_a_source_for(name):
    page = catalogue_page()
    assert f"\n| `{name}`" in page
    assert f"\n- `{name}`: " in page
