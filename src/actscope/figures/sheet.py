"""A sheet of panels: sizes in inches, so that labels have their room and nothing is clipped.

Figures are made without pyplot, so no window system is asked for and nothing is kept alive.
"""

from __future__ import annotations

import functools
import importlib.resources
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from actscope.figures.colours import MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

P = ParamSpec("P")
R = TypeVar("R")

DPI = 140


@functools.cache
def style_sheet() -> Any:
    """The settings of actscope.mplstyle."""
    import matplotlib as mpl

    path = importlib.resources.files("actscope.figures") / "actscope.mplstyle"
    with importlib.resources.as_file(path) as file:
        return mpl.rc_params_from_file(file, use_default_template=False)


@contextmanager
def styled_context() -> Iterator[None]:
    """Matplotlib's defaults with the style sheet on top, for the time of a block."""
    import matplotlib as mpl

    with mpl.rc_context({**mpl.rcParamsDefault, **style_sheet(), "backend": "agg"}):
        yield


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Let a function draw under the style sheet, whatever the caller's settings are."""

    @functools.wraps(draw)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        with styled_context():
            return draw(*args, **kwargs)

    return wrapper


@dataclass(frozen=True)
class Room:
    """Inches kept free around the panels and between them."""

    left: float = 0.75
    right: float = 0.2
    top: float = 0.85
    bottom: float = 0.6
    across: float = 0.75
    down: float = 0.85


def sheet(
    rows: int, columns: int, width: float, height: float, room: Room | None = None
) -> tuple[Figure, list[list[Axes]]]:
    """A figure of equal panels.

    Args:
        rows: of panels.
        columns: of panels.
        width: of one panel, inches.
        height: of one panel, inches.
        room: what is kept free for titles and labels.

    Returns:
        The figure, and its axes by row and column.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    room = room or Room()
    wide = room.left + columns * width + (columns - 1) * room.across + room.right
    high = room.bottom + rows * height + (rows - 1) * room.down + room.top
    figure = Figure(figsize=(wide, high))
    FigureCanvasAgg(figure)
    grid = []
    for row in range(rows):
        bottom = room.bottom + (rows - 1 - row) * (height + room.down)
        lefts = [room.left + column * (width + room.across) for column in range(columns)]
        boxes = [(x / wide, bottom / high, width / wide, height / high) for x in lefts]
        grid.append([figure.add_axes(box) for box in boxes])
    return figure, grid


def headline(figure: Figure, title: str, line: str = "") -> None:
    """A title at the top left, and a muted line under it."""
    high = figure.get_size_inches()[1]
    figure.text(0.012, 1 - 0.1 / high, title, size=13, weight="bold", va="top")
    if line:
        figure.text(0.012, 1 - 0.38 / high, line, size=10, color=MUTED, va="top")


def render(figure: Figure, kind: str) -> bytes:
    """A figure as the bytes of a file; the same figure gives the same bytes.

    Args:
        figure: what one of the drawing functions returned.
        kind: "png" (140 dots per inch) or "svg".
    """
    buffer = io.BytesIO()
    empty = {"Date": None, "Creator": None} if kind == "svg" else {"Software": None}
    with styled_context():
        if kind == "png":  # the default level takes a third longer to save a tenth
            figure.savefig(
                buffer, format=kind, dpi=DPI, metadata=empty, pil_kwargs={"compress_level": 3}
            )
        else:
            figure.savefig(buffer, format=kind, metadata=empty)
    return buffer.getvalue()
