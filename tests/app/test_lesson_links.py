"""Every link from a lesson into the explorer opens its panel in the state that it names."""

import re
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

LESSONS = Path(__file__).parents[2] / "docs" / "lessons"
LINK = re.compile(r"\]\(http://127\.0\.0\.1:8421/#([^)\s]+)\)")
LINKS = [
    pytest.param(found[1], id=page.stem)
    for page in sorted(LESSONS.glob("[0-9]*.md"))
    for found in LINK.finditer(page.read_text(encoding="utf-8"))
]


def settings(state):
    """The panel and its settings, each a pair."""
    panel, _, query = state.lstrip("#").partition("?")
    return panel, set(parse_qsl(query.replace("+", "%2B")))


def test_every_lesson_has_one():
    assert [param.id[0] for param in LINKS] == list("123456789")


@pytest.mark.parametrize("link", LINKS)
def test_a_link_opens_its_panel_in_that_state(link, open_page):
    page = open_page(link)
    panel, wanted = settings(link)
    opened, shown = settings(page.evaluate("location.hash"))
    assert opened == panel and wanted <= shown
    assert page.locator(f"[data-panel={panel}]").is_visible()


def test_a_state_that_is_not_kept_is_noticed(open_page):
    page = open_page("dead?bias=-3&spread=nothing")
    _, shown = settings(page.evaluate("location.hash"))
    assert ("bias", "-3") in shown and ("spread", "nothing") not in shown
