"""What layers do, before and after training; and what number formats leave of the accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from actscope.figures.colours import MUTED, OTHER_LIGHT, SeriesStyle, series_styles
from actscope.figures.labels import LineEnd, name_lines, shorten, width_of
from actscope.figures.sheet import Room, headline, sheet, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]


# number formats: no colour that an activation has, each to be read on a light and a dark page
FORMATS = {
    "float64": SeriesStyle(OTHER_LIGHT, "", (), "o"),
    "float32": SeriesStyle(OTHER_LIGHT, "", (5.0, 2.0), "s"),
    "float16": SeriesStyle(MUTED, "", (1.5, 1.5), "D"),
    "bfloat16": SeriesStyle("#2C8FC9", "", (), "v"),
    "fp8_e4m3": SeriesStyle("#B87A00", "", (), "P"),
    "fp8_e5m2": SeriesStyle("#B87A00", "", (3.0, 1.5), "X"),
    "int8": SeriesStyle("#8A6FC0", "", (), "p"),
}


@dataclass(frozen=True, eq=False)
class LayerPanel:
    """Lines over layers (or formats).

    Attributes:
        title: of the panel.
        metric: what is on the vertical axis.
        x: layers; or positions of `names`.
        lines: name (an activation or a format) to (3, layers): median, quartiles.
        before: the same before training, drawn thin; may be empty.
        names: what stands at the positions, if they are no layers.
        floor: where a dotted line stands; NaN for none.
    """

    title: str
    metric: str
    x: Floats
    lines: dict[str, Floats]
    before: dict[str, Floats]
    names: tuple[str, ...] = ()
    floor: float = float("nan")


@styled
def layer_traces(rows: Sequence[Sequence[LayerPanel]], title: str, line: str = "") -> Figure:
    """One row a metric, one column a setting.

    Args:
        rows: of panels, equally many each.
        title: of the figure.
        line: under it.
    """
    columns = len(rows[0])
    names = [shorten(n, 30) for row in rows for p in row for n in p.lines]
    right = 1.15 + max(width_of(n) for n in names)
    room = Room(right=right, across=0.6, down=0.85, top=0.95)
    figure, grid = sheet(len(rows), columns, 3.6 if columns < 3 else 2.6, 2.2, room)
    for axes, panels in zip(grid, rows, strict=True):
        bounds, styles = _bounds(panels), _styles(rows)
        for ax, panel in zip(axes, panels, strict=True):
            ends = []
            for name, values in panel.lines.items():
                style, (middle, low, high) = styles[name], values
                ax.plot(panel.x, middle, color=style.colour, linestyle=style.linestyle, lw=1.7)
                ax.fill_between(panel.x, low, high, color=style.colour, alpha=0.14, linewidth=0)
                if name in panel.before:
                    start = panel.before[name][0]
                    ax.plot(panel.x, start, color=style.colour, ls=style.linestyle, lw=0.7)
                seen = middle[np.isfinite(middle)]
                ends.append(LineEnd(shorten(name, 30), style, seen[-1] if len(seen) else 0.0))
            if bounds.log:
                ax.set_yscale("log")
            ax.set_ylim(bounds.low, bounds.high)
            ax.set(xlabel="layer", xlim=(panel.x[0], panel.x[-1]), title=panel.title)
            if ax is axes[0]:
                ax.set_ylabel(panel.metric)
            if ax is axes[-1]:
                name_lines(ax, ends, gap=0.085)
    headline(figure, title, line)
    return figure


def _styles(rows: Sequence[Sequence[LayerPanel]]) -> dict[str, SeriesStyle]:
    """One style a line for the whole figure."""
    names = list(dict.fromkeys(n for row in rows for p in row for n in p.lines))
    return {n: FORMATS.get(n, s) for n, s in zip(names, series_styles(names), strict=True)}


class _Bounds(NamedTuple):
    """The vertical axis of a row."""

    low: float
    high: float
    log: bool


def _bounds(panels: Sequence[LayerPanel]) -> _Bounds:
    """One scale for a row; logarithmic if its medians lie more than a factor of 100 apart."""
    drawn = [v[0] for p in panels for v in (*p.lines.values(), *p.before.values())]
    seen = np.concatenate(drawn)
    seen = seen[np.isfinite(seen)]
    positive = seen[seen > 0]
    if not len(seen):
        return _Bounds(0.0, 1.0, False)
    if not len(positive) or (seen < 0).any() or positive.max() < 100 * positive.min():
        edge = 0.06 * float(np.ptp(seen)) or 0.05 * max(abs(float(seen[0])), 1e-300)
        return _Bounds(float(seen.min()) - edge, float(seen.max()) + edge, False)
    top = float(positive.max())
    return _Bounds(max(float(positive.min()), top * 1e-12) / 2, top * 2, True)


@styled
def by_format(rows: Sequence[Sequence[LayerPanel]], title: str, line: str = "") -> Figure:
    """Accuracy in each number format: one row an init, one column a depth, one line an activation.

    Args:
        rows: of panels with `names`, the formats; equally many each.
        title: of the figure.
        line: under it.
    """
    names = [shorten(n, 30) for row in rows for p in row for n in p.lines]
    right = 1.15 + max(width_of(n) for n in names)
    room = Room(right=right, across=0.6, bottom=0.9, top=0.95, down=1.25)
    figure, grid = sheet(len(rows), len(rows[0]), 3.2, 2.4, room)
    styles = _styles(rows)
    for axes, panels in zip(grid, rows, strict=True):
        floors = np.array([p.floor for p in panels])
        drawn = [floors, *(np.ravel(v) for p in panels for v in p.lines.values())]
        seen = np.concatenate(drawn)
        seen = seen[np.isfinite(seen)]
        for ax, panel in zip(axes, panels, strict=True):
            ends = []
            shifts = np.linspace(-0.2, 0.2, max(len(panel.lines), 2))
            for (name, values), shift in zip(panel.lines.items(), shifts, strict=False):
                style, (middle, low, high) = styles[name], values
                at, reach = panel.x + shift, [middle - low, high - middle]
                ax.errorbar(
                    at, middle, yerr=reach, color=style.colour, fmt=style.marker, markersize=5,
                    linewidth=1.2,
                )  # fmt: skip
                ax.plot(at, middle, color=style.colour, ls=style.linestyle, lw=0.8)
                ends.append(LineEnd(shorten(name, 30), style, float(middle[-1])))
            if np.isfinite(panel.floor):
                ax.axhline(panel.floor, color=MUTED, linewidth=0.9, linestyle=(0, (2, 2)))
            ax.set_xticks(panel.x, panel.names, rotation=40, ha="right")
            ax.set(title=panel.title, xlim=(-0.5, len(panel.x) - 0.5))
            if len(seen):
                edge = 0.04 * max(float(np.ptp(seen)), 0.01)
                ax.set_ylim(float(seen.min()) - edge, float(seen.max()) + edge)
            if ax is axes[0]:
                ax.set_ylabel(panel.metric)
            if ax is axes[-1]:
                name_lines(ax, ends, gap=0.085)
    headline(figure, title, line)
    return figure
