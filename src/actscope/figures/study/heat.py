"""Heat maps of scores over two settings: orange is better than a linear model, blue is not."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from actscope.figures.colours import BOUNDARY, HEAT, LINE, NOTHING
from actscope.figures.labels import shorten, width_of
from actscope.figures.sheet import Room, headline, sheet, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from actscope.study.summary import Crossing

WIDE, HIGH = 0.62, 0.42  # inches of a square
MOST_WIDE = 12.5  # inches of a row of panels


@styled
def heat_maps(
    crossings: Sequence[Crossing], title: str, line: str = "", across: str = "", most: int = 30
) -> Figure:
    """One panel for each crossing; every square has its score, and how many of its trials failed.

    Args:
        crossings: at least one.
        title: of the figure.
        line: under it.
        across: what the columns are.
        most: characters of a row's name.
    """
    names = [shorten(r, most) for c in crossings for r in c.rows]
    left = 0.25 + max(width_of(n, 9.0) for n in names)
    wide = max(WIDE * max(len(c.columns) for c in crossings), 1.4)
    tall = HIGH * max(len(c.rows) for c in crossings)
    columns = max(1, min(len(crossings), int(MOST_WIDE / (wide + left))))
    rows = math.ceil(len(crossings) / columns)
    used = columns * (left + wide)
    beside = 0.2 + max(0.0, 0.3 + 0.075 * max(len(line), 1.3 * len(title)) - used)
    slanted = any(len(c) > 5 for x in crossings for c in x.columns)
    below = 0.25 + (0.85 if slanted else 0.35)
    room = Room(left=left, right=beside, across=left, top=1.0, bottom=below, down=below + 0.35)
    figure, grid = sheet(rows, columns, wide, tall, room)
    panels = list(itertools.chain.from_iterable(grid))
    for ax in panels[len(crossings) :]:
        ax.remove()
    for ax, crossing in zip(panels, crossings, strict=False):
        _panel(ax, crossing, tall, most)
        ax.set_xlabel(across)
        turn: dict[str, Any] = {"rotation": 40, "ha": "right"} if slanted else {}
        ax.set_xticks(np.arange(len(crossing.columns)) + 0.5, crossing.columns, **turn)
    headline(figure, title, line)
    return figure


def _panel(ax: Axes, crossing: Crossing, tall: float, most: int) -> None:
    from matplotlib.patches import Rectangle

    shades = _shades(crossing)
    down, over = crossing.score.shape
    for (i, j), value in np.ndenumerate(crossing.score):
        share = float(crossing.failed[i, j])
        if math.isnan(share):
            continue  # no such cell
        dead = not math.isfinite(value)
        ax.add_patch(
            Rectangle(
                (j, i),
                1,
                1,
                facecolor=NOTHING if dead else shades[i][j],
                hatch="///" if dead else None,
                edgecolor=LINE if dead else "none",
                linewidth=0,
            )
        )
        if not dead:
            _write(ax, i, j, float(value), share, crossing.regression)
    ax.set(xlim=(0, max(over, 1)), ylim=(tall / HIGH, 0), title=crossing.title)
    ax.set_yticks(np.arange(down) + 0.5, [shorten(r, most) for r in crossing.rows])
    ax.grid(visible=False)
    ax.tick_params(length=0)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)


def _write(ax: Axes, i: int, j: int, value: float, share: float, loss: bool) -> None:
    """The score, and under it the share of trials that failed."""
    middle: dict[str, Any] = {"ha": "center", "va": "center", "color": BOUNDARY}
    words = f"{value:.2g}" if loss else f"{100 * value:.1f}"
    fails = round(100 * share)
    ax.text(j + 0.5, i + (0.36 if fails else 0.5), words, size=9, **middle)
    if fails:
        ax.text(j + 0.5, i + 0.76, f"{fails} % fail", size=6.5, **middle)


def _shades(crossing: Crossing) -> list[list[Any]]:
    """A colour for each square: from the worst over the floor to the best that is possible."""
    from matplotlib.colors import LinearSegmentedColormap

    colours = LinearSegmentedColormap.from_list("better", HEAT)
    all_three = crossing.score, np.array(crossing.floor), np.array(crossing.worst)
    if crossing.regression:
        with np.errstate(divide="ignore", invalid="ignore"):
            all_three = tuple(-np.log(v) for v in all_three)
    goodness, floor, worst = all_three[0], float(all_three[1]), float(all_three[2])
    seen = goodness[np.isfinite(goodness)]
    if not len(seen):
        return [[HEAT[1]] * goodness.shape[1] for _ in range(goodness.shape[0])]
    high = max(float(seen.max()), floor) if crossing.regression else 1.0
    low = min(worst, floor)
    if not math.isfinite(floor):
        low, high, floor = float(seen.min()), float(seen.max()), float(seen.mean())
    up, down = max(high - floor, 1e-9), max(floor - low, 1e-9)
    away = np.where(goodness >= floor, (goodness - floor) / up, (goodness - floor) / down)
    places = 0.5 + 0.5 * np.clip(np.nan_to_num(away), -1.0, 1.0)
    return [[colours(float(p)) for p in row] for row in places]
