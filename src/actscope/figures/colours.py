"""The one table of colours: figures, reports and the explorer read it.

Okabe-Ito colours for the light view, and for the dark view colours found by a search over the
normal, deuteranopic, protanopic and tritanopic views. The same activation has the same colour
everywhere; what has no colour of its own is grey, and told apart by dash and marker.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

SERIES_LIGHT = {
    "sigmoid": "#0072B2",
    "relu": "#D55E00",
    "tanh": "#009E73",
    "leaky_relu": "#CC79A7",
}
OTHER_LIGHT = "#4D4D4D"
SERIES_DARK = {
    "sigmoid": "#5C8DF2",
    "relu": "#FF542A",
    "tanh": "#38DC86",
    "leaky_relu": "#CF95CA",
}
OTHER_DARK = "#EAEFF0"

CLASSES = ("#0072B2", "#E69F00")  # fills only: circle and triangle tell the classes apart too
CLASS_MARKERS = ("o", "^")
HEAT = ("#0072B2", "#F0F0F0", "#E69F00")  # probability 0, 1/2, 1

TEXT, MUTED, PANEL, GRID, LINE = "#1B1F24", "#5A6472", "#FFFFFF", "#E3E5E8", "#9AA3AE"
BOUNDARY = "#101418"  # on the heat map, which is light on a dark page too
NOTHING = "#D9D9D9"  # where there is no number; always hatched

# What a light colour becomes on a dark page; every colour that a figure uses is a key.
LIGHT_TO_DARK = {
    **{SERIES_LIGHT[name]: SERIES_DARK[name] for name in SERIES_LIGHT},
    OTHER_LIGHT: OTHER_DARK,
    TEXT: "#E8EAED",
    MUTED: "#A3ADBA",
    PANEL: "#1D2127",
    GRID: "#333A44",
    LINE: "#6B7683",
    NOTHING: "#4A525C",
}

# the end of a key such as "leaky_relu(slope=0.1)", unlike that of an expression
WITH_PARAMETERS = re.compile(r"\(\w+=.*\)$")

# (on, off) lengths in line widths; the first is a solid line
DASHES: tuple[tuple[float, ...], ...] = (
    (),
    (5.0, 2.0),
    (1.5, 1.5),
    (7.0, 2.0, 1.5, 2.0),
    (3.0, 1.5),
    (7.0, 1.5, 1.5, 1.5, 1.5, 1.5),
    (10.0, 3.0),
    (1.0, 3.0),
)
MARKERS = ("o", "s", "D", "v", "P", "X", "p", "h")


@dataclass(frozen=True)
class SeriesStyle:
    """How one activation is drawn.

    Attributes:
        colour: of its line, light view.
        dark: the same for the dark view.
        dash: (on, off, …) in line widths; empty for a solid line.
        marker: matplotlib's letter for its marker.
    """

    colour: str
    dark: str
    dash: tuple[float, ...]
    marker: str

    @property
    def linestyle(self) -> str | tuple[float, tuple[float, ...]]:
        """The dash as matplotlib takes it."""
        return (0.0, self.dash) if self.dash else "-"


def series_styles(names: Sequence[str]) -> tuple[SeriesStyle, ...]:
    """A style for each activation of a figure, in order.

    The colour follows from the name alone. Series of one colour differ by dash, in order of
    appearance; from the sixth series on, every series has a dash of its own.

    Args:
        names: record names or keys ("relu", "leaky_relu(slope=0.1)") or typed expressions.

    Example:
        >>> sigmoid, gelu, silu = series_styles(["sigmoid", "gelu", "silu"])
        >>> sigmoid.colour, gelu.colour == silu.colour, gelu.dash == silu.dash
        ('#0072B2', True, False)
    """
    styles: list[SeriesStyle] = []
    for i, name in enumerate(names):
        own = WITH_PARAMETERS.sub("", name)
        colour = SERIES_LIGHT.get(own, OTHER_LIGHT)
        same = sum(style.colour == colour for style in styles)
        dash = DASHES[(i if len(names) > 5 else same) % len(DASHES)]
        dark = SERIES_DARK.get(own, OTHER_DARK)
        styles.append(SeriesStyle(colour, dark, dash, MARKERS[i % len(MARKERS)]))
    return tuple(styles)


def lighter(colour: str, share: float = 0.6) -> str:
    """A colour mixed with white: `share` of it is left.

    Example:
        >>> lighter("#0072B2")
        '#66AAD1'
    """
    parts = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(255 - share * (255 - part)):02X}" for part in parts)
