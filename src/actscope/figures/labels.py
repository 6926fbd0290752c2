"""Labels that stand beside what they name and do not overlap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from actscope.figures.colours import LINE, SeriesStyle

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEADER, SWATCH = 0.03, 0.06  # lengths, as shares of the panel's width


class LineEnd(NamedTuple):
    """A line to be named at its right end: what to write, how it is drawn, where it ends."""

    words: str
    style: SeriesStyle
    y: float


def name_lines(ax: Axes, ends: Sequence[LineEnd], gap: float = 0.068, from_x: float = 1.0) -> None:
    """Write the name of every line to the right of the panel, at the height where it ends.

    A thin leader goes from the line's end to a piece of its dash, and the words follow.

    Args:
        ax: a panel whose limits are final.
        ends: the lines. A height outside the panel is moved to its edge.
        gap: the least distance of two labels, as a share of the panel's height.
        from_x: where the lines end, as a share of the panel's width.
    """
    low, high = ax.get_ylim()
    height = ax.transData.transform([(0, low), (0, high)])[:, 1]
    pixels = ax.transData.transform([(0, float(np.clip(e.y, low, high))) for e in ends])[:, 1]
    ys = (pixels - height[0]) / (height[1] - height[0])  # shares: right on a log axis too
    places = spread_apart(list(ys), gap, 0.0, 1.0)
    for end, y, place in zip(ends, ys, places, strict=True):
        whole: dict[str, Any] = {"transform": ax.transAxes, "clip_on": False}
        ax.plot([from_x, 1 + LEADER], [y, place], color=LINE, linewidth=0.8, **whole)
        colour, dash = end.style.colour, end.style.linestyle
        right = 1 + LEADER + SWATCH
        ax.plot([1 + LEADER, right], [place, place], color=colour, linestyle=dash, **whole)
        at: dict[str, Any] = {"transform": ax.transAxes, "va": "center", "weight": "bold"}
        ax.text(right + 0.01, place, end.words, color=colour, **at)


def width_of(words: str, size: float = 10.0) -> float:
    """The width of a bold label, in inches.

    Example:
        >>> 0.8 < width_of("Leaky ReLU") < 1.0
        True
    """
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    font = FontProperties(family=["DejaVu Sans"], weight="bold")
    return float(TextPath((0, 0), words, size=size, prop=font).get_extents().width) / 72


def shorten(label: str, most: int = 26) -> str:
    """A label that fits a panel: a long typed expression loses its end.

    Example:
        >>> shorten("x*sigmoid(1.7*x) + 0.1*tanh(x)")
        'x*sigmoid(1.7*x) + 0.1*ta…'
    """
    return label if len(label) <= most else label[: most - 1] + "…"


def spread_apart(places: list[float], gap: float, low: float, high: float) -> list[float]:
    """Move places on a line apart until neighbours are at least `gap` from each other.

    Args:
        places: where labels want to be; any order.
        gap: the least distance.
        low: the lowest place allowed.
        high: the highest; where there is no room for all, labels pass it evenly spaced.

    Returns:
        The new places, in the given order, close to the old ones.

    Example:
        >>> spread_apart([1.0, 1.0, 5.0], 2.0, 0.0, 10.0)
        [0.0, 2.0, 5.0]
    """
    order = np.argsort(places, kind="stable")
    groups: list[list[float]] = []  # [centre, members]: labels that touch move as one
    for place in np.asarray(places)[order]:
        groups.append([float(np.clip(place, low, max(high, low))), 1])
        while len(groups) > 1 and _reach(groups[-1], -gap) < _reach(groups[-2], gap) + gap:
            centre, members = groups.pop()
            other, count = groups[-1]
            groups[-1] = [(centre * members + other * count) / (members + count), members + count]
            half = gap * (members + count - 1) / 2
            groups[-1][0] = float(np.clip(groups[-1][0], low + half, max(high - half, low + half)))
    moved = [
        centre + gap * (i - (members - 1) / 2)
        for centre, members in groups
        for i in range(int(members))
    ]
    result = [0.0] * len(places)
    for i, place in zip(order, moved, strict=True):
        result[i] = place
    return result


def _reach(group: list[float], gap: float) -> float:
    """The place of a group's last label on the side to which `gap` points."""
    centre, members = group
    return centre + gap * (members - 1) / 2
