"""Activations themselves: value and slope, one panel each, kinks marked."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from actscope.activations._base import Activation
from actscope.errors import BadParameter, InputError
from actscope.figures.colours import LINE, MUTED, PANEL, TEXT, SeriesStyle, series_styles
from actscope.figures.labels import shorten
from actscope.figures.sheet import Room, headline, sheet, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 48
POINTS = 601
SLOPE_DASH = (0.0, (4.0, 2.0))


@styled
def activation_grid(activations: Sequence[Activation], span: float = 5.0) -> Figure:
    """Value (solid) and slope (dashed) of each activation over [-span, span].

    A panel shows the heights between -span and span at most. At a kink the value carries a ring,
    and the slope, which has two sides there, is interrupted.

    Args:
        activations: 1 to 48 of them.
        span: half the width of the x axis, positive.

    Raises:
        InputError: no activation, or too many to read.
        BadParameter: a span that is not positive.

    Example:
        >>> from actscope.activations import activation
        >>> figure = activation_grid([activation("relu"), activation("sigmoid")])
        >>> [axes.get_title(loc="left") for axes in figure.axes]
        ['ReLU', 'Sigmoid']
    """
    if not 1 <= len(activations) <= MOST:
        raise InputError(f"{len(activations)} activations: expected 1 to {MOST} for one figure")
    if not 0 < span < math.inf:
        raise BadParameter(f"span = {span!r}: expected a positive number, such as 5")
    count = len(activations)
    columns = min(count, 2 if count in (2, 4) else 3 if count <= 9 else 4)
    rows = math.ceil(count / columns)
    size = (5.6, 4.0) if count == 1 else (3.5, 2.6)
    room = Room(top=1.5, left=0.6, bottom=0.55, across=0.5, down=0.95)
    figure, grid = sheet(rows, columns, *size, room)
    panels = [ax for row in grid for ax in row]
    own_colour = (series_styles([phi.key])[0] for phi in activations)
    for ax, phi, style in zip(panels, activations, own_colour, strict=False):
        _panel(ax, phi, span, style)
    for i, ax in enumerate(panels):
        ax.set_xlabel("x" if i + columns >= count else "")
    for ax in panels[count:]:
        ax.remove()
    _legend(figure, any(phi.kinks for phi in activations))
    headline(figure, "Activations and their slopes" if count > 1 else "Activation and its slope")
    return figure


def activation_figure(phi: Activation, span: float = 5.0) -> Figure:
    """Value and slope of one activation: `activation_grid` of it alone."""
    return activation_grid([phi], span)


def _panel(ax: Axes, phi: Activation, span: float, style: SeriesStyle) -> None:
    """One activation's value and slope."""
    kinks = [k for k in phi.kinks if abs(k) < span]
    x = broken_axis(span, kinks)
    with np.errstate(all="ignore"):
        value, slope = phi(x), phi.slope_at(x)
        at_kinks = phi(np.array(kinks)) if kinks else np.empty(0)
    ax.axhline(0, color=LINE, linewidth=0.8)
    ax.axvline(0, color=LINE, linewidth=0.8)
    ax.plot(x, value, color=style.colour, linewidth=2.2)
    ax.plot(x, slope, color=style.colour, linewidth=1.6, linestyle=SLOPE_DASH)
    ring: dict[str, Any] = {
        "markerfacecolor": PANEL,
        "markeredgecolor": style.colour,
        "markersize": 5.5,
    }
    for k, v in zip(kinks, at_kinks, strict=True):
        ax.plot(k, v, "o", **ring)
    ax.set(xlim=(-span, span), ylim=_limits(np.concatenate([value, slope]), span))
    changed = phi.key[len(phi.name) :]
    ax.set_title(shorten(f"{phi.label} {changed}".rstrip(), 36), pad=21)
    ax.annotate(
        shorten(phi.formula, 46) if phi.formula != phi.label else "",
        (0, 1),
        (0, 6),
        xycoords="axes fraction",
        textcoords="offset points",
        color=MUTED,
        size=9,
    )


def broken_axis(span: float, kinks: Sequence[float]) -> NDArray[np.float64]:
    """Points of [-span, span] with a gap (NaN) at every kink, so that no line bridges a jump.

    Example:
        >>> x = broken_axis(1.0, [0.0])
        >>> int(np.isnan(x).sum()), x[0], x[-1], bool((np.diff(x[~np.isnan(x)]) > 0).all())
        (1, np.float64(-1.0), np.float64(1.0), True)
    """
    ends = [-span, *kinks, span]
    parts = []
    for left, right in itertools.pairwise(ends):
        tiny = 1e-9 * (right - left)
        count = max(2, round(POINTS * (right - left) / (2 * span)))
        low = left if left == -span else left + tiny
        high = right if right == span else right - tiny
        parts += [np.linspace(low, high, count), np.array([np.nan])]
    return np.concatenate(parts[:-1])


def _limits(values: NDArray[np.float64], span: float) -> tuple[float, float]:
    """The heights to show: all finite ones, but none beyond the span, and a margin."""
    finite = np.clip(values[np.isfinite(values)], -span, span)
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    margin = 0.07 * (high - low) or 0.5
    return low - margin, high + margin


def _legend(figure: Figure, kinks: bool) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=TEXT, linewidth=2.2, label="value"),
        Line2D([], [], color=TEXT, linewidth=1.6, linestyle=SLOPE_DASH, label="slope"),
    ]
    if kinks:
        ring: dict[str, Any] = {
            "markerfacecolor": PANEL,
            "markeredgecolor": TEXT,
            "markersize": 5.5,
        }
        handles.append(Line2D([], [], marker="o", linestyle="", label="kink", **ring))
    high = figure.get_size_inches()[1]
    figure.legend(
        handles=handles,
        loc="upper left",
        ncols=3,
        bbox_to_anchor=(0.005, 1 - 0.4 / high),
        handlelength=2.8,
    )
