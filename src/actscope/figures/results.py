"""Two columns of a study's table against each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from actscope.figures.colours import MUTED, PANEL, series_styles
from actscope.figures.sheet import styled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

MOST_NAMED = 12  # activations in the legend


@styled
def two_columns(
    rows: pd.DataFrame, x: str, y: str, title: str, logs: tuple[bool, bool] = (False, False)
) -> Figure:
    """A point for every row, in the colour and with the marker of its activation.

    Args:
        rows: of a study; rows without a number in x or y are left out.
        x: a column: numbers, or words, which stand side by side.
        y: another.
        title: above.
        logs: logarithmic axes.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 5.2), layout="constrained")
    ax = figure.subplots()
    places = {}
    for axis, name in (("x", x), ("y", y)):
        column = rows[name]
        if column.dtype.kind == "O" or str(column.dtype) in ("string", "str"):
            words = list(dict.fromkeys(column.astype(str)))
            places[axis] = column.astype(str).map(words.index).to_numpy(dtype=float)
            getattr(ax, f"set_{axis}ticks")(range(len(words)), words)
        else:
            places[axis] = column.astype("float64").to_numpy(dtype=float, na_value=np.nan)
    names = rows["activation"].astype(str) if "activation" in rows else np.full(len(rows), "")
    each = list(dict.fromkeys(names))
    for k, (name, style) in enumerate(zip(each, series_styles(each), strict=True)):
        own = np.asarray(names == name)
        label = name if k < MOST_NAMED else None
        look: dict[str, Any] = {"c": style.colour, "marker": style.marker, "edgecolors": PANEL}
        ax.scatter(places["x"][own], places["y"][own], s=30, linewidths=0.5, label=label, **look)
    for axis, log in zip("xy", logs, strict=True):
        if log and bool((places[axis] > 0).any()):
            getattr(ax, f"set_{axis}scale")("log")
    ax.set(xlabel=x.replace("_", " "), ylabel=y.replace("_", " "))
    ax.set_title(title, loc="left", fontsize="medium")
    if len(each) > 1:
        ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


@styled
def nothing(words: str) -> Figure:
    """A sentence where a figure would be."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 1.0), layout="constrained")
    figure.text(0.02, 0.5, words, color=MUTED, va="center")
    return figure
