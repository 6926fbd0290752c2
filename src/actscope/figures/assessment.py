"""An assessment: value and slope, correlation map, fidelity by layer and format, gradients."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from actscope.activations._base import Activation
from actscope.assessment.assess import Assessment, Subject
from actscope.figures.activations import broken_axis
from actscope.figures.colours import LINE, MUTED, SeriesStyle, series_styles
from actscope.figures.labels import LineEnd, name_lines, shorten
from actscope.figures.sheet import Room, headline, sheet, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
SPAN = 4.0
NAMES = Room(top=1.05, left=0.8, right=1.75, across=2.2)  # names of lines right of each panel
WIDE, HIGH = 4.2, 3.6
FLOOR = 1e-30  # of gradient ratios: an exact 0 is drawn here


@styled
def value_and_slope(assessment: Assessment) -> Figure:
    """The activation and its peers: values in one panel, slopes in the other."""
    figure, [[left, right]] = sheet(1, 2, WIDE, HIGH, NAMES)
    draws: tuple[tuple[Axes, str, Callable[[Activation], Callable[..., Any]]], ...] = (
        (left, "value", lambda one: one.__call__),
        (right, "slope", lambda one: one.slope_at),
    )
    for ax, title, reader in draws:
        ends = []
        for subject, style, width in _series(assessment):
            x = broken_axis(SPAN, [k for k in subject.activation.kinks if abs(k) < SPAN])
            y = reader(subject.activation)(x)
            ax.plot(x, y, color=style.colour, linestyle=style.linestyle, linewidth=width)
            ends.append(LineEnd(_name(subject), style, float(y[-1])))
        ax.axhline(0, color=LINE, linewidth=0.8)
        ax.axvline(0, color=LINE, linewidth=0.8)
        ax.set(xlim=(-SPAN, SPAN), xlabel="x")
        ax.set_ylim(max(ax.get_ylim()[0], -SPAN), min(ax.get_ylim()[1], SPAN))
        ax.set_title(title)
        name_lines(ax, ends)
    headline(figure, "Value and slope", "the activation assessed is the thick line")
    return figure


@styled
def correlation_maps(assessment: Assessment) -> Figure:
    """One layer's map of the correlation of two inputs, and its iterates from 0.5."""
    figure, [[left, right]] = sheet(1, 2, WIDE, HIGH, Room(top=1.05))
    for panel, (ax, title) in enumerate(((left, "uncentred"), (right, "centred"))):
        for subject, style, width in _series(assessment):
            c, *both = subject.theory.correlations
            drawn: dict[str, Any] = {
                "color": style.colour,
                "linestyle": style.linestyle,
                "linewidth": width,
            }
            ax.plot(c, both[panel], label=_name(subject), **drawn)
        steps = assessment.subject.theory.iterates[panel]
        ax.plot(*_cobweb(steps), color=MUTED, linewidth=0.9)
        ax.plot(steps[0], steps[0], "o", color=MUTED, markersize=5)
        ax.plot([0, 1], [0, 1], color=LINE, linewidth=0.8)
        ax.set(xlim=(0, 1), ylim=(0, 1.02))
        ax.set(xlabel="correlation of two inputs of a layer", ylabel="of its outputs")
        ax.set_title(title)
        ax.legend(loc="lower right")  # all lines end in one point, so none is named there
    line = f"thin steps: {assessment.subject.activation.label} from 0.5, layer after layer"
    headline(figure, "What a layer does to angles", line)
    return figure


@styled
def fidelity_by_layer(assessment: Assessment) -> Figure:
    """How well a linear reader finds the distance to the boundary, by layer and number format."""
    accounts = assessment.subject.accounts
    figure, [axes] = sheet(1, len(accounts), WIDE, HIGH, replace(NAMES, top=1.3))
    colour = _series(assessment)[0][1].colour
    for ax, (init, found) in zip(axes, accounts.items(), strict=True):
        ends = []
        formats = series_styles([f"format {kind}" for kind in found.fidelity])
        for (kind, values), dash in zip(found.fidelity.items(), formats, strict=True):
            style = SeriesStyle(colour, colour, dash.dash, dash.marker)
            y, low, high = _quartiles(values)
            x = np.arange(len(y))
            ax.plot(x, y, color=colour, linestyle=style.linestyle, linewidth=1.8)
            if kind == "float64":
                ax.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
            ends.append(LineEnd(kind, style, float(y[-1]) if np.isfinite(y[-1]) else 0.0))
        for peer, style, _ in _series(assessment)[1:]:
            if init in peer.accounts:
                at = list(found.depths)
                y = _quartiles(peer.accounts[init].fidelity["float64"])[0][at]
                name = f"{_name(peer)}, float64"
                ax.plot(at, y, style.marker, color=style.colour, label=name, clip_on=False)
        ax.axhline(0, color=LINE, linewidth=0.8)
        ax.set(xlim=(0, max(found.depths)), ylim=(-0.1, 1.05))
        ax.set(xlabel="layer (0: the input)", ylabel="R² of the distance to the boundary")
        ax.set_title(f"{init} weights")
        name_lines(ax, ends)
    _marker_legend(figure, axes[0])
    title = f"What is left of the distance to the boundary: {_name(assessment.subject)}"
    words = "linear reader; median of the networks, and their middle half in float64"
    headline(figure, title, words)
    return figure


@styled
def gradient_by_layer(assessment: Assessment) -> Figure:
    """The gradient of each layer's weights over the last layer's, in the deepest network."""
    deepest = max(assessment.setup.depths)
    accounts = assessment.subject.accounts
    figure, [axes] = sheet(1, len(accounts), WIDE, HIGH, NAMES)
    for ax, init in zip(axes, accounts, strict=True):
        ends = []
        for subject, style, width in _series(assessment):
            if init not in subject.accounts:
                continue
            values = subject.accounts[init].gradients[deepest][:, 1:]
            y, low, high = (np.maximum(q, FLOOR) for q in _quartiles(values))
            x = np.arange(1, len(y) + 1)
            ax.plot(x, y, color=style.colour, linestyle=style.linestyle, linewidth=width)
            ax.fill_between(x, low, high, color=style.colour, alpha=0.12, linewidth=0)
            ends.append(LineEnd(_name(subject), style, float(y[-1])))
        ax.set_yscale("log")
        bottom, top = ax.get_ylim()
        ax.set(xlim=(1, deepest), ylim=(min(bottom, 1e-2), max(top, 1e2)))
        ax.set(xlabel="hidden layer", ylabel="gradient norm over the output layer's")
        ax.set_title(f"{init} weights")
        name_lines(ax, ends)
    words = f"{deepest} hidden layers, untrained; median of the networks and their middle half"
    headline(figure, "The gradient, layer by layer", words)
    return figure


FIGURES: dict[str, Callable[[Assessment], Figure]] = {
    "value_and_slope": value_and_slope,
    "correlation_maps": correlation_maps,
    "fidelity_by_layer": fidelity_by_layer,
    "gradient_by_layer": gradient_by_layer,
}


def _series(assessment: Assessment) -> list[tuple[Subject, SeriesStyle, float]]:
    """Every activation with its style and line width; the one assessed is thick."""
    styles = series_styles([s.activation.key for s in assessment.subjects])
    widths = [3.0] + [1.4] * (len(styles) - 1)
    return list(zip(assessment.subjects, styles, widths, strict=True))


def _name(subject: Subject) -> str:
    return shorten(subject.activation.label, 16)


def _cobweb(steps: NDArray[Any]) -> tuple[list[float], list[float]]:
    """The staircase between the map and the diagonal that an iteration walks."""
    x, y = [float(steps[0])], [float(steps[0])]
    for here, there in itertools.pairwise(steps):
        x += [float(here), float(there)]
        y += [float(there), float(there)]
    return x, y


def _quartiles(values: NDArray[Any]) -> tuple[Floats, Floats, Floats]:
    """Median and quartiles of each column over what is not NaN, each (columns,)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a column of NaN stays NaN
        low, median, high = np.nanpercentile(values, [25, 50, 75], axis=0)
    return median, low, high


def _marker_legend(figure: Figure, ax: Axes) -> None:
    """What the peers' markers are, in one line under the headline."""
    handles, labels = ax.get_legend_handles_labels()
    if not handles:
        return
    high = figure.get_size_inches()[1]
    anchor: Sequence[float] = (0.005, 1 - 0.55 / high)
    figure.legend(handles, labels, loc="upper left", bbox_to_anchor=anchor, ncols=len(labels))
