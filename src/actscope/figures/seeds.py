"""How typical one run is: the distribution over seeds, with the run marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from actscope.article.seeds import SeedStudy
from actscope.figures.colours import TEXT, series_styles
from actscope.figures.labels import shorten
from actscope.figures.sheet import Room, headline, sheet, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BINS = 40


@styled
def seed_distributions(studies: Sequence[SeedStudy], name: str = "this run") -> Figure:
    """Final loss and test accuracy over seeds, one row an activation, the run as a line.

    Args:
        studies: one for each activation.
        name: what the marked run is called.
    """
    from matplotlib.ticker import MaxNLocator

    count = studies[0].count
    room = Room(top=1.15, left=0.8, across=0.85, down=1.05)
    figure, grid = sheet(len(studies), 2, 4.6, 2.2, room)
    styles = series_styles([study.outcome.key for study in studies])
    for (left, right), study, style in zip(grid, studies, styles, strict=True):
        loss, accuracy = float(study.outcome.losses[-1]), study.outcome.test_accuracy
        label = shorten(study.outcome.label)
        good = study.losses[np.isfinite(study.losses)]
        _bars(left, good, _loss_edges(good), style.colour)
        _mark(left, loss, f"{name}: {loss:.4f}, {_place(study.loss_percentile)}")
        lost = f", {study.diverged} diverged" if study.diverged else ""
        left.set_title(f"{label}: last loss{lost}", pad=23)
        _bars(right, 100 * study.accuracies, _accuracy_edges(study), style.colour)
        _mark(right, 100 * accuracy, f"{name}: {accuracy:.1%}, {_place(study.accuracy_percentile)}")
        right.set_title(f"{label}: test accuracy", pad=23)
        right.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        left.set_ylabel("networks")
    grid[-1][0].set_xlabel("binary cross-entropy in the last epoch")
    grid[-1][1].set_xlabel("test points right (%)")
    line = (
        f"{count} networks from other seeds in each row, same data; the line marks {name}; "
        "the outer bars of the loss hold what lies farther out"
    )
    headline(figure, "How typical is this seed?", line)
    return figure


def _place(percentile: float) -> str:
    return "no place" if np.isnan(percentile) else f"percentile {percentile:.0f}"


def _loss_edges(values: Any) -> Any:
    """Equal bins over the middle 99 % of the losses; the rest falls into the outer bins."""
    if not len(values):
        return np.linspace(0, 1, BINS + 1)
    low, high = np.quantile(values, [0.005, 0.995])
    return np.linspace(low, high if high > low else low + 1e-6, BINS + 1)


def _accuracy_edges(study: SeedStudy) -> Any:
    """One bin, in percent, for every accuracy that so many test points allow."""
    tests = len(study.outcome.data.y_test)
    seen = np.rint(np.append(study.accuracies, study.outcome.test_accuracy) * tests)
    return 100 * (np.arange(seen.min() - 1, seen.max() + 3) - 0.5) / tests


def _bars(ax: Axes, values: Any, edges: Any, colour: str) -> None:
    inside = np.clip(values, edges[0], edges[-1])
    ax.hist(inside, bins=edges, color=colour, alpha=0.75, linewidth=0)
    ax.grid(visible=False, axis="x")


def _mark(ax: Axes, value: float, words: str) -> None:
    """A line at the run's value, and what it says above the panel."""
    if np.isfinite(value):
        ax.axvline(value, color=TEXT, linewidth=1.8)
    place: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points"}
    ax.annotate(words, (0, 1), (0, 6), **place)
