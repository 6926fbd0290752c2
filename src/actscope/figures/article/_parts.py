"""What the five figures share."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from actscope.article.result import ArticleResult, Outcome
from actscope.figures.colours import (
    CLASS_MARKERS,
    CLASSES,
    LINE,
    NOTHING,
    PANEL,
    SeriesStyle,
    series_styles,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

X_LABELS = ("x₁ (standard deviations)", "x₂ (standard deviations)")
MARKER_AREAS = (34.0, 42.0)  # square points; a triangle needs more to look as large as a circle


def with_styles(result: ArticleResult) -> list[tuple[Outcome, SeriesStyle]]:
    """Every outcome with the way it is drawn."""
    return list(zip(result.outcomes, series_styles([o.key for o in result.outcomes]), strict=True))


def columns_and_rows(count: int) -> tuple[int, int]:
    """The grid for so many panels."""
    columns = {1: 1, 2: 2, 3: 3, 4: 2, 5: 3, 6: 3}.get(count, 4)
    return columns, math.ceil(count / columns)


def panel_size(columns: int) -> tuple[float, float]:
    """Width and height of a panel, inches, when so many stand in a row."""
    return {1: (5.6, 4.4), 2: (4.6, 4.0), 3: (3.4, 3.1)}.get(columns, (2.9, 2.7))


def draw_classes(ax: Axes, points: Any, labels: Any) -> None:
    """Points as circles (class 0) and triangles (class 1), each outlined in the panel's colour."""
    for kind in (0, 1):
        chosen = points[labels == kind]
        ax.scatter(
            chosen[:, 0],
            chosen[:, 1],
            s=MARKER_AREAS[kind],
            c=CLASSES[kind],
            marker=CLASS_MARKERS[kind],
            edgecolors=PANEL,
            linewidths=0.7,
            label=f"class {kind}",
        )


def hatch(ax: Axes) -> None:
    """Fill a panel that has nothing to show, or what stays free in it, hatched in grey."""
    ax.set_facecolor(NOTHING)
    whole: dict[str, Any] = {
        "transform": ax.transAxes,
        "fill": False,
        "hatch": "///",
        "edgecolor": LINE,
    }
    ax.fill([0, 1, 1, 0], [0, 0, 1, 1], zorder=0.5, **whole)


def legend_row(figure: Figure, ax: Axes) -> None:
    """What a panel holds, in a row under the headline."""
    handles, labels = ax.get_legend_handles_labels()
    columns = math.floor(figure.get_size_inches()[0] / 2.4)
    figure.legend(
        handles,
        labels,
        loc="upper left",
        ncols=columns,
        bbox_to_anchor=(0.005, 1 - 0.56 / figure.get_size_inches()[1]),
        borderpad=0.2,
        handletextpad=0.5,
        handlelength=2.8,
    )


def legend_rows(figure_width: float, entries: int) -> int:
    """How many rows `legend_row` needs."""
    return math.ceil(entries / math.floor(figure_width / 2.4))
