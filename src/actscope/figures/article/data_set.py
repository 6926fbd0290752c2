"""The data: two moons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from actscope.article.result import ArticleResult
from actscope.figures.article._parts import MARKER_AREAS, X_LABELS
from actscope.figures.colours import CLASS_MARKERS, CLASSES, PANEL, TEXT
from actscope.figures.sheet import Room, headline, sheet, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@styled
def data_set(result: ArticleResult) -> Figure:
    """The points: classes by shape and colour, test points outlined, the followed points ringed."""
    data, setup = result.data, result.setup
    figure, [[ax]] = sheet(1, 1, 5.0, 4.9, Room(top=0.8, right=2.45))
    parts = {"training": (data.x_train, data.y_train), "test": (data.x_test, data.y_test)}
    for kind in (0, 1):
        for part, (x, y) in parts.items():
            points = x[y == kind]
            ax.scatter(
                points[:, 0],
                points[:, 1],
                s=MARKER_AREAS[kind],
                c=CLASSES[kind],
                marker=CLASS_MARKERS[kind],
                edgecolors=TEXT if part == "test" else PANEL,
                linewidths=1.0 if part == "test" else 0.5,
                label=f"class {kind}, {part} ({len(points)})",
            )
    far = np.stack([data.far_point(kind) for kind in (0, 1)])
    ax.scatter(
        far[:, 0],
        far[:, 1],
        s=210,
        facecolors="none",
        edgecolors=TEXT,
        linewidths=1.4,
        label="followed in the trace",
    )
    ax.set(xlabel=X_LABELS[0], ylabel=X_LABELS[1])
    ax.set_aspect("equal", adjustable="datalim")
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), handletextpad=0.3)
    line = f"{setup.points} points, noise {setup.noise:g}, each axis scaled to standard deviation 1"
    headline(figure, "The data: two moons", line)
    return figure
