"""Every panel on the shelf, in a browser: light, dark, narrow, by keyboard, after a reload."""

import importlib.util
from pathlib import Path

import pytest

from actscope.app import bundle
from actscope.app.panels import SHELF

PAGE = Path(importlib.util.find_spec("actscope.app").submodule_search_locations[0]) / "page"
LOOKS = {"light": {}, "dark": {"scheme": "dark"}, "narrow": {"width": 390, "height": 844}}


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("name", SHELF.names())
def test_a_panel_is_accessible_and_fits(open_page, helpers, name, look):
    page = open_page(name, **LOOKS[look])
    complaints = helpers.complaints_of_axe(page)
    assert not complaints, "\n".join(complaints)
    assert helpers.sideways(page) <= 0


@pytest.mark.parametrize("name", SHELF.names())
def test_every_canvas_has_a_name(open_page, name):
    page = open_page(name)
    shown = page.locator("canvas:visible")
    for i in range(shown.count()):
        assert shown.nth(i).get_attribute("aria-label"), shown.nth(i).get_attribute("data-name")


@pytest.mark.parametrize("name", SHELF.names())
def test_the_tab_leads_to_the_panel_and_back_leads_back(open_page, name):
    page = open_page()
    page.click(f"[data-tab={name}]")
    page.wait_for_selector(f"[data-panel={name}]")
    assert page.locator("[aria-current=page]").get_attribute("data-tab") == name
    assert page.locator("h1:visible").count() == 1


@pytest.mark.parametrize("name", SHELF.names())
def test_touch_targets_are_large_enough_on_a_phone(open_page, name):
    page = open_page(name, width=390, height=844, has_touch=True)
    small = page.evaluate(
        """() => [...document.querySelectorAll("button, a[href], select, input")]
          .filter((e) => e.offsetParent && !e.matches(".as-choice input, .as-tick input"))
          .map((e) => [e.outerHTML.slice(0, 80), e.getBoundingClientRect()])
          .filter(([, box]) => box.height && box.right > 0 && box.height < 43.5)
          .map(([html]) => html)"""
    )
    assert not small, small


def test_the_parts_of_every_panel_are_in_the_module_and_none_is_left_over():
    text = bundle.module()
    for name in SHELF.names():
        assert f'definePanel("{name}"' in text
    parts = {p.stem.partition("_")[0] for p in PAGE.glob("*.js")}
    assert parts == {*bundle.CORE, *SHELF.names(), "mount"}


def test_every_rule_of_the_style_sheet_is_nested_under_actscope():
    depth = 0
    for line in bundle.style().splitlines():
        if depth == 0 and "{" in line and not line.startswith("@"):
            assert line.startswith(".actscope"), line
        depth += line.count("{") - line.count("}")
    assert depth == 0
    assert ":root" not in bundle.style()
