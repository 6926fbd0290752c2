"""Panel 2: products of slopes and measured gradients, down to 10^-361."""

import math

import numpy as np
import pytest

from actscope.activations import activation
from actscope.assessment.deep_gradients import deep_gradients
from actscope.assessment.slopes import slope_product, slope_product_of_normal


def log10(page, name):
    return float(page.locator(f'[data-name="{name}"]').get_attribute("data-log10"))


def test_ten_layers_at_zero(open_page, helpers):
    page = open_page("depth?x=0&depth=10")
    assert page.inner_text('[data-name="product sigmoid"]') == "9.537e-07"
    assert helpers.number(page, "product sigmoid") == 0.25**10
    assert helpers.number(page, "product tanh") == 1
    assert helpers.number(page, "product relu right") == 1
    assert helpers.number(page, "product relu left") == 0


def test_one_layer(open_page, helpers):
    page = open_page("depth?f=sigmoid&depth=1")
    assert helpers.number(page, "product sigmoid") == 0.25


def test_six_hundred_layers_are_a_power_and_not_zero(open_page, helpers):
    page = open_page("depth?f=sigmoid&x=0&depth=600")
    assert page.inner_text('[data-name="product sigmoid"]') == "10^-361.2"
    expected = slope_product(activation("sigmoid"), 600, 0.0).log10[-1]
    assert log10(page, "product sigmoid") == expected
    norms = deep_gradients(activation("sigmoid"), "article", depth=600, width=16)
    measured = np.median(norms[:, 0] - norms[:, -1])
    assert log10(page, "measured sigmoid") == measured
    assert measured < -340


def test_relu_below_zero_is_an_exact_zero(open_page, helpers):
    page = open_page("depth?f=relu&f=tanh&x=-1&depth=30")
    assert page.inner_text('[data-name="product relu"]') == "0 exactly"
    assert log10(page, "product relu") == -math.inf
    assert "ReLU 0 exactly" in page.get_attribute("canvas[data-name=products]", "aria-label")


def test_random_inputs_and_the_share_of_paths_that_are_zero(open_page, helpers):
    page = open_page("depth?f=relu&f=gelu&mode=normal&mean=0&std=1&depth=5")
    for name in ("relu", "gelu"):
        expected = slope_product_of_normal(activation(name), 5, 0.0, 1.0)
        assert helpers.number(page, f"product {name}") == expected.value
    assert "96.88 % of paths exactly 0" in page.inner_text("[data-row=relu]")


@pytest.mark.parametrize(("rule", "width"), [("critical", 8), ("he", 32)])
def test_the_measured_gradient_is_the_librarys(open_page, helpers, rule, width):
    page = open_page(f"depth?f=sigmoid&depth=12&init={rule}&width={width}")
    norms = deep_gradients(activation("sigmoid"), rule, depth=12, width=width)
    assert log10(page, "measured sigmoid") == np.median(norms[:, 0] - norms[:, -1])
    page.click("[aria-label='Data of Measured gradient']")
    row = page.locator("[data-chart=measured] tbody tr").nth(3).locator("td")
    assert float(row.nth(2).get_attribute("data-value")) == np.median(norms[:, -4] - norms[:, -1])


def test_an_init_that_does_not_apply_says_so_in_its_row(open_page):
    page = open_page("depth?f=relu&f=sigmoid&init=tanh_equivalent&depth=3")
    assert "sigmoid" in page.inner_text("[data-row=relu]")
    assert page.locator('[data-name="measured sigmoid"]').count() == 1


def test_dragging_the_depth_redraws_on_the_way(open_page, helpers):
    page = open_page("depth?f=sigmoid&depth=1")
    page.evaluate(
        """() => {
          window.seen = new Set();
          new MutationObserver(() => {
            const c = document.querySelector("canvas[data-name=products]");
            seen.add(c.getAttribute("aria-label"));
          }).observe(document.querySelector("canvas[data-name=products]"), {attributes: true});
        }"""
    )
    page.focus("[data-panel=depth] input[type=range]")
    for _ in range(49):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(8)
    helpers.settle(page)
    assert page.input_value("[data-name=depth-typed]") == "50"
    assert "depth=50" in page.url
    assert helpers.number(page, "product sigmoid") == 0.25**50
    assert page.evaluate("seen.size") >= 20


def test_settings_live_in_the_address(open_page, helpers):
    page = open_page("depth?f=sigmoid&f=tanh&depth=7&init=he&width=8&mode=normal&mean=0.5&std=2")
    shown = {n: helpers.number(page, f"product {n}") for n in ("sigmoid", "tanh")}
    page.reload()
    page.wait_for_selector("[data-row=tanh]")
    helpers.settle(page)
    assert {n: helpers.number(page, f"product {n}") for n in shown} == shown
    assert page.input_value("[data-name=init]") == "he"
