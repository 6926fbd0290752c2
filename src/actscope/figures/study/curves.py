"""Loss and accuracy by epoch, each the mean over the seeds with its 95 % band."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from actscope.figures.colours import MUTED, SeriesStyle, series_styles
from actscope.figures.labels import LineEnd, name_lines, shorten, width_of
from actscope.figures.sheet import Room, headline, sheet, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Series:
    """One line with its band.

    Attributes:
        name: the activation, whose colour it has.
        label: what is written at its end.
        x: epochs.
        loss, accuracy: (3, epochs) mean, low, high; NaN where nothing is known.
    """

    name: str
    label: str
    x: Floats
    loss: Floats
    accuracy: Floats


@dataclass(frozen=True)
class CurvePanel:
    """One row of the figure.

    Attributes:
        title: what it shows.
        series: its lines.
        floor: test accuracy of a linear model; NaN for a regression.
    """

    title: str
    series: tuple[Series, ...]
    floor: float


@styled
def curves(panels: Sequence[CurvePanel], title: str, line: str = "") -> Figure:
    """One row a panel: loss on the left, test accuracy on the right; a regression has loss alone.

    Args:
        panels: at least one, with a series each.
        title: of the figure.
        line: under it.
    """
    labels = [shorten(s.label, 34) for p in panels for s in p.series]
    room = Room(left=0.95, right=1.25 + max(width_of(w) for w in labels), across=0.8, down=0.95)
    accuracies = [bool(np.isfinite([s.accuracy for s in p.series]).any()) for p in panels]
    figure, grid = sheet(len(panels), 2 if any(accuracies) else 1, 3.9, 2.7, room)
    names = list(dict.fromkeys(s.name for p in panels for s in p.series))
    known = dict(zip(names, series_styles(names), strict=True))
    for axes, panel, right in zip(grid, panels, accuracies, strict=True):
        styles = [known[s.name] for s in panel.series]
        loss = _lines(axes[0], panel, styles, "loss")
        _log_where_it_can(axes[0], panel)
        axes[0].set(ylabel="training loss, epoch's mean", title=panel.title, xlabel="epoch")
        if not right:
            for ax in axes[1:]:
                ax.remove()
            name_lines(axes[0], loss)
            continue
        ends = _lines(axes[1], panel, styles, "accuracy")
        if np.isfinite(panel.floor):
            axes[1].axhline(panel.floor, color=MUTED, linewidth=0.9, linestyle=(0, (2, 2)))
        axes[1].set(ylabel="test accuracy", xlabel="epoch")
        name_lines(axes[1], ends)
    headline(figure, title, line)
    return figure


def _lines(ax: Axes, panel: CurvePanel, styles: Sequence[SeriesStyle], which: str) -> list[LineEnd]:
    """Draw every line and its band; where they end."""
    ends = []
    last = max(float(s.x[-1]) for s in panel.series)
    for s, style in zip(panel.series, styles, strict=True):
        middle, low, high = getattr(s, which)
        ax.plot(s.x, middle, color=style.colour, linestyle=style.linestyle, linewidth=1.6)
        ax.fill_between(s.x, low, high, color=style.colour, alpha=0.16, linewidth=0)
        seen = middle[np.isfinite(middle)]
        if len(seen) and s.x[-1] < last:  # its training was shorter: a dot where it ends
            ax.plot(s.x[-1], middle[-1], "o", color=style.colour, markersize=4)
        ends.append(LineEnd(shorten(s.label, 34), style, float(seen[-1]) if len(seen) else 0.0))
    ax.set_xlim(0, last)
    return ends


def _log_where_it_can(ax: Axes, panel: CurvePanel) -> None:
    """A logarithmic axis if the losses lie more than a factor of ten apart."""
    seen = np.concatenate([s.loss[0] for s in panel.series])
    seen = seen[np.isfinite(seen)]
    if len(seen) and seen.min() > 0 and seen.max() > 10 * seen.min():
        ax.set_yscale("log")
        ax.set_ylim(seen.min() / 1.5, min(seen.max(), seen.min() * 1e8) * 1.5)
