"""Panel 3: cells are the library's units, before training and after it."""

import pytest

from actscope import dead_units

DONE = "document.querySelector('[data-name=verdict]').textContent.startsWith('Finished')"


def alive(page):
    return page.locator("[role=option][data-alive=true]").count()


@pytest.mark.parametrize(
    "case",
    [
        {"f": "relu", "bias": 0.0, "spread": 1.0},
        {"f": "relu", "bias": -3.0, "spread": 0.1},
        {"f": "relu", "bias": -2.0, "spread": 0.5, "width": 4, "seed": 7},
        {"f": "leaky_relu", "bias": -3.0, "spread": 0.1},
        {"f": "hard_tanh", "bias": -6.0, "spread": 0.6},
    ],
    ids=lambda case: f"{case['f']} {case['bias']}",
)
def test_the_cells_are_the_librarys_units(open_page, helpers, case):
    page = open_page("dead?" + "&".join(f"{k}={v}" for k, v in case.items()))
    asked = dict(case)
    census = dead_units(asked.pop("f"), **asked).census
    assert page.locator("[role=option]").count() == 128
    assert helpers.number(page, "firing") == census.alive_firing == alive(page)
    assert helpers.number(page, "passing") == census.alive_passing
    page.check("[data-name=alive-means] input[value=gradient]")
    assert helpers.number(page, "alive") == census.alive_passing == alive(page)
    label = page.locator("[role=option]").nth(16).get_attribute("aria-label")
    assert label.startswith(f"unit 17: active on {census.firing[16]} of 512 inputs")


def test_the_two_ends_of_the_bias(open_page, helpers):
    assert helpers.number(open_page("dead"), "alive") >= 126
    assert helpers.number(open_page("dead?bias=-3&spread=0.1"), "alive") == 0


def test_200_steps_are_the_librarys(open_page, helpers):
    page = open_page("dead?lr=10")
    train = page.locator("[data-name=train]")
    train.click()
    assert train.inner_text() == "Cancel"
    helpers.until(page, DONE)
    assert train.inner_text() == "Train 200 steps"
    assert page.get_attribute("canvas[data-name=curve]", "data-points") == "201"
    expected = dead_units("relu", steps=200, lr=10.0)
    page.click("[aria-label='Data of Units alive']")
    rows = page.locator("[data-chart=curve] tbody tr")
    for step in (0, 5, 60, 199):
        assert rows.nth(step).locator("td").nth(1).inner_text() == str(expected.firing[step])
    assert helpers.number(page, "firing") == expected.firing[-1] == alive(page)
    assert expected.firing[-1] < 100


def test_a_training_can_be_cancelled_and_a_new_setting_starts_anew(open_page, helpers):
    page = open_page("dead?steps=2000&optimiser=adam&lr=0.1&bias=-1")
    page.click("[data-name=train]")
    helpers.until(page, "document.querySelector('canvas[data-name=curve]').dataset.points > 5")
    page.click("[data-name=train]")
    points = int(page.get_attribute("canvas[data-name=curve]", "data-points"))
    assert 5 < points < 2001
    page.wait_for_timeout(150)
    assert int(page.get_attribute("canvas[data-name=curve]", "data-points")) == points
    assert "Cancelled after" in page.inner_text("[data-name=verdict]")
    page.fill("[data-name=seed]", "5")
    page.keyboard.press("Tab")
    helpers.settle(page)
    assert page.get_attribute("canvas[data-name=curve]", "data-points") == "1"
    assert helpers.number(page, "firing") == dead_units("relu", bias=-1.0, seed=5).firing[0]


def test_a_divergence_is_said(open_page, helpers):
    page = open_page("dead?lr=1e6")
    page.click("[data-name=train]")
    helpers.until(page, DONE)
    assert "lower the learning rate" in page.inner_text("[data-name=verdict]")


def test_a_unit_is_told_on_hover_and_on_focus(open_page):
    page = open_page("dead?bias=-3&spread=0.1")
    page.locator("[role=option]").nth(16).hover()
    assert "unit 17: active on 0 of 512 inputs" in page.inner_text("[data-name=unit]")
    page.focus("[role=option][tabindex='0']")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert "unit 18: active on 0 of 512" in page.inner_text("[data-name=unit]")


def test_a_typed_activation_and_a_bad_one(open_page, helpers):
    page = open_page("dead?f=x*sigmoid(x)&bias=-3&spread=0.1")
    assert helpers.number(page, "passing") == 128
    page.fill("[data-name=typed]", "rellu")
    page.keyboard.press("Tab")
    page.wait_for_selector(".as-complaint:visible")
    assert "did you mean" in page.inner_text(".as-complaint:visible")
