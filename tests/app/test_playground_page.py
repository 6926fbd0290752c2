"""Panel 4 in a browser: the screen shows the library's numbers, the buttons do what they say."""

import json

import numpy as np
import pytest

from actscope import Net, Training, reproduce, trace, train
from actscope.app.playground_points import points_of
from actscope.app.playground_setup import Data

PANEL = "document.querySelector('[data-panel=playground]').dataset"
# the acceptance setting: moons, ReLU beside sigmoid, depth 6, rate 0.1, seed 0
START = "playground?depth=6&lr=0.1&seed=0&draws=actscope&layer=6"
FRESH = f"{START}&atA=0&atB=0"


def rested(page, helpers, patience=30_000):
    """Wait until both sides are drawn and nothing is under way."""
    helpers.until(page, f"{PANEL}.rest === 'true' && {PANEL}.running !== 'true'", patience)
    helpers.settle(page)


@pytest.fixture
def playground(open_page, helpers):
    def playground(where=FRESH, **more):
        page = open_page(where, **more)
        rested(page, helpers)
        return page

    return playground


def shown(page, helpers):
    """Both sides' numbers."""
    names = ("epoch", "train_loss", "test_loss", "train_accuracy", "test_accuracy")
    return [{n: helpers.number(page, f"{n}-{side}") for n in names} for side in "ab"]


def epochs(page, helpers):
    return [side["epoch"] for side in shown(page, helpers)]


def press(page, helpers, name):
    page.click(f"[data-name={name}]")
    rested(page, helpers)


def trained(epochs, lr=0.1):
    points = points_of(Data(), False)
    nets = [Net(2, (8,) * 6, activations=phi) for phi in ("relu", "sigmoid")]
    training = Training(lr=lr, epochs=epochs, dtype="float64")
    return points, nets, train(nets, points, training, seeds=0)


def test_it_opens_on_the_article_finished_with_its_conclusion(playground, helpers):
    page = playground("playground")
    outcomes = reproduce(["relu", "sigmoid"]).outcomes
    for side, outcome in zip(shown(page, helpers), outcomes, strict=True):
        assert side["epoch"] == 800
        assert side["test_accuracy"] == outcome.test_accuracy
        assert side["train_accuracy"] == outcome.train_accuracy
    words = page.inner_text("[data-name=words]")
    assert words.startswith("After 800 epochs ReLU gets 96 % of the test points right")
    assert "Sigmoid does no better than that" in words
    assert page.inner_text("[data-name=play]") == "Play"


def test_step_play_stop_reset_and_the_numbers_are_the_librarys(playground, helpers):
    page = playground(f"{FRESH}&until=200&speed=10")
    press(page, helpers, "step")
    assert epochs(page, helpers) == [1, 1]
    page.click("[data-name=play]")
    helpers.until(page, f"{PANEL}.running === 'true'")
    rested(page, helpers)
    first = shown(page, helpers)
    assert [side["epoch"] for side in first] == [200, 200]
    _, _, expected = trained(200)
    for i, side in enumerate(first):
        for name in ("train_loss", "test_loss", "train_accuracy", "test_accuracy"):
            assert side[name] == getattr(expected, name)[i, -1]
    press(page, helpers, "reset")
    assert epochs(page, helpers) == [0, 0]
    press(page, helpers, "play")
    assert epochs(page, helpers) == [200, 200]
    for before, after in zip(first, shown(page, helpers), strict=True):
        assert abs(before["train_loss"] - after["train_loss"]) <= 1e-9


def test_what_a_linear_reader_recovers_is_what_trace_says(playground, helpers):
    page = playground(f"{START}&atA=120&atB=120")
    points, nets, expected = trained(120)
    helpers.until(page, "document.querySelectorAll('.as-fidelity').length === 2")
    helpers.until(
        page, "document.querySelector('[data-name=reader-note]').textContent.includes('Epoch 120')"
    )
    for i, side in enumerate("ab"):
        found = trace(
            expected.weights(i), (points.x, points.y, points.distances), "distance_fidelity",
            net=nets[i], formats=["float64", "bfloat16", "int8"],
        ).values  # fmt: skip
        for (_, kind), values in found.items():
            for layer in (0, 3, 6):
                cell = page.locator(f'[data-name="fidelity-{side} {kind} {layer}"]')
                assert abs(float(cell.get_attribute("data-value")) - values[0, layer]) < 1e-9


def test_pause_stops_and_going_back_shows_the_same_numbers(playground, helpers):
    page = playground(f"{FRESH}&until=20000")
    press(page, helpers, "step")
    one = shown(page, helpers)
    page.click("[data-name=play]")
    helpers.until(page, "Number(document.querySelector('[data-name=epochs]').dataset.value) > 5")
    page.click("[data-name=play]")
    rested(page, helpers)
    at = epochs(page, helpers)
    page.wait_for_timeout(300)
    assert epochs(page, helpers) == at
    page.focus("[data-name=rewind]")
    page.keyboard.press("Home")
    rested(page, helpers)
    page.keyboard.press("ArrowRight")
    rested(page, helpers)
    assert shown(page, helpers) == one
    assert "epoch 1" in page.get_attribute("[data-name=rewind]", "aria-valuetext")


def test_a_slow_play_stops_where_it_is_to(playground, helpers):
    page = playground(f"{FRESH}&speed=slow10&until=4")
    page.click("[data-name=play]")
    helpers.until(page, f"{PANEL}.running === 'true'")
    helpers.until(page, "document.querySelector('[data-name=epochs]').dataset.value === '4'")
    rested(page, helpers)
    page.wait_for_timeout(300)
    assert epochs(page, helpers) == [4, 4]


def test_a_rate_does_not_reset_and_a_layer_resets_its_side_alone(playground, helpers):
    page = playground()
    press(page, helpers, "step")
    page.fill("[data-name=lr-typed]", "0.3")
    page.keyboard.press("Enter")
    rested(page, helpers)
    assert epochs(page, helpers) == [1, 1]
    press(page, helpers, "step")
    page.locator(".as-own summary").nth(1).click()
    page.select_option("[data-name=phi-b-3]", "tanh")
    rested(page, helpers)
    assert epochs(page, helpers) == [2, 0]
    assert page.input_value("[data-name=phi-b]") == "*"
    press(page, helpers, "step")
    assert epochs(page, helpers) == [3, 1]
    before = shown(page, helpers)
    helpers.until(
        page, "location.hash.includes('pastA=0%3A0.1') && location.hash.includes('atA=3')"
    )
    page.reload()
    page.wait_for_selector("[data-panel=playground]")
    rested(page, helpers)
    assert shown(page, helpers) == before  # with the rates of each epoch
    assert page.input_value("[data-name=phi-b-3]") == "tanh"
    assert page.input_value("[data-name=lr-typed]") == "0.3"


def test_a_rate_of_a_million_gets_a_banner_that_says_what_to_change(playground, helpers):
    page = playground(
        "playground?depth=6&width=16&lr=1000000&draws=actscope&atA=0&atB=0&until=20", scheme="dark"
    )
    assert not page.is_visible("[data-name=banner]")
    press(page, helpers, "play")
    banner = page.inner_text("[data-name=banner]")
    assert "ReLU has held no numbers any more since epoch" in banner
    assert "Lower the learning rate from 1e+06 to 0.1 or less" in banner
    readout = page.locator('[data-name="train_loss-a"]')
    assert readout.get_attribute("data-value") == "NaN"
    assert readout.inner_text() == "–"
    page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    complaints = helpers.complaints_of_axe(page)
    assert not complaints, complaints


def test_a_window_that_is_not_seen_rests_and_another_has_its_own_networks(playground, helpers):
    page = playground(f"{FRESH}&until=20000")
    other = playground(f"{FRESH}&until=20000")
    page.click("[data-name=play]")
    helpers.until(page, "Number(document.querySelector('[data-name=epochs]').dataset.value) > 3")
    # what a browser does with a hidden tab: no animation frames
    page.evaluate(
        "window.kept = []; window.own = requestAnimationFrame;"
        "window.requestAnimationFrame = (f) => kept.push(f); 0"
    )
    page.wait_for_timeout(300)
    hidden = epochs(page, helpers)[0]
    page.wait_for_timeout(1000)
    page.evaluate("window.requestAnimationFrame = own; kept.forEach((f) => own(f))")
    page.wait_for_timeout(30)
    page.click("[data-name=play]")
    rested(page, helpers)
    assert 0 <= epochs(page, helpers)[0] - hidden < 60
    assert epochs(other, helpers) == [0, 0]


def test_the_plane_has_the_classs_colour_under_every_training_point(playground, helpers):
    page = playground(
        "playground?data=xor&noise=0.15&width=16&optimiser=adam&lr=0.02&atA=250&atB=250&points-off=1"
    )
    sides = shown(page, helpers)
    points = points_of(Data("xor", noise=0.15), False)
    looked = 0
    for side, name in zip(sides, "ab", strict=True):
        if side["train_accuracy"] < 1.0:
            continue
        looked += 1
        pixels = json.dumps(np.column_stack([
            (points.x[:, 0] - points.low[0]) / (points.high[0] - points.low[0]),
            (points.x[:, 1] - points.low[1]) / (points.high[1] - points.low[1]),
        ]).tolist())  # fmt: skip
        found = page.evaluate(
            f"""() => {{
              const canvas = document.querySelector('canvas[data-name=plane-{name}]');
              const [left, top, right, bottom] = canvas.dataset.box.split(' ').map(Number);
              const g = canvas.getContext('2d');
              const scale = canvas.width / canvas.clientWidth;
              return {pixels}.map(([u, v]) => [...g.getImageData(
                scale * (left + u * (right - left)),
                scale * (bottom - v * (bottom - top)), 1, 1).data]);
            }}"""
        )
        for (red, _, blue, _), label in zip(found, points.y, strict=True):
            if min(red, blue) > 60:  # not the boundary's line, nor the picked point's ring
                assert (red > blue) == (label == 1), (red, blue, label)
    assert looked


def test_the_layer_picker_changes_scatter_and_trace(playground, helpers):
    page = playground(f"{START}&atA=5&atB=5")
    scatter = page.get_attribute("canvas[data-name=hidden-a]", "aria-label")
    assert scatter.startswith("Layer 6 of ReLU")
    assert "h₆ marked" in page.get_attribute("canvas[data-name=signal]", "aria-label")
    page.focus(".as-hidden-controls input[type=range]")
    page.keyboard.press("ArrowLeft")
    rested(page, helpers)
    assert page.get_attribute("canvas[data-name=hidden-a]", "aria-label").startswith(
        "Layer 5 of ReLU"
    )
    assert "h₅ marked" in page.get_attribute("canvas[data-name=signal]", "aria-label")
    page.check("[data-name=mode] input[value=units]", force=True)
    page.fill("[data-name=unitX]", "3")
    page.keyboard.press("Enter")
    rested(page, helpers)
    page.click("[data-chart=hidden-a] button")
    points, _, expected = trained(5)
    h = points.x
    w = expected.weights(0)
    for W, b in list(zip(w.W, w.b, strict=True))[:5]:
        h = np.maximum(h @ W + b, 0.0)
    cell = page.locator("[data-chart=hidden-a] tbody tr").nth(7).locator("td").nth(2)
    assert abs(float(cell.get_attribute("data-value")) - h[7, 2]) < 1e-5


def test_by_keyboard_alone(playground, helpers):
    page = playground(f"{FRESH}&until=20000")
    page.keyboard.press(".")
    rested(page, helpers)
    assert epochs(page, helpers) == [1, 1]
    page.keyboard.press("Space")
    helpers.until(page, f"{PANEL}.running === 'true'")
    page.keyboard.press("Space")
    rested(page, helpers)
    assert epochs(page, helpers)[0] >= 1
    page.keyboard.press("r")
    rested(page, helpers)
    assert epochs(page, helpers) == [0, 0]
    page.focus("[data-name=seed]")
    page.keyboard.press(".")  # in a field it is a letter
    page.wait_for_timeout(200)
    assert epochs(page, helpers) == [0, 0]
    page.focus("[data-name=step]")
    page.keyboard.press("Enter")
    rested(page, helpers)
    assert epochs(page, helpers) == [1, 1]
    page.uncheck("[data-name=keys]")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press(".")
    page.wait_for_timeout(200)
    assert epochs(page, helpers) == [1, 1]


def test_the_users_own_table(playground, helpers, tmp_path):
    page = playground("playground?atA=0&atB=0&until=5")
    page.select_option("[data-name=data]", "table")
    bad = tmp_path / "bad.csv"
    bad.write_text("a,b\n1,2\n")
    page.set_input_files("[data-name=file]", str(bad))
    page.wait_for_selector("[data-panel=playground] .as-complaint:visible")
    assert "expected at least 20" in page.inner_text(
        "[data-panel=playground] .as-complaint:visible"
    )
    good = tmp_path / "good.csv"
    good.write_text(
        "x,y,kind\n" + "".join(f"{i % 9},{i % 4},{'ab'[i % 9 > 4]}\n" for i in range(80))
    )
    page.set_input_files("[data-name=file]", str(good))
    rested(page, helpers)
    press(page, helpers, "play")
    before = shown(page, helpers)
    assert before[0]["epoch"] == 5
    assert "class a" in page.inner_text(".as-legend >> nth=0")
    page.reload()
    page.wait_for_selector("[data-panel=playground]")
    rested(page, helpers)
    assert shown(page, helpers) == before


def test_what_is_refused_gets_a_sentence_and_the_old_stays(playground, helpers):
    page = playground()
    page.select_option("[data-name=phi-a]", "?")
    page.fill("[data-name=typed-a]", "__import__('os')")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-panel=playground] .as-complaint:visible")
    press(page, helpers, "step")
    assert epochs(page, helpers) == [1, 1]
    assert page.input_value("[data-name=phi-a]") == "relu"


def test_64_seeds_on_a_phone_and_controls_put_away_for_teaching(playground, helpers):
    page = playground(
        "playground?many=1&atA=10&atB=10&hide=shared&hide=transport", width=390, height=844
    )
    assert "64 seeds" in page.inner_text("[data-name=net-a]")
    assert not page.is_visible("[data-name=play]")
    assert not page.is_visible("[data-name=lr-typed]")
    assert helpers.sideways(page) <= 0
    expected = train(
        Net(2), points_of(Data(), False), Training(epochs=10, dtype="float64"), seeds=range(42, 106)
    )
    assert helpers.number(page, "test_accuracy-a") == np.sort(expected.test_accuracy[:, -1])[31]
