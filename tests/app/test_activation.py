"""Panel 1: what is read off is the library's number; bad input leaves the curves alone."""

import numpy as np
import pytest

from actscope.activations import activation
from actscope.activations._table import readings
from actscope.maths.meanfield import mean_field

MISH = "x*tanh(log(1+exp(x)))"


@pytest.mark.parametrize(
    ("name", "x", "value", "slope"),
    [("sigmoid", 0, 0.5, 0.25), ("tanh", 0, 0, 1), ("gelu", 1, 0.8413, 1.083), ("relu", 2, 2, 1)],
)
def test_known_readings(open_page, helpers, name, x, value, slope):
    page = open_page(f"activation?f={name}&x={x}")
    assert helpers.number(page, f"value {name}") == pytest.approx(value, abs=5e-5)
    assert helpers.number(page, f"slope {name}") == pytest.approx(slope, abs=5e-4)
    row = readings(name, [x]).iloc[0]
    assert helpers.number(page, f"value {name}") == row.value
    assert helpers.number(page, f"slope {name}") == row.slope


def test_at_a_kink_both_slopes_are_named(open_page, helpers):
    page = open_page("activation?f=relu&x=0")
    assert "0 left · 1 right" in page.inner_text("[data-row=relu]")
    assert helpers.number(page, "slope relu left") == 0
    assert helpers.number(page, "slope relu right") == 1
    assert helpers.number(page, "slope relu") == 0


def test_the_property_line_is_the_records(open_page, helpers):
    page = open_page("activation?f=sigmoid&f=selu")
    for name in ("sigmoid", "selu"):
        phi = activation(name)
        field = mean_field(phi, phi.slope_at, phi.kinks)
        for number in ("gain", "chi_1", "chi_1_centred"):
            assert helpers.number(page, f"{number} {name}") == getattr(field, number)
    assert "(0, 1)" in page.inner_text("[aria-label='What the records say']")


WATCH = """() => {
  window.seen = [];
  const cell = () => document.querySelector('[data-name="value tanh"]')?.dataset.value;
  const look = () => { const v = cell(); if (v !== undefined && v !== seen.at(-1)) seen.push(v); };
  new MutationObserver(look).observe(document.querySelector('[data-panel=activation]'),
    {subtree: true, childList: true, attributes: true, attributeFilter: ['data-value']});
}"""


def test_a_drag_of_120_moves_is_read_off_on_the_way(open_page):
    page = open_page("activation?f=tanh&x=-1")
    box = page.locator("canvas[data-name=values]").bounding_box()
    page.evaluate(WATCH)
    y = box["y"] + 80
    page.mouse.move(box["x"] + 60, y)
    page.mouse.down()
    for i in range(120):  # at the pace of a hand: a mouse reports some sixty moves a second
        page.mouse.move(box["x"] + 60 + 2 * i, y)
        page.wait_for_timeout(16)
    page.mouse.up()
    page.wait_for_timeout(200)
    seen = page.evaluate("seen")
    assert len(set(seen)) >= 100
    shown = float(page.input_value("[data-name=x-typed]"))
    assert float(seen[-1]) == float(np.tanh(shown))


def test_the_pointer_finds_a_kink(open_page, helpers):
    page = open_page("activation?f=relu&x=3")
    box = page.locator("canvas[data-name=values]").bounding_box()
    place = page.evaluate(
        """() => { const c = document.querySelector('canvas[data-name=values]');
           return c.getBoundingClientRect().width; }"""
    )
    page.mouse.move(box["x"] + place * 0.3, box["y"] + 100)
    page.mouse.down()
    for step in range(40):  # over the middle of the axis, wherever the labels leave it
        page.mouse.move(box["x"] + place * (0.3 + 0.01 * step), box["y"] + 100)
        helpers.settle(page)
        if page.input_value("[data-name=x-typed]") == "0":
            break
    assert page.input_value("[data-name=x-typed]") == "0"


def test_the_keyboard_moves_x_and_an_answer_follows(open_page, helpers):
    page = open_page("activation?f=tanh&x=0")
    page.focus("[data-panel=activation] input[type=range]")
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    helpers.settle(page)
    assert helpers.number(page, "value tanh") == pytest.approx(np.tanh(0.05))
    assert "x=0.05" in page.url


def test_a_typed_function_is_drawn(open_page, helpers):
    page = open_page("activation?f=relu&x=1")
    page.fill("[data-name=add]", MISH)
    page.keyboard.press("Enter")
    page.wait_for_selector(f"[data-row='{MISH}']")
    helpers.settle(page)
    assert helpers.number(page, f"value {MISH}") == pytest.approx(0.8651, abs=5e-5)
    mish, h = activation(MISH), 1e-5
    central = (mish(1 + h) - mish(1 - h)) / (2 * h)
    assert helpers.number(page, f"slope {MISH}") == pytest.approx(float(central), abs=1e-6)
    page.reload()
    page.wait_for_selector(f"[data-row='{MISH}']")
    assert page.locator("[data-function]").count() == 2


BAD = ["__import__('os')", "x.__class__", "9**9**9", "x+" * 5000 + "x", "nonsense", "1/0"]


@pytest.mark.parametrize("text", BAD, ids=lambda text: text[:12])
def test_what_is_no_function_gets_a_sentence_and_the_old_curve_stays(open_page, helpers, text):
    page = open_page("activation?f=tanh&x=1")
    before = page.locator("canvas[data-name=values]").evaluate("c => c.toDataURL()")
    page.fill("[data-name=add]", text)
    page.evaluate("performance.mark('asked')")
    page.click("text=Add >> nth=-1")
    page.wait_for_selector(".as-complaint:visible")
    message = page.inner_text(".as-complaint:visible")
    assert 10 < len(message) < 400
    assert "Traceback" not in message
    helpers.settle(page)
    assert page.locator("canvas[data-name=values]").evaluate("c => c.toDataURL()") == before
    assert page.locator("[data-function]").count() == 1


def test_five_functions_and_no_more(open_page, helpers):
    five = ["sigmoid", "relu", "tanh", "gelu", "leaky_relu(slope=0.1)"]
    page = open_page("activation?" + "&".join(f"f={name}" for name in five))
    assert page.locator("[data-function]").count() == 5
    page.fill("[data-name=add]", "silu")
    page.keyboard.press("Enter")
    assert "5 at most" in page.inner_text(".as-complaint:visible")
    page.click("[aria-label='Remove GELU']")
    page.wait_for_selector("[data-function=gelu]", state="detached")
    helpers.settle(page)
    assert "gelu" not in page.url


def test_the_table_of_a_chart_holds_the_curve(open_page):
    page = open_page("activation?f=tanh")
    page.click("[aria-label='Data of Value f(x)']")
    cells = page.locator("[data-chart=values] tbody tr").first.locator("td")
    assert cells.nth(0).inner_text() == "Tanh"
    x, y = (float(cells.nth(i).get_attribute("data-value")) for i in (1, 2))
    assert y == float(np.tanh(x))
    with page.expect_download() as download:
        page.click("[data-chart=values] >> text=Download CSV")
    assert download.value.suggested_filename.endswith(".csv")
