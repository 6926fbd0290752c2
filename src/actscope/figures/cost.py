"""Figures of cost: accuracy against latency, time an element by size, what swaps change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from actscope.costs.cost import Cost
from actscope.costs.elementwise import Elementwise
from actscope.costs.model import ModelCost
from actscope.figures.colours import LINE, MUTED, TEXT, series_styles
from actscope.figures.labels import shorten, width_of
from actscope.figures.sheet import Room, headline, sheet, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDE, HIGH = 6.4, 4.2
LEGEND = 1.75  # inches right of the panels


@styled
def frontier(cost: Cost) -> Figure:
    """Accuracy against latency, one curve an activation; the smallest that reaches is ringed."""
    figure, [[ax]] = sheet(1, 1, WIDE, HIGH, Room(top=0.85, left=0.85, right=LEGEND + 0.2))
    names = cost.names
    batch = int(cost.frontier.batch.iloc[0])
    for name, style in zip(names, series_styles(names), strict=True):
        for depth, rows in cost.frontier[cost.frontier.activation == name].groupby("depth"):
            rows = rows.sort_values("width")
            x, y = 1e3 * rows.us / batch, 100 * rows.accuracy
            label = shorten(name, 18) + (f", depth {depth}" if len(cost.setup.depths) > 1 else "")
            ax.plot(x, y, color=style.colour, linestyle=style.linestyle, marker=style.marker,
                    label=label, linewidth=1.6, markersize=5)  # fmt: skip
            ringed = rows[rows.chosen & rows.reached]
            at = (1e3 * ringed.us / batch, 100 * ringed.accuracy)
            ax.plot(*at, "o", markersize=13, markerfacecolor="none", markeredgecolor=style.colour)
            for right, up, width in zip(*at, ringed.width, strict=True):
                ax.annotate(f"{width}", (right, up), (0, -9), textcoords="offset points",
                            ha="center", va="top", color=style.colour, size=9)  # fmt: skip
    ax.set_xscale("log")
    _level(ax, cost.setup.target, "target", TEXT, (5.0, 2.0))
    if cost.bayes == cost.bayes:
        _level(ax, cost.bayes, "Bayes", MUTED, (1.5, 1.5))
    _level(ax, cost.linear, "straight line", LINE, (1.5, 1.5))
    ax.set_xlabel(f"ns a point (ONNX Runtime, batch {batch:,}, one thread, log)")
    ax.set_ylabel(f"test accuracy that {cost.setup.share:.0%} of the seeds reach (%)")
    _accuracies(ax, 100 * cost.frontier.accuracy.to_numpy(), 100 * cost.setup.target)
    _plain_log(ax)
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0.0)
    headline(
        figure,
        f"Accuracy against latency: {cost.rows[0].best.cell.data.label}",
        "one point a width, at its own best lr and init; rings: the smallest that reach it",
    )
    return figure


def _accuracies(ax: Axes, seen: NDArray[np.float64], target: float) -> None:
    """An axis of accuracies in %, stretched towards 100 as errors are on a log axis."""
    rest = 0.5  # so that 100 % has a place
    ax.set_yscale(
        "function",
        functions=(
            lambda y: -np.log10(np.maximum(100.0 + rest - y, 1e-3)),
            lambda v: 100.0 + rest - 10.0**-v,
        ),
    )
    low = max(float(seen.min()), min(target, float(seen.max())) - 30.0)
    high = min(100.0, max(float(seen.max()), target) + 1.0)
    ticks = [t for t in (50, 60, 70, 80, 85, 90, 93, 95, 97, 98, 99, 99.5, 100) if low <= t <= high]
    ax.set_ylim(low - 1.0, high)
    ax.set_yticks(ticks, [f"{t:g}" for t in ticks])
    ax.set_yticks([], minor=True)


def _level(ax: Axes, accuracy: float, words: str, colour: str, dash: tuple[float, ...]) -> None:
    """A horizontal line with its name at the left end."""
    ax.axhline(100 * accuracy, color=colour, linewidth=1.0, linestyle=(0.0, dash), zorder=1.5)
    ax.annotate(
        f"{words} {accuracy:.3g}", (0.005, 100 * accuracy), (0, 2), ax.get_yaxis_transform(),
        "offset points", color=MUTED, size=8.5, va="bottom",
    )  # fmt: skip


def _plain_log(ax: Axes) -> None:
    """Ticks of a log axis as plain numbers."""
    from matplotlib.ticker import LogLocator, NullFormatter

    low, high = ax.get_xlim()
    wide = high / low
    fine = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0) if wide < 10 else (1.0, 2.0, 5.0)
    ax.xaxis.set_major_locator(LogLocator(subs=fine if wide < 100 else (1.0,)))
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ax.xaxis.set_minor_formatter(NullFormatter())


@styled
def by_size(found: Elementwise) -> Figure:
    """Nanoseconds an element against the number of elements, one panel a library."""
    table = found.table
    libraries, whats = list(dict.fromkeys(table.library)), ("value", "slope")
    room = Room(top=1.0, left=0.85, right=LEGEND + 0.2, across=0.3, down=0.75)
    figure, grid = sheet(2, len(libraries), 2.6, 2.5, room)
    names = list(dict.fromkeys(table.activation))
    sizes = np.array(list(found.copy))
    copy = np.array([8.0 / found.copy[n].value for n in sizes])  # ns an element of 8 bytes
    low, high = min(table.ns.min(), copy.min()), table.ns.max()
    for what, line in zip(whats, grid, strict=True):
        for library, ax in zip(libraries, line, strict=True):
            for name, style in zip(names, series_styles(names), strict=True):
                rows = table[
                    (table.library == library) & (table.what == what) & (table.activation == name)
                ]
                ax.plot(rows.elements, rows.ns, color=style.colour, linestyle=style.linestyle,
                        marker=style.marker, markersize=3.5, linewidth=1.4,
                        label=shorten(name, 18))  # fmt: skip
            more = 1.5 if (library, what) == ("PyTorch", "slope") else 1.0
            ax.plot(sizes, more * copy, color=MUTED, linewidth=4.0, alpha=0.45, zorder=1.5,
                    label="copying as much")  # fmt: skip
            ax.set(xscale="log", yscale="log", ylim=(low / 1.5, high * 1.5))
            ax.set_title(f"{library}, {what}")
            if ax is not line[0]:
                ax.tick_params(labelleft=False)
    for ax in grid[-1]:
        ax.set_xlabel("elements")
    for line in grid:
        line[0].set_ylabel("ns an element")
    grid[0][-1].legend(loc="upper left", bbox_to_anchor=(1.03, 1.0), borderaxespad=0.0)
    words = "on the grey band memory is what is waited for: a fused activation is free there"
    headline(figure, "Time an element, float32, one thread", words)
    return figure


@styled
def changes(found: ModelCost) -> Figure:
    """Forward time after each swap over the time before, with intervals."""
    table = found.table.sort_values("time", ascending=False)
    words = [
        f"{shorten(o, 20)} → {shorten(n, 20)}" for o, n in zip(table.old, table.new, strict=True)
    ]
    left = max(map(width_of, words), default=1.0) + 0.35
    high = 0.32 * max(len(words), 2)
    figure, [[ax]] = sheet(1, 1, 5.2, high, Room(top=0.95, left=left, right=0.4))
    y = np.arange(len(words))
    ends = [table.time - table.low, table.high - table.time]
    ax.errorbar(table.time, y, xerr=ends, fmt="o", color=TEXT, markersize=5, linewidth=1.4)
    ax.axvline(1.0, color=LINE, linewidth=1.2)
    ax.set_yticks(y, words)
    ax.set(ylim=(-0.6, len(words) - 0.4), xlabel="forward time over the present one's")
    headline(figure, f"What each swap changes: {found.model}",
             "median of rounds in turn, and its 95 % interval; one thread")  # fmt: skip
    return figure
