"""The training loss, epoch by epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from actscope.article.result import ArticleResult
from actscope.figures.article._parts import with_styles
from actscope.figures.labels import LineEnd, name_lines, shorten
from actscope.figures.sheet import Room, headline, sheet, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CEILING = 2.5  # a run that diverges may not flatten the others' curves


@styled
def loss_curves(result: ArticleResult) -> Figure:
    """The loss by epoch, each line named at its end with its last value."""
    figure, [[ax]] = sheet(1, 1, 6.6, 4.0, Room(top=0.8, right=3.1))
    epochs = np.arange(1, result.setup.epochs + 1)
    ends, highest = [], 0.1
    for outcome, style in with_styles(result):
        good = np.isfinite(outcome.losses)
        shown = np.where(good, outcome.losses, np.nan)
        ax.plot(epochs, shown, color=style.colour, linestyle=style.linestyle, linewidth=1.8)
        words, last = shorten(outcome.label), 0.0
        if good.any():
            at = int(np.flatnonzero(good)[-1])
            last = float(shown[at])
            highest = max(highest, float(shown[good].max()))
        if outcome.diverged_at is None:
            words += f"  {last:.4f}"
        else:
            words += f"  diverged at epoch {outcome.diverged_at}"
            ax.plot(epochs[at] if good.any() else 1, last, "X", color=style.colour, markersize=9)
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
