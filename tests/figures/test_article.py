"""The five figures: labels, colours, layout, for one to eight activations; they render."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from actscope.article.run import reproduce
from actscope.article.setup import Setup
from actscope.errors import UnknownName
from actscope.figures.article import FIGURES, draw
from actscope.figures.colours import SERIES_LIGHT
from actscope.figures.sheet import render

OTHERS = ["sigmoid", "relu", "tanh", "leaky_relu(slope=0.25)", "gelu_tanh"]
SAYS = {
    "data_set": ["class 0, training (150)", "class 1, test (50)", "followed", "x₁ (standard"],
    "loss_curves": ["epoch", "binary cross-entropy", "Sigmoid  0.", "ReLU  0."],
    "decision_boundaries": ["probability of class 1", "class 0", "0.5", "Sigmoid:", "ReLU:", "%"],
    "signal_trace": ["z₁", "a₂", "z₃", "log axis", "class 0, the point at (−", "Sigmoid", "ReLU"],
    "hidden_space": ["ReLU, layer 2", "spread", "output of unit 1", "output of unit 2", "class 1"],
}


@pytest.mark.parametrize("name", FIGURES)
def test_says_what_it_shows(runs, name, words):
    said = words(draw(runs[2], name))
    for piece in SAYS[name]:
        assert piece in said, piece


COUNTED = [
    ("data_set", 1),
    *((name, count) for name in ("loss_curves", "signal_trace") for count in (1, 2, 3, 4, 6, 8)),
    *((name, count) for name in ("decision_boundaries", "hidden_space") for count in (1, 2, 3, 6)),
]


@pytest.mark.parametrize(("name", "count"), COUNTED)
def test_layout(runs, name, count, check_layout):
    """Nothing is clipped, too small, or on top of something else."""
    check_layout(draw(runs[count], name))


@pytest.mark.parametrize("name", FIGURES)
def test_layout_of_long_names(name, check_layout):
    """Wide letters, cut typed expressions, several parameters."""
    long = ["rrelu(lower=0.126, upper=0.334)", "where(x > 0, max(x, 1.5*x - 0.25), 0.1*x)"]
    for names in (long, [*long, "0.125*x*sigmoid(1.702*x) + 0.1*sin(3*x)", *OTHERS]):
        check_layout(draw(reproduce(names, setup=Setup(epochs=2)), name))


def test_a_diverged_layer_is_hatched_and_has_no_numbers(diverged, words):
    panels = draw(diverged, "hidden_space").axes
    empty = [ax for ax in panels if ax.patches]
    assert empty and all(not len(ax.get_xticks()) for ax in empty)
    assert all(ax.patches[0].get_hatch() for ax in empty)


@pytest.mark.parametrize("name", FIGURES)
def test_layout_when_a_network_diverged(diverged, name, words, check_layout):
    figure = draw(diverged, name)
    check_layout(figure)
    if name != "data_set":
        assert "diverged" in words(figure) or name == "signal_trace"


def test_the_layout_check_can_fail(runs, check_layout):
    figure = draw(runs[2], "loss_curves")
    figure.text(0.995, 0.5, "clipped at the right")
    with pytest.raises(AssertionError, match="clipped"):
        check_layout(figure)
    figure = draw(runs[2], "loss_curves")
    figure.axes[0].text(0.5, 0.5, "tiny", size=5, transform=figure.axes[0].transAxes)
    with pytest.raises(AssertionError, match="tiny"):
        check_layout(figure)
    figure = draw(runs[2], "loss_curves")
    figure.axes[0].text(0.5, 0, "covers the axis", va="top", transform=figure.axes[0].transAxes)
    with pytest.raises(AssertionError, match="covers"):
        check_layout(figure)


@pytest.mark.parametrize("name", ["loss_curves", "signal_trace"])
def test_an_activation_has_its_colour(runs, name):
    for count in (2, 4):
        lines = {line.get_color() for line in draw(runs[count], name).axes[0].lines}
        own = {SERIES_LIGHT[o.key] for o in runs[count].outcomes if o.key in SERIES_LIGHT}
        assert own <= lines


def test_curves_are_the_losses(runs):
    line = draw(runs[2], "loss_curves").axes[0].lines[1]
    np.testing.assert_array_equal(line.get_ydata(), runs[2]["relu"].losses)
    np.testing.assert_array_equal(line.get_xdata(), np.arange(1, 16))


def test_traces_are_the_traces(runs):
    for kind, ax in enumerate(draw(runs[2], "signal_trace").axes):
        np.testing.assert_array_equal(ax.lines[0].get_ydata(), runs[2]["sigmoid"].trace(kind))


def test_spreads_stand_over_their_own_layer(runs):
    for ax in draw(runs[2], "hidden_space").axes:
        label, _, layer = ax.get_title(loc="left").partition(", layer ")
        outcome = next(o for o in runs[2].outcomes if o.label == label)
        said = [t.get_text() for t in ax.texts]
        assert any(t.startswith(f"spread {outcome.spreads[int(layer) - 1]:.4f}") for t in said)


def test_the_boundary_is_where_the_probability_is_one_half(runs):
    from matplotlib.contour import ContourSet

    panels = draw(runs[2], "decision_boundaries").axes
    for ax, outcome in zip(panels, runs[2].outcomes, strict=False):
        assert f": {outcome.test_accuracy:.1%}" in ax.get_title(loc="left")
        np.testing.assert_array_equal(ax.images[0].get_array(), outcome.probability_map.values)
        lines = [c for c in ax.collections if isinstance(c, ContourSet)]
        assert len(lines) == (outcome.probability_map.values.min() < 0.5)
        for line in lines:
            points = np.concatenate([path.vertices for path in line.get_paths()])
            np.testing.assert_allclose(outcome.network.probability(points), 0.5, atol=0.01)
        drawn = np.concatenate([c.get_offsets() for c in ax.collections if c not in lines])
        assert sorted(map(tuple, drawn)) == sorted(map(tuple, outcome.data.x_test))


def test_many_series_differ_by_dash_and_marker(runs):
    lines = draw(runs[8], "signal_trace").axes[0].lines
    assert len({(line.get_color(), str(line._dash_pattern)) for line in lines}) == 8
    assert len({line.get_marker() for line in lines}) == 8


def test_classes_differ_by_shape(runs):
    first, second = draw(runs[2], "hidden_space").axes[0].collections
    assert len(first.get_paths()[0].vertices) != len(second.get_paths()[0].vertices)
    assert to_hex(first.get_facecolor()[0]) != to_hex(second.get_facecolor()[0])
    hidden = runs[2]["sigmoid"].hidden[0][runs[2].data.y_test == 0, :2]
    np.testing.assert_array_equal(first.get_offsets(), hidden)


def test_an_exact_zero_is_marked(runs):
    """ReLU with all units dead: the trace lies on the floor and says 0."""
    result = runs[1].__class__(runs[2].setup, runs[2].data, runs[2].outcomes)
    relu = result["relu"]
    before = relu.network.b[0].copy()
    try:
        relu.network.b[0][:] = -100.0
        ax = draw(result, "signal_trace").axes[0]
        assert [t.get_text() for t in ax.texts].count("0") == 1
        floor = ax.get_ylim()[0]
        assert ax.lines[1].get_ydata()[1] == floor
    finally:
        relu.network.b[0][:] = before


@pytest.mark.parametrize("name", FIGURES)
def test_renders_the_same_twice(runs, name, is_png):
    png = render(draw(runs[2], name), "png")
    assert is_png(png)
    svgs = {render(draw(runs[2], name), "svg") for _ in range(2)}
    assert len(svgs) == 1
    svg = svgs.pop().decode()
    assert svg.count("<text") > 5  # letters stay letters
    assert "<dc:date>" not in svg


def test_settings_of_the_user_do_not_matter(runs):
    import matplotlib as mpl

    expected = render(draw(runs[2], "loss_curves"), "svg")
    with mpl.rc_context({"font.size": 30, "axes.grid": False, "svg.fonttype": "path"}):
        assert render(draw(runs[2], "loss_curves"), "svg") == expected
        assert mpl.rcParams["font.size"] == 30


def test_unknown_figure(runs):
    with pytest.raises(UnknownName, match="did you mean 'hidden_space'"):
        draw(runs[1], "hiden_space")
