"""The table of colours: contrast, and that series can be told apart in every view."""

import itertools

import pytest

from actscope.figures import colours
from actscope.figures.colours import DASHES, MARKERS, lighter, series_styles


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, two):
    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_series_stand_out():
    light = [*colours.SERIES_LIGHT.values(), colours.OTHER_LIGHT]
    assert min(contrast(c, colours.PANEL) for c in light) >= 3.0
    dark_panel = colours.LIGHT_TO_DARK[colours.PANEL]
    dark = [*colours.SERIES_DARK.values(), colours.OTHER_DARK]
    assert min(contrast(c, dark_panel) for c in dark) >= 5.0


@pytest.mark.parametrize("back", ["#FFFFFF", "#F7F7F5"])
def test_text_is_readable(back):
    assert contrast(colours.TEXT, back) >= 7.0
    assert contrast(colours.MUTED, back) >= 5.5


def test_every_light_colour_has_a_dark_one():
    for colour in (*colours.SERIES_LIGHT.values(), colours.OTHER_LIGHT, colours.TEXT):
        assert colours.LIGHT_TO_DARK[colour] != colour
    assert set(colours.SERIES_LIGHT) == set(colours.SERIES_DARK)


@pytest.mark.parametrize("count", range(1, 9))
def test_no_two_series_look_alike(count):
    names = ["relu", "relu6", "gelu", "sigmoid", "leaky_relu(slope=0.1)", "leaky_relu", "elu", "x"]
    styles = series_styles(names[:count])
    for one, two in itertools.combinations(styles, 2):
        assert (one.colour, one.dash) != (two.colour, two.dash)
        assert one.marker != two.marker


def test_colour_follows_from_the_name_alone():
    alone = series_styles(["tanh"])[0]
    assert series_styles(["gelu", "tanh", "relu"])[1].colour == alone.colour == "#009E73"
    assert series_styles(["tanh(2*x)"])[0].colour == colours.OTHER_LIGHT
    assert series_styles(["tanh*x"])[0].colour == colours.OTHER_LIGHT


def test_enough_dashes_and_markers():
    assert len(set(DASHES)) == len(set(MARKERS)) == 8
    assert DASHES[0] == ()


def test_lighter():
    assert lighter("#000000", 0.0) == "#FFFFFF"
    assert lighter("#123456", 1.0) == "#123456"
