"""The signal's magnitude, layer by layer, for the two followed points."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from actscope.article.network import STAGES
from actscope.article.result import ArticleResult
from actscope.figures.article._parts import legend_row, legend_rows, with_styles
from actscope.figures.colours import PANEL, SeriesStyle
from actscope.figures.labels import LineEnd, name_lines, shorten, spread_apart
from actscope.figures.sheet import Room, headline, sheet, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIDES = ("in", "out", "in", "out", "logit")
MOST_WITH_VALUES = 3  # more values than that at one stage hide the lines


@styled
def signal_trace(result: ArticleResult) -> Figure:
    """The mean magnitude at z₁, a₁, z₂, a₂ and z₃, one panel a point, on one log axis."""
    count = len(result.outcomes)
    top = 0.95 + 0.25 * legend_rows(11.2, count)
    many = count > MOST_WITH_VALUES  # then names stand at the lines' ends, and no values
    figure, [panels] = sheet(1, 2, 4.7, 4.1, Room(top=top, left=0.8, right=2.9 if many else 0.2))
    traces = [[outcome.trace(kind) for outcome in result.outcomes] for kind in (0, 1)]
    limits = _limits(np.array(traces))
    for kind, ax in enumerate(panels):
        ax.set_yscale("log")
        ax.set(ylim=limits, xlim=(-0.35, len(STAGES) - 0.25))
        for values, (outcome, style) in zip(traces[kind], with_styles(result), strict=True):
            _trace(ax, values, style, shorten(outcome.label))
        if not many:
            _values(ax, traces[kind], [style for _, style in with_styles(result)])
        ax.set_xticks(range(5), [f"{s}\n{side}" for s, side in zip(STAGES, SIDES, strict=True)])
        x, y = result.data.far_point(kind)
        place = f"({x:.2f}, {y:.2f})".replace("-", "−")
        ax.set_title(f"class {kind}, the point at {place}")
        _plain_ticks(ax)
    if many:
        name_lines(panels[1], _ends(result), from_x=0.885)
    panels[0].set_ylabel("mean magnitude over the layer's units (log axis)")
    legend_row(figure, panels[0])
    line = "zᵢ goes into the activation of layer i, aᵢ comes out; z₃ goes into the last sigmoid"
    headline(figure, "The signal, layer by layer", line)
    return figure


def _ends(result: ArticleResult) -> list[LineEnd]:
    """Where the lines of the right panel end, on the scale of its axis."""
    ends = []
    for outcome, style in with_styles(result):
        last, words = float(outcome.trace(1)[-1]), shorten(outcome.label)
        if not math.isfinite(last):
            words += "  diverged"
        ends.append(LineEnd(words, style, last if 0 < last < math.inf else 1e-300))
    return ends


def _limits(values: Any) -> tuple[float, float]:
    """The log axis' ends: all positive values, and room for an exact zero's mark."""
    positive = values[np.isfinite(values) & (values > 0)]
    if not len(positive):
        return 0.1, 10.0
    return float(positive.min()) / 1.6, float(positive.max()) * 1.7


def _trace(ax: Axes, values: Any, style: SeriesStyle, label: str) -> None:
    """One activation's trace; an exact zero is drawn at the floor with a mark, never dropped."""
    floor = ax.get_ylim()[0]
    shown = np.where(np.isfinite(values), np.maximum(values, floor), np.nan)
    look: dict[str, Any] = {
        "color": style.colour,
        "linestyle": style.linestyle,
        "marker": style.marker,
    }
    ax.plot(shown, label=label, clip_on=False, **look)
    for stage in np.flatnonzero(np.asarray(values) == 0.0):
        ax.annotate("0", (stage, floor), (5, 3), textcoords="offset points", color=style.colour)


def _values(ax: Axes, traces: list[Any], styles: list[SeriesStyle]) -> None:
    """Write every value beside its marker, moved apart where they would overlap."""
    low, high = np.log(ax.get_ylim())
    gap = 0.058 * (high - low)
    for stage in range(len(STAGES)):
        told = [(float(t[stage]), style) for t, style in zip(traces, styles, strict=True)]
        told = [(value, style) for value, style in told if 0 < value < math.inf]
        places = spread_apart([math.log(v) for v, _ in told], gap, low + gap, high - gap)
        for (value, style), place in zip(told, places, strict=True):
            ax.annotate(
                f"{value:.3g}" if value >= 100 or value < 1e-3 else f"{value:.3f}",
                (stage, math.exp(place)),
                (7, 0),
                textcoords="offset points",
                va="center",
                size=9,
                color=style.colour,
                weight="bold",
                bbox={"facecolor": PANEL, "edgecolor": "none", "pad": 0.6, "alpha": 0.85},
            )


def _plain_ticks(ax: Axes) -> None:
    """1, 3, 10 … on a short log axis, powers of ten on a long one; plain numbers."""
    from matplotlib.ticker import LogLocator

    low, high = ax.get_ylim()
    short = math.log10(high / low) < 4
    ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 3.0) if short else (1.0,), numticks=12))
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ax.yaxis.minorticks_off()
