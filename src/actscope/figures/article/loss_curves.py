"""The training loss, epoch by epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from actscope.article.result import ArticleResult, Outcome
from actscope.figures.article._parts import with_styles
from actscope.figures.labels import LineEnd, name_lines, shorten, width_of
from actscope.figures.sheet import Room, headline, sheet, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MIN_RIGHT = 1.9  # inches: the headline is wider than the panel
CEILING = 2.5  # a run that diverges may not flatten the others' curves


@styled
def loss_curves(result: ArticleResult) -> Figure:
    """The loss by epoch, each line named at its end with its last value."""
    curves = [(outcome, style, _words(outcome)) for outcome, style in with_styles(result)]
    right = 0.8 + max(width_of(words) for _, _, words in curves)  # leader, swatch, words
    figure, [[ax]] = sheet(1, 1, 6.6, 4.0, Room(top=0.8, right=max(right, MIN_RIGHT)))
    epochs = np.arange(1, result.setup.epochs + 1)
    ends, highest = [], 0.1
    for outcome, style, words in curves:
        good = np.isfinite(outcome.losses)
        shown = np.where(good, outcome.losses, np.nan)
        ax.plot(epochs, shown, color=style.colour, linestyle=style.linestyle, linewidth=1.8)
        at, last = 0, 0.0
        if good.any():
            at = int(np.flatnonzero(good)[-1])
            last = float(shown[at])
            highest = max(highest, float(shown[good].max()))
        if outcome.diverged_at is not None:
            mark: dict[str, Any] = {"markersize": 9, "clip_on": False}
            ax.plot(epochs[at], last, "X", color=style.colour, **mark)
        ends.append(LineEnd(words, style, last))
    ax.set_ylim(0, min(1.05 * highest, CEILING))
    ax.set_xlim(0, result.setup.epochs)
    name_lines(ax, ends)
    ax.set(xlabel="epoch", ylabel="binary cross-entropy (nats per point)")
    line = (
        "mean of each epoch's mini-batch losses; same data, same draws, same order of points; "
        "the init's factor follows the activation"
    )
    headline(figure, "Training loss by activation", line)
    return figure


def _words(outcome: Outcome) -> str:
    """An activation's name, and how its loss ends."""
    if outcome.diverged_at is None:
        return f"{shorten(outcome.label)}  {outcome.losses[-1]:.4f}"
    return f"{shorten(outcome.label)}  diverged at epoch {outcome.diverged_at}"
