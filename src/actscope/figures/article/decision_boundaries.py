"""What each network has learnt: the probability of class 1 over the plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from actscope.article.result import ArticleResult, Outcome
from actscope.figures.article._parts import (
    X_LABELS,
    columns_and_rows,
    draw_classes,
    hatch,
    legend_row,
    panel_size,
)
from actscope.figures.colours import BOUNDARY, HEAT, lighter
from actscope.figures.labels import shorten
from actscope.figures.sheet import Room, headline, sheet, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@styled
def decision_boundaries(result: ArticleResult) -> Figure:
    """The probability as a heat map, its 1/2 line, and the test points."""
    count = len(result.outcomes)
    columns, rows = columns_and_rows(count)
    room = Room(top=1.2, right=1.05, across=0.35, down=0.65)
    figure, grid = sheet(rows, columns, *panel_size(columns), room)
    panels = [ax for row in grid for ax in row]
    image: Any = None
    for i, (ax, outcome) in enumerate(zip(panels, result.outcomes, strict=False)):
        image = _probability(ax, outcome)
        draw_classes(ax, outcome.data.x_test, outcome.data.y_test)
        found = f"{outcome.test_accuracy:.1%}" if outcome.diverged_at is None else "diverged"
        ax.set_title(f"{shorten(outcome.label)}: {found}")
        lowest = i + columns >= count  # nothing stands under it
        ax.set_xlabel(X_LABELS[0] if lowest else "")
        ax.set_ylabel(X_LABELS[1] if i % columns == 0 else "")
        ax.tick_params(labelleft=i % columns == 0, labelbottom=lowest)
    for ax in panels[count:]:
        ax.set_axis_off()
    _heat_bar(figure, panels[columns - 1], image)
    legend_row(figure, panels[0])
    points = len(result.data.y_test)
    line = (
        f"probability of class 1, with a dark line where it is 1/2; {points} test points, "
        "and the share of them that is right"
    )
    headline(figure, "Decision boundaries", line)
    return figure


def _probability(ax: Axes, outcome: Outcome) -> Any:
    """Paint the plane and the line where the probability is 1/2; where it is none, hatch."""
    from matplotlib.colors import LinearSegmentedColormap

    low, middle, high = HEAT
    heat = LinearSegmentedColormap.from_list("heat", [lighter(low), middle, lighter(high)])
    x, y, p = outcome.probability_map
    box = (x[0], x[-1], y[0], y[-1])
    scale: dict[str, Any] = {"cmap": heat, "vmin": 0.0, "vmax": 1.0}
    image = ax.imshow(p, extent=box, origin="lower", aspect="auto", **scale)
    if not np.isfinite(p).all():
        hatch(ax)
    elif p.min() < 0.5 < p.max():
        ax.contour(x, y, p, levels=[0.5], colors=BOUNDARY, linewidths=1.5)
    ax.grid(visible=False)
    ax.set(xlim=box[:2], ylim=box[2:])
    return image


def _heat_bar(figure: Figure, beside: Axes, image: Any) -> None:
    """The scale of the probability, to the right of a panel."""
    box, wide = beside.get_position(), figure.get_size_inches()[0]
    bar = figure.colorbar(
        image, cax=figure.add_axes((box.x1 + 0.2 / wide, box.y0, 0.16 / wide, box.height))
    )
    bar.set_ticks([0, 0.5, 1], labels=["0", "0.5", "1"])
    bar.set_label("probability of class 1")
    bar.outline.set_visible(False)
