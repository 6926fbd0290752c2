"""Where the test points lie in both hidden layers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from actscope.article.result import ArticleResult, Outcome
from actscope.figures.article._parts import draw_classes, hatch, legend_row, panel_size
from actscope.figures.colours import MUTED
from actscope.figures.labels import shorten
from actscope.figures.sheet import Room, headline, sheet, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@styled
def hidden_space(result: ArticleResult) -> Figure:
    """The outputs of the first two units of both layers, with each layer's spread."""
    count = len(result.outcomes)
    beside = count == 1 or count > 3  # layer 2 to the right of layer 1, not below it
    columns = {1: 2, 2: 2, 3: 3}.get(count, 4)
    panels = [(outcome, row) for outcome in result.outcomes for row in (0, 1)]
    rows = math.ceil(len(panels) / columns)
    room = Room(top=1.35, across=0.7, down=1.15)
    figure, grid = sheet(rows, columns, *panel_size(columns), room)
    for i, (outcome, row) in enumerate(panels):
        at = divmod(i, columns) if beside else (row, i // 2)
        ax = grid[at[0]][at[1]]
        _layer(ax, outcome, row, 22 if columns > 3 else 26)
        ax.set_ylabel("output of unit 2" if at[1] == 0 else "")
    for ax in [ax for line in grid for ax in line][len(panels) :]:
        ax.set_axis_off()
    legend_row(figure, grid[0][0])
    line = (
        "test points; spread: standard deviation over all points and units; "
        "silent: the same for every point"
    )
    if count > 1:
        line += "; each panel has its own axes"
    headline(figure, "The hidden space", line)
    return figure


def _layer(ax: Axes, outcome: Outcome, row: int, most: int) -> None:
    """One layer of one network, its name of at most so many letters."""
    layer, spread = outcome.hidden[row], outcome.spreads[row]
    good = np.isfinite(layer[:, :2]).all(axis=1)
    draw_classes(ax, layer[good, :2], outcome.data.y_test[good])
    if not good.any():
        hatch(ax)
        ax.set(xticks=[], yticks=[])
    words = f"spread {spread:.4f}" if math.isfinite(spread) else "diverged"
    if silent := outcome.silent_units[row]:
        words += f", {silent} of {layer.shape[1]} units silent"
    ax.set_title(f"{shorten(outcome.label, most)}, layer {row + 1}", pad=23)
    ax.annotate(
        words, (0, 1), (0, 6), xycoords="axes fraction", textcoords="offset points", color=MUTED
    )
    ax.set_xlabel("output of unit 1")
    ax.margins(0.09)
