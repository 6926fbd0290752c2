"""The playground in a still picture: both decisions over the plane, and the losses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from actscope.figures.colours import BOUNDARY, CLASS_MARKERS, NOTHING, PANEL
from actscope.figures.sheet import styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LAST = 254.0  # of a map of bytes; 255 is no number


@styled
def playground(
    sides: Sequence[Mapping[str, Any]], setting: Mapping[str, Any], words: str
) -> Figure:
    """Both sides' decisions over the plane, and the running loss of each.

    Args:
        sides: for each: label, colour, loss (levels, epochs), size and map (size, size) uint8 as
            the page gets them, of more than two classes also class.
        setting: x, y, classes, names, extent, colours, ramp.
        words: the conclusion, under the title.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12.0, 4.6), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    for ax, side in zip((left, middle), sides, strict=True):
        _plane(ax, side, setting)
    for side in sides:
        loss = side["loss"][len(side["loss"]) // 2]
        epochs = np.arange(1, len(loss) + 1)
        right.plot(epochs, loss, color=side["colour"], label=side["label"])
    right.set(xlabel="epoch", ylabel="running training loss", ylim=(0, None))
    right.set_title("Loss", loc="left")
    right.legend(frameon=False)
    figure.suptitle(words, fontsize="small", x=0.01, ha="left", wrap=True)
    return figure


def _plane(ax: Axes, side: Mapping[str, Any], setting: Mapping[str, Any]) -> None:
    """One side's decision, the line where it turns, and the training points."""
    from matplotlib.colors import LinearSegmentedColormap, ListedColormap

    box = setting["extent"]
    shown = {"extent": box, "origin": "lower", "aspect": "auto", "interpolation": "bilinear"}
    if "class" in side:
        fills = ListedColormap(setting["colours"])
        shown |= {"interpolation": "nearest", "alpha": 0.4, "vmax": setting["classes"] - 0.5}
        ax.imshow(side["class"], cmap=fills, vmin=-0.5, **shown)
    else:
        p = np.where(side["map"] > LAST, np.nan, side["map"] / LAST)
        ramp = LinearSegmentedColormap.from_list("decision", setting["ramp"])
        ax.set_facecolor(NOTHING)
        ax.imshow(p, cmap=ramp, vmin=0.0, vmax=1.0, **shown)
        if np.nanmin(p, initial=1.0) < 0.5 < np.nanmax(p, initial=0.0):
            at = [np.linspace(box[2 * i], box[2 * i + 1], len(p)) for i in (0, 1)]
            ax.contour(*at, p, levels=[0.5], colors=BOUNDARY, linewidths=1.5)
    x, y = np.asarray(setting["x"]), np.asarray(setting["y"])
    for k, name in enumerate(setting["names"]):
        own = x[y == k]
        marker = CLASS_MARKERS[k % 2] if setting["classes"] == 2 else f"${name[:2]}$"
        look = {"c": setting["colours"][k], "edgecolors": PANEL, "linewidths": 0.5, "s": 26}
        ax.scatter(own[:, 0], own[:, 1], marker=marker, **look)
    ax.set(xlim=box[:2], ylim=box[2:], xlabel=setting["axes"][0], ylabel=setting["axes"][1])
    ax.set_title(side["label"], loc="left", color=side["colour"])
