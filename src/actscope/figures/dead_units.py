"""Dead units: the cells of a layer, and how many of them are alive while it trains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from actscope.activations._base import Activation
from actscope.figures.colours import LINE, PANEL, series_styles
from actscope.figures.labels import LineEnd, name_lines
from actscope.figures.sheet import Room, headline, sheet, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from actscope.assessment.dead_units import Census, DeadUnits

ACROSS = 16


@styled
def dead_units_figure(found: DeadUnits, phi: Activation) -> Figure:
    """The cells at the end, and the curves of both senses of alive.

    A filled cell fires, a dotted one is silent but a gradient still passes, a crossed one is dead.

    Args:
        found: what `dead_units` gave.
        phi: its activation.

    Example:
        >>> from actscope.activations import activation
        >>> from actscope.assessment.dead_units import dead_units
        >>> figure = dead_units_figure(dead_units("relu", units=16), activation("relu"))
        >>> len(figure.axes)
        2
    """
    figure, [[cells, curve]] = sheet(1, 2, 3.6, 3.0, Room(top=0.95, right=1.5, across=0.7))
    (style,) = series_styles([phi.key])
    units, steps = len(found.census.firing), len(found.loss)
    _cells(cells, found.census, style.colour)
    x = np.arange(steps + 1)
    curve.plot(x, found.passing, color=style.colour, linestyle=(0, (4, 2)), linewidth=1.8)
    curve.plot(x, found.firing, color=style.colour, linewidth=2.2, marker="o" if steps < 1 else "")
    curve.set(xlim=(0, max(steps, 1)), ylim=(0, 1.03 * units), xlabel="step")
    curve.set_title("units alive", loc="left", fontsize=10)
    dashed = type(style)(style.colour, style.dark, (4.0, 2.0), style.marker)
    ends = [
        LineEnd("gradient", dashed, float(found.passing[-1])),
        LineEnd("firing", style, float(found.firing[-1])),
    ]
    name_lines(curve, ends, gap=0.075)
    words = f"{found.firing[-1]} of {units} fire after {steps} steps"
    headline(figure, f"Dead units: {phi.label}", f"{words}; through {found.passing[-1]} a gradient")
    return figure


def _cells(ax: Axes, census: Census, colour: str) -> None:
    """One square a unit, in rows of sixteen from the top."""
    from matplotlib.patches import Rectangle

    units = len(census.firing)
    rows = -(-units // ACROSS)
    for unit, (firing, passing) in enumerate(zip(census.firing, census.passing, strict=True)):
        row, column = divmod(unit, ACROSS)
        x, y = column, rows - 1 - row
        edge = colour if firing or passing else LINE
        face = colour if firing else PANEL
        ax.add_patch(Rectangle((x + 0.1, y + 0.1), 0.8, 0.8, facecolor=face, edgecolor=edge))
        if not firing:
            ax.plot(x + 0.5, y + 0.5, "." if passing else "x", color=edge, markersize=5)
    ax.set(xlim=(0, ACROSS), ylim=(0, rows), aspect="equal")
    ax.set_axis_off()
