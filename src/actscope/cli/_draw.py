"""Curves drawn with Braille dots, two by four to a character, for a terminal."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from rich.text import Text

from actscope.activations._base import Floats

# the bit of each dot of a Braille character, [row][column]
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
BLANK = 0x2800


def chart(x: Floats, curves: Mapping[str, Floats], width: int = 64, height: int = 14) -> Text:
    """Draw curves over one x axis.

    Args:
        x: (n,), ascending.
        curves: (n,) each, by the style that rich gives them ("bold", "cyan"); where two meet in
            one character, the first one's style shows.
        width: columns of the drawing, without the labels of the y axis.
        height: rows.

    Returns:
        Text of height + 2 lines: the drawing with y labels and a dotted line at y = 0, the x axis,
        its labels.
    """
    seen = np.concatenate([y[np.isfinite(y)] for y in curves.values()] or [np.zeros(1)])
    low, high = (float(seen.min()), float(seen.max())) if seen.size else (0.0, 1.0)
    if high == low:
        low, high = low - 1.0, high + 1.0
    cells = np.zeros((height, width), dtype=int)
    style: dict[tuple[int, int], str] = {}
    for name, y in curves.items():
        for row, column in _dots(x, y, low, high, width, height):
            place = (row // 4, column // 2)
            cells[place] |= DOTS[row % 4][column % 2]
            style.setdefault(place, name)
    zero = round(high / (high - low) * (4 * height - 1)) // 4  # the row of y = 0, if any
    text = Text()
    labels = {0: high, height // 2: (low + high) / 2, height - 1: low}
    for row in range(height):
        text.append(f"{labels[row]:>9.3g} ┤" if row in labels else " " * 10 + "│", style="dim")
        for column in range(width):
            empty = "┈" if row == zero else " "
            mark = chr(BLANK + cells[row, column]) if cells[row, column] else empty
            text.append(mark, style=style.get((row, column), "dim"))
        text.append("\n")
    text.append(" " * 10 + "└" + "─" * width + "\n", style="dim")
    left, right = f"x = {x[0]:g}", f"{x[-1]:g}"
    text.append(" " * 11 + left + right.rjust(width - len(left)), style="dim")
    return text


def _dots(
    x: Floats, y: Floats, low: float, high: float, width: int, height: int
) -> list[tuple[int, int]]:
    """The dots of one curve as (row, column), a steep piece drawn as a vertical run."""
    columns = np.linspace(x[0], x[-1], 2 * width)
    values = np.interp(columns, x, y)
    dots: list[tuple[int, int]] = []
    before: int | None = None
    for column, value in enumerate(values):
        if not np.isfinite(value):
            before = None
            continue
        row = round((high - value) / (high - low) * (4 * height - 1))
        start = row if before is None else before + np.sign(row - before)
        dots += [(r, column) for r in range(min(start, row), max(start, row) + 1)]
        before = row
    return dots
