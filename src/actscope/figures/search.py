"""A search: score against latency with the front, and the ranking with its intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from actscope.figures.colours import LINE, MUTED, OTHER_LIGHT, SERIES_LIGHT
from actscope.figures.labels import shorten
from actscope.figures.sheet import Room, headline, sheet, styled
from actscope.searches.result import SearchResult

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# most mantissa bits of a group, its name, colour and marker
BITS = (
    (3, "at most 3 bits (fp8 e4m3)", SERIES_LIGHT["tanh"], "o"),
    (7, "4 to 7 (bfloat16)", SERIES_LIGHT["sigmoid"], "s"),
    (10, "8 to 10 (float16)", SERIES_LIGHT["relu"], "^"),
    (99, "more (float32)", OTHER_LIGHT, "D"),
)
LABEL = 44  # letters of a network's name
SCORES = 0.5  # of the best score, below which the figure does not reach


@styled
def search_front(result: SearchResult) -> Figure:
    """Every candidate that had all epochs: validation score against latency, by bits needed."""
    figure, [[ax]] = sheet(1, 1, 7.4, 4.4, Room(top=1.0, bottom=1.25))
    whole = result.candidates[result.candidates["last"].astype(bool)]
    if not len(whole):
        headline(figure, "Accuracy against latency", "no candidate had all epochs")
        return figure
    low = -1
    for most, words, colour, marker in BITS:
        part = whole[(whole.bits > low) & (whole.bits <= most)]
        low = most
        if len(part):
            style: dict[str, Any] = {"color": colour, "marker": marker, "linewidth": 0}
            ax.scatter(part.latency_ns, part.score, s=34, label=words, alpha=0.85, **style)
    front = _front(whole)
    ax.plot(front.latency_ns, front.score, drawstyle="steps-post", color=MUTED, linewidth=1.2,
            label="front of the two axes", zorder=1)  # fmt: skip
    best = result.winner.record
    ax.scatter([best["latency_ns"]], [best["score"]], s=130, facecolors="none",
               edgecolors=MUTED, linewidths=1.6, label="first of the ranking")  # fmt: skip
    _limits(ax, whole)
    word = "accuracy" if result.setup.law.classes else "share of variance explained"
    ax.set(xlabel="estimated latency of one point, ns", ylabel=f"validation {word}")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=3, columnspacing=1.2)
    hidden = int((whole.score < ax.get_ylim()[0]).sum())
    line = f"{len(whole)} candidates with all epochs on {result.setup.law.key}"
    if hidden:
        line += f"; {hidden} lie below the panel"
    headline(figure, "Accuracy against latency, by mantissa bits needed", line)
    return figure


def _front(whole: pd.DataFrame) -> pd.DataFrame:
    """The candidates that none is quicker than and at least as good as, quickest first."""
    order = whole.sort_values(["latency_ns", "score"], ascending=[True, False])
    front: pd.DataFrame = order[order.score > order.score.cummax().shift(fill_value=-np.inf)]
    return front


def _limits(ax: Axes, whole: pd.DataFrame) -> None:
    """A log axis of latencies; scores from where there is something to choose."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlim(whole.latency_ns.min() / 1.15, whole.latency_ns.max() * 1.15)
    low, high = float(whole.score.min()), float(whole.score.max())
    low = max(low, SCORES * high)
    room = max(0.04 * (high - low), 1e-3)
    ax.set_ylim(low - room, high + room)


@styled
def search_ranking(result: SearchResult) -> Figure:
    """The finalists and the baseline: test figure and failure rate, each with 95 % intervals."""
    table = result.ranking
    column = "test_accuracy" if "test_accuracy" in table else "test_loss"
    high = max(1.2, 0.42 * len(table))
    figure, [[left, right]] = sheet(1, 2, 3.6, high, Room(left=4.3, top=1.0, across=0.5))
    y = np.arange(len(table))[::-1]
    panels = (
        (left, column, "test_low", "test_high", column.replace("_", " ")),
        (right, "failure_rate", "failure_low", "failure_high", "failure rate"),
    )
    for ax, middle, low, top, words in panels:
        for place, (_, row) in zip(y, table.iterrows(), strict=True):
            base = row["place"] == 0
            colour = SERIES_LIGHT["relu"] if base else SERIES_LIGHT["sigmoid"]
            ax.plot([row[low], row[top]], [place, place], color=colour)
            ax.plot(row[middle], place, marker="D" if base else "o", color=colour, linewidth=0)
        ax.set(xlabel=words, ylim=(-0.6, len(table) - 0.4), yticks=y)
        ax.grid(axis="y", visible=False)
    right.set_xlim(-0.02, max(0.2, float(table.failure_high.max()) * 1.05))
    right.set_yticklabels([])
    names = [_name(row) for _, row in table.iterrows()]
    left.set_yticks(y, names)
    left.axvline(float(table[column].iloc[0]), color=LINE, linewidth=0.8, zorder=0)
    seeds = int(table.seeds.iloc[0])
    line = f"test set, {seeds} seeds that no choice was made with; diamond: baseline"
    headline(figure, "The ranking", line)
    return figure


def _name(row: Any) -> str:
    place = "baseline" if row["place"] == 0 else f"{int(row['place'])}"
    return f"{place}  {shorten(str(row['label']), LABEL)}"


FIGURES = {"search_front": search_front, "search_ranking": search_ranking}
