"""The ledger's figures: one for each claim, from its verdict's table, and one of all verdicts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from actscope.claims._base import Claim, Drawing, Outcome, Row, Verdict
from actscope.claims._sources import Document
from actscope.figures.colours import MUTED, TEXT, SeriesStyle, series_styles
from actscope.figures.labels import LineEnd, name_lines, shorten, width_of
from actscope.figures.sheet import Room, headline, sheet, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from actscope.claims._ledger import Ledger

WIDE, HIGH = 5.2, 3.1
ROW = 0.3  # inches of a row of intervals
# filled, half filled and empty markers tell the outcomes apart without colour
SHADES = {
    Outcome.HOLDS: ("#009E73", "holds"),
    Outcome.ONLY: ("#E69F00", "holds only under a condition"),
    Outcome.FAILS: ("#D55E00", "does not hold"),
    Outcome.OPEN: ("#9AA3AE", "cannot be decided"),
}
HATCHES = {Outcome.HOLDS: "", Outcome.ONLY: "//", Outcome.FAILS: "xx", Outcome.OPEN: ".."}


@styled
def claim_figure(claim: Claim, verdict: Verdict) -> Figure:
    """What a verdict hangs on, drawn as its `drawing` says.

    Args:
        claim: whose name stands above.
        verdict: whose first table is drawn.
    """
    draw = {"intervals": _intervals, "lines": _lines, "bars": _bars}[verdict.drawing.kind]
    return draw(verdict.drawing, verdict.tables[0].rows, verdict.tables[0].title)


@styled
def overview(ledger: Ledger) -> Figure:
    """How many claims of each document hold, hold under a condition, do not, are open."""
    documents = [d for d in Document if any(e.claim.source[0] is d for e in ledger)]
    rows = len(documents)
    figure, [[ax]] = sheet(1, 1, 6.0, 0.55 * rows + 0.2, Room(left=2.0, top=1.15, bottom=0.6))
    for y, document in enumerate(documents):
        left = 0
        for outcome, (colour, _) in SHADES.items():
            n = sum(e.claim.source[0] is document and e.verdict.outcome is outcome for e in ledger)
            if not n:
                continue
            ax.barh(y, n, left=left, height=0.6, color=colour, hatch=HATCHES[outcome],
                    edgecolor="#FFFFFF", linewidth=1.0)  # fmt: skip
            ax.annotate(str(n), (left + n / 2, y), va="center", ha="center", weight="bold",
                        color="#1B1F24", bbox={"boxstyle": "round,pad=0.15", "fc": "#FFFFFF",
                                               "ec": "none", "alpha": 0.85})  # fmt: skip
            left += n
    ax.set_yticks(range(rows), [d.short for d in documents])
    ax.invert_yaxis()
    ax.grid(visible=False, axis="y")
    ax.set_xlabel("claims")
    from matplotlib.patches import Patch

    handles = [Patch(facecolor=c, hatch=HATCHES[o], edgecolor="#FFFFFF", label=words)
               for o, (c, words) in SHADES.items() if ledger.counts[o]]  # fmt: skip
    high = figure.get_size_inches()[1]
    figure.legend(handles=handles, loc="upper left", bbox_to_anchor=(0.005, 1 - 0.55 / high),
                  ncols=2)  # fmt: skip
    headline(figure, "The claims, by document", ledger.summary)
    return figure


def _intervals(drawing: Drawing, rows: tuple[Row, ...], title: str) -> Figure:
    """A dot and its interval a row, with words to the left."""
    panels = _panels(drawing, rows)
    most = max(len(p) for _, p in panels)
    left = 0.35 + max(width_of(shorten(str(r[drawing.y]), 44), 9) for r in rows)
    top = 0.75 + (0.3 if drawing.panels else 0.0)
    figure, [axes] = sheet(1, len(panels), WIDE if len(panels) == 1 else 3.6, ROW * most + 0.3,
                           Room(left=left, top=top + 0.25, across=0.35, bottom=0.65))  # fmt: skip
    for ax, (name, mine) in zip(axes, panels, strict=True):
        styles = _styles(drawing, rows)
        for y, r in enumerate(mine):
            style = styles[str(r.get(drawing.series, ""))]
            value = float(r[drawing.x])
            if drawing.low:
                ends = [float(r[drawing.low]), float(r[drawing.high])]
                ax.plot(ends, [y, y], color=style.colour, linewidth=3, solid_capstyle="round")
            ax.plot(value, y, style.marker, color=style.colour, markersize=7)
            if "published run" in r:
                ax.plot(float(r["published run"]), y, "|", color=TEXT, markersize=13,
                        markeredgewidth=2)  # fmt: skip
        ax.set_ylim(len(mine) - 0.5, -0.5)
        if ax is axes[0]:
            ax.set_yticks(range(len(mine)), [shorten(str(r[drawing.y]), 44) for r in mine])
        else:
            ax.set_yticks(range(len(mine)), [])
        if drawing.xlog:
            ax.set_xscale("log")
        else:
            ax.locator_params(axis="x", nbins=8 if len(panels) == 1 else 5)
        ax.set_xlabel(drawing.xlabel)
        if name:
            ax.set_title(name, pad=22)
        ax.grid(visible=False, axis="y")
        _marks(ax, drawing, vertical=True)
    line = "bar: 95 % interval" if drawing.low else ""
    if any("published run" in r for r in rows):
        line += "; upright stroke: the published run"
    headline(figure, title, line)
    return figure


def _lines(drawing: Drawing, rows: tuple[Row, ...], title: str) -> Figure:
    """One curve a series, its interval as a band, its name at its end."""
    panels = _panels(drawing, rows)
    names = list(dict.fromkeys(str(r.get(drawing.series, "")) for r in rows))
    right = 0.75 + max(width_of(shorten(n)) for n in names)
    room = Room(left=0.85, right=right, across=right + 0.75 if len(panels) > 1 else 0.75, top=1.0)
    wide = WIDE if len(panels) == 1 else 3.4
    figure, [axes] = sheet(1, len(panels), wide, HIGH, room)
    values = np.array([float(r[drawing.y]) for r in rows])
    limits = _limits(drawing, values, rows)
    for ax, (panel, mine) in zip(axes, panels, strict=True):
        styles, ends = _styles(drawing, rows), []
        if drawing.xlog:
            ax.set_xscale("log")
        if drawing.ylog:
            ax.set_yscale("log")
        for name in names:
            of = [r for r in mine if str(r.get(drawing.series, "")) == name]
            if not of:
                continue
            x, y = (np.array([float(r[c]) for r in of]) for c in (drawing.x, drawing.y))
            style = styles[name]
            y = np.minimum(np.maximum(y, limits[0]) if drawing.ylog else y, limits[1])
            marker = style.marker if len(x) <= 12 else ""
            ax.plot(
                x, y, color=style.colour, linestyle=style.linestyle, marker=marker, markersize=5
            )
            if drawing.low:
                low, high = (
                    np.array([float(r[c]) for r in of]) for c in (drawing.low, drawing.high)
                )
                low = np.maximum(low, limits[0]) if drawing.ylog else low
                ax.fill_between(
                    x, low, np.maximum(high, low), color=style.colour, alpha=0.15, linewidth=0
                )
            known = y[np.isfinite(y)]
            if known.size:
                ends.append(LineEnd(shorten(name), style, float(known[-1])))
        ax.set_ylim(*limits)
        ticks = sorted({float(r[drawing.x]) for r in mine})
        if float(mine[0][drawing.x]) > float(mine[-1][drawing.x]):
            ax.invert_xaxis()  # rows that go down are drawn so, and named where they end
        if len(ticks) <= 10:
            ax.set_xticks(ticks, [f"{t:g}" for t in ticks])
            ax.minorticks_off()
        ax.set_xlabel(drawing.xlabel)
        ax.set_ylabel(drawing.ylabel)
        if panel:
            ax.set_title(panel)
        _marks(ax, drawing, vertical=False)
        if drawing.series:
            name_lines(ax, ends)
    headline(figure, title, "band: 95 % interval" if drawing.low else "")
    return figure


def _bars(drawing: Drawing, rows: tuple[Row, ...], title: str) -> Figure:
    """Counts."""
    figure, [[ax]] = sheet(1, 1, WIDE, 2.6, Room(top=1.0))
    style = _styles(drawing, rows)[str(rows[0].get(drawing.series, ""))]
    x, y, width = (np.array([float(r[c]) for r in rows]) for c in (drawing.x, drawing.y, "width"))
    ax.bar(x, y, width, color=style.colour, alpha=0.75, linewidth=0)
    ax.grid(visible=False, axis="x")
    ax.set_xlabel(drawing.xlabel)
    ax.set_ylabel(drawing.ylabel)
    _marks(ax, drawing, vertical=True)
    headline(figure, title)
    return figure


def _panels(drawing: Drawing, rows: tuple[Row, ...]) -> list[tuple[str, list[Row]]]:
    """The rows of each panel, with its title."""
    if not drawing.panels:
        return [("", list(rows))]
    names = list(dict.fromkeys(str(r[drawing.panels]) for r in rows))
    return [(n, [r for r in rows if str(r[drawing.panels]) == n]) for n in names]


def _styles(drawing: Drawing, rows: tuple[Row, ...]) -> dict[str, SeriesStyle]:
    """A style for each series."""
    names = list(dict.fromkeys(str(r.get(drawing.series, "")) for r in rows))
    return dict(zip(names, series_styles(names), strict=True))


def _limits(drawing: Drawing, values: Any, rows: tuple[Row, ...]) -> tuple[float, float]:
    """The common limits of y, which hold the thresholds too."""
    ends = [float(r[c]) for r in rows for c in (drawing.low, drawing.high) if c]
    seen = np.array([*values, *ends, *(m for m, _ in drawing.marks)])
    seen = seen[np.isfinite(seen)]
    if drawing.ylog:
        positive = seen[seen > 0.0]
        low, high = math.log10(positive.min()), math.log10(positive.max())
        low = max(low, -30.0)  # an exact 0 and what has long vanished are drawn at the bottom
        return 10 ** (low - 0.05 * (high - low) - 0.1), 10 ** (high + 0.05 * (high - low) + 0.1)
    low, high = float(seen.min()), float(seen.max())
    slack = 0.06 * (high - low) or 0.05
    return low - slack, high + slack


def _marks(ax: Axes, drawing: Drawing, vertical: bool) -> None:
    """Thresholds and printed numbers as dashed lines, with their words where there is room."""
    before = -math.inf
    for value, _ in drawing.marks:
        line = ax.axvline if vertical else ax.axhline
        line(value, color=MUTED, linewidth=1.1, linestyle=(0, (4, 3)), zorder=1)
    low, high = ax.get_xlim() if vertical else ax.get_ylim()
    scale = math.log10 if (drawing.xlog if vertical else drawing.ylog) else float
    level = 0
    for value, words in sorted(drawing.marks):
        if not words:
            continue
        at = (scale(value) - scale(low)) / (scale(high) - scale(low))
        size: dict[str, Any] = {"size": 8.5, "color": MUTED, "clip_on": False}
        if vertical:
            level = 1 - level if at - before < 0.2 else 0
            side = "left" if at < 0.1 else "right" if at > 0.9 else "center"
            ax.annotate(words, (value, 1), (0, 3 + 11 * level), xycoords=("data", "axes fraction"),
                        textcoords="offset points", ha=side, **size)  # fmt: skip
        else:
            ax.annotate(words, (0, value), (4, 2), xycoords=("axes fraction", "data"),
                        textcoords="offset points", va="bottom", **size)  # fmt: skip
        before = at
