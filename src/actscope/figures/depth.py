"""Gradient through depth: products of slopes, and what untrained networks measure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from actscope.figures.colours import series_styles
from actscope.figures.labels import LineEnd, name_lines, shorten
from actscope.figures.sheet import Room, headline, sheet, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Line = NDArray[np.floating[Any]]


@styled
def depth_figure(
    keys: Sequence[str],
    products: Sequence[tuple[str, Line]],
    measured: Sequence[Line | None],
) -> Figure:
    """Two panels that share their axes: the product of slopes, and the measured gradient.

    Args:
        keys: of the activations, for their colours.
        products: label and log10 of the product after 0, 1, … layers, one an activation.
        measured: log10 of a layer's gradient norm over the output layer's, by activations passed;
            None where the init does not apply.

    Example:
        >>> line = np.array([0.0, -0.6, -1.2])
        >>> figure = depth_figure(["sigmoid"], [("Sigmoid", line)], [line])
        >>> len(figure.axes)
        2
    """
    figure, [[left, right]] = sheet(1, 2, 3.6, 3.2, Room(top=0.95, right=1.6, across=1.9))
    labels = [label for label, _ in products]
    lines = [line for _, line in products]
    finite = [
        v for line in (*lines, *measured) if line is not None for v in line[np.isfinite(line)]
    ]
    low, high = (min(finite), max(finite)) if finite else (-1.0, 0.0)
    room = 0.06 * max(high - low, 1.0)
    for ax, drawn, title in (
        (left, lines, "Product of slopes"),
        (right, measured, "Measured gradient over the output layer's"),
    ):
        ax.set(xlabel="activations passed on the way down", ylim=(low - room, high + room))
        ax.set_title(title, loc="left", fontsize=10)
        ax.yaxis.set_major_formatter(lambda v, _: f"$10^{{{v:g}}}$")
        _lines(ax, keys, labels, drawn)
    headline(figure, "Gradient through depth")
    return figure


def _lines(
    ax: Axes, keys: Sequence[str], labels: Sequence[str], drawn: Sequence[Line | None]
) -> None:
    """One line an activation, named at its end; an exact 0 lies on the floor with crosses."""
    floor = ax.get_ylim()[0]
    ends = []
    for label, line, style in zip(labels, drawn, series_styles(keys), strict=True):
        if line is None:
            continue
        x = np.arange(len(line))
        zero = np.isneginf(line)
        y = np.where(zero, floor, line)
        ax.plot(x, y, color=style.colour, linestyle=style.linestyle, linewidth=2)
        ax.plot(x[zero], y[zero], "x", color=style.colour, clip_on=False)
        ends.append(LineEnd(shorten(label, 18), style, float(y[-1])))
        ax.set_xlim(0, len(line) - 1)
    name_lines(ax, ends, gap=0.075)
