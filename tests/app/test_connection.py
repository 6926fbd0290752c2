"""A server that dies and comes back, a view that follows the system, calm for who asks for it."""

import re
import urllib.parse
from pathlib import Path

import pytest

from actscope.app import bundle
from actscope.app.session import MOST_MESSAGE

LOST = "ERR_CONNECTION_REFUSED"


def test_a_killed_server_is_told_and_a_new_one_restores_the_page(open_page, helpers, watch):
    first = helpers.Server()
    watch.home = first.url
    watch.expected += [LOST, "WebSocket"]
    page = open_page("depth?f=sigmoid&depth=10", url=first.url)
    page.focus("[data-panel=depth] input[type=range]")
    page.keyboard.press("ArrowRight")
    helpers.settle(page)
    shown = helpers.number(page, "product sigmoid")
    assert shown == 0.25**11
    port = first.port
    first.end("kill")
    page.wait_for_selector(".as-banner:visible")
    banner = page.inner_text(".as-banner")
    assert "connection to actscope is lost" in banner
    assert "Trying again in 0.5 s" in banner
    helpers.until(page, "document.querySelector('.as-banner').textContent.includes('in 1 s')")
    page.keyboard.press("ArrowRight")  # what is asked for meanwhile is in the address
    second = helpers.Server(port=port)
    try:
        page.click(".as-banner button") if page.is_visible(".as-banner button") else None
        page.wait_for_selector(".as-banner", state="hidden")
        page.wait_for_selector('[data-name="product sigmoid"]')
        helpers.settle(page)
        assert page.input_value("[data-name=depth-typed]") == "12"
        assert helpers.number(page, "product sigmoid") == 0.25**12
    finally:
        second.end()


def test_the_view_follows_the_system_until_it_is_chosen(open_page):
    page = open_page("activation", scheme="dark")
    back = "getComputedStyle(document.documentElement).backgroundColor"
    dark, light = "rgb(20, 23, 27)", "rgb(247, 247, 245)"
    assert page.evaluate(back) == dark
    page.emulate_media(color_scheme="light")
    assert page.evaluate(back) == light
    page.click("text=Dark view")
    assert page.evaluate(back) == dark
    page.reload()
    page.wait_for_selector("[data-panel=activation]")
    assert page.evaluate(back) == dark
    assert page.evaluate("document.querySelector('.actscope').dataset.theme") == "dark"


def test_who_asks_for_reduced_motion_sees_four_drawings_a_second(open_page, helpers):
    page = open_page("dead?steps=2000&lr=0.1", reduced_motion="reduce")
    page.evaluate(
        """() => {
          window.drawn = 0;
          new MutationObserver(() => { drawn += 1; }).observe(
            document.querySelector("canvas[data-name=curve]"),
            {attributes: true, attributeFilter: ["data-points"]});
        }"""
    )
    page.click("[data-name=train]")
    page.wait_for_timeout(1500)
    page.click("[data-name=train]")
    assert 1 <= page.evaluate("drawn") <= 8


def test_a_command_too_long_is_not_sent(open_page):
    text = (Path(bundle.__file__).parent / "page" / "core.js").read_text(encoding="utf8")
    (longest,) = re.findall(r"const LONGEST = ([\d_]+);", text)
    assert int(longest) == MOST_MESSAGE


@pytest.mark.parametrize("name", ["activation", "depth", "dead"])
def test_an_address_with_nonsense_shows_the_panel_or_a_sentence(open_page, name):
    nonsense = urllib.parse.urlencode({"x": "NaN", "depth": "1e9", "width": "-3", "seed": "x"})
    page = open_page(f"{name}?{nonsense}")
    assert page.locator(f"[data-panel={name}]").is_visible()
