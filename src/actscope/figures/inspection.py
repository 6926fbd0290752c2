"""Figures of an inspection: outputs through depth, silent units, rank and gradient."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from actscope.figures.colours import MUTED
from actscope.figures.sheet import Room, headline, sheet, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.floating[Any]]
Rows = Mapping[str, Mapping[str, Any]]
BINS = 48
COLUMNS = 256  # of the map of silent units
LABELLED = 24  # sites whose names fit below a panel


def _sites(ax: Axes, names: list[str]) -> None:
    """Sites along the x axis, by name where they fit."""
    shown = (
        range(len(names))
        if len(names) <= LABELLED
        else range(0, len(names), 1 + len(names) // LABELLED)
    )
    ax.set_xticks(list(shown), [_short(names[i]) for i in shown], rotation=60, ha="right", size=7)
    ax.set_xlim(-0.5, len(names) - 0.5)


def _short(name: str) -> str:
    """A site's name in 22 characters that tell layers apart: "e.l.0.i.inte…e_act_fn"."""
    if len(name) <= 22:
        return name
    path, colon, function = name.partition(":")
    *above, last = path.split(".")
    parts = [part if part.isdigit() else part[:1] for part in above]
    name = ".".join([*parts, last]) + colon + function
    return name if len(name) <= 22 else f"{name[:12]}…{name[-9:]}"


def _bottom(names: list[str]) -> float:
    """Inches below a panel that the sites' names take."""
    return 0.45 + 0.042 * max(len(_short(name)) for name in names)


def _panel(title: str, line: str, names: list[str]) -> tuple[Figure, Axes]:
    figure, axes = sheet(1, 1, 6.4, 2.6, Room(bottom=_bottom(names), top=0.75))
    headline(figure, title, line)
    return figure, axes[0][0]


def _picture(ax: Axes, values: Floats, low: float, high: float) -> None:
    """Columns of greys, white 0 and black 1, as an image: the same on a light and a dark page."""
    ax.imshow(
        values, cmap="Greys", vmin=0.0, vmax=1.0, aspect="auto", origin="lower",
        interpolation="nearest", extent=(-0.5, values.shape[1] - 0.5, low, high),
    )  # fmt: skip
    ax.grid(False)


@styled
def outputs_through_depth(rows: Rows, samples: Mapping[str, Floats]) -> Figure:
    """One histogram a site, side by side, in units of the site's root mean square.

    Args:
        rows: of the report, one site at least.
        samples: {site: (rows, units)} sampled outputs.
    """
    names = list(rows)
    edges = np.linspace(-3.0, 3.0, BINS + 1)
    heights = np.zeros((BINS, len(names)))
    for i, name in enumerate(names):
        y = samples[name][np.isfinite(samples[name])]
        size = np.sqrt(np.mean(y**2)) if y.size else 0.0
        if size > 0.0:
            counts = np.histogram(np.clip(y / size, -3.0, 3.0), edges)[0]
            heights[:, i] = np.sqrt(counts / counts.max())  # a thin tail stays visible
    figure, ax = _panel(
        "Outputs through depth", "histogram of each site, over its root mean square", names
    )
    _picture(ax, heights, -3.0, 3.0)
    ax.set_ylabel("output / root mean square")
    _sites(ax, names)
    return figure


@styled
def silent_units(rows: Rows, units: Mapping[str, Mapping[str, Floats]]) -> Figure:
    """How often each unit is silent or saturated low, units sorted, one column a site.

    Args:
        rows: of the report, one site at least.
        units: {site: {"low": (units,)}}.
    """
    names = list(rows)
    share = np.full((COLUMNS, len(names)), np.nan)
    for i, name in enumerate(names):
        low = np.sort(np.asarray(units[name]["low"], dtype=float))
        if low.size:
            at = np.linspace(0, low.size - 1, COLUMNS).round().astype(int)
            share[:, i] = low[at]
    figure, ax = _panel(
        "Silent units", "part of the rows on which a unit is in its low tail; black: always", names
    )
    _picture(ax, share, 0.0, 1.0)
    ax.set_ylabel("units, sorted")
    _sites(ax, names)
    return figure


@styled
def rank_and_gradient(rows: Rows) -> Figure:
    """Effective rank over the largest possible, and the gradient over the last site's.

    Args:
        rows: of the report, one site at least.
    """
    names = list(rows)
    column: Callable[[str], Floats] = lambda key: np.array([float(r[key]) for r in rows.values()])
    figure, axes = sheet(1, 2, 4.2, 2.6, Room(bottom=_bottom(names), top=0.75, across=0.9))
    headline(figure, "Rank and gradient", "by site, in the order of the forward pass")
    left, right = axes[0]
    with np.errstate(invalid="ignore", divide="ignore"):
        left.plot(column("rank") / column("rank_most"), marker="o")
    left.set_ylabel("effective rank / largest")
    left.set_ylim(0.0, 1.05)
    ratio = column("gradient_ratio")
    if np.any(ratio > 0.0):
        right.plot(np.where(ratio > 0.0, ratio, np.nan), marker="o")
        right.set_yscale("log")
    else:
        right.text(0.5, 0.5, "no gradient: no loss was given", ha="center", color=MUTED,
                   transform=right.transAxes)  # fmt: skip
        right.set_yticks([])
    right.set_ylabel("gradient / the last site's")
    for ax in (left, right):
        _sites(ax, names)
    return figure
