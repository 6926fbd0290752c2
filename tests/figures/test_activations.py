"""The grid of activations: every record of the catalogue draws, kinks are marked, nothing jumps."""

import numpy as np
import pytest

from actscope.activations import SHELF, activation
from actscope.errors import BadParameter, InputError
from actscope.figures.activations import activation_figure, activation_grid, broken_axis
from actscope.figures.sheet import render


@pytest.mark.parametrize("count", [1, 2, None])
def test_layout(count, words, check_layout):
    records = list(SHELF)[:count]
    figure = activation_grid(records)
    check_layout(figure)
    said = words(figure)
    for record in records:
        assert record.label in said
    assert "value" in said
    assert "slope" in said


@pytest.mark.parametrize("record", list(SHELF), ids=lambda r: r.name)
def test_lines_are_the_function(record):
    figure = activation_figure(record, span=4.0)
    ax = figure.axes[0]
    value, slope = ax.lines[2], ax.lines[3]
    x = value.get_xdata()
    good = ~np.isnan(x)
    np.testing.assert_array_equal(value.get_ydata()[good], record(x[good]))
    np.testing.assert_array_equal(slope.get_ydata()[good], record.slope_at(x[good]))
    rings = [line.get_xdata()[0] for line in ax.lines[4:]]
    assert rings == [k for k in record.kinks if abs(k) < 4.0]
    assert (~good).sum() == len(rings)


def test_no_line_bridges_a_jump():
    x = broken_axis(2.0, [-0.5, 0.5])
    parts = np.split(x, np.flatnonzero(np.isnan(x)))
    assert len(parts) == 3
    assert np.nanmax(parts[0]) < -0.5 < np.nanmin(parts[1])
    assert np.nanmax(parts[1]) < 0.5 < np.nanmin(parts[2])


def test_same_colour_as_elsewhere():
    ax = activation_figure(activation("leaky_relu", slope=0.2)).axes[0]
    assert ax.lines[2].get_color() == "#CC79A7"
    assert ax.get_title(loc="left") == "Leaky ReLU (slope=0.2)"
    assert ax.lines[2].get_linestyle() == "-"
    assert ax.lines[3].get_linestyle() == "--"


def test_heights_stay_readable():
    low, high = activation_figure(activation("x**3 + exp(x)"), span=5.0).axes[0].get_ylim()
    assert (low, high) == pytest.approx((-5.7, 5.7))


def test_typed_expressions_draw(is_png):
    assert is_png(render(activation_grid([activation("max(x, 0.3*x)")]), "png"))


@pytest.mark.parametrize("span", [0.0, -1.0, float("inf"), float("nan")])
def test_bad_span(span):
    with pytest.raises(BadParameter, match="span"):
        activation_grid([activation("relu")], span=span)


def test_none_and_too_many():
    for count in (0, 49):
        with pytest.raises(InputError, match=f"{count} activations"):
            activation_grid([activation("relu")] * count)
