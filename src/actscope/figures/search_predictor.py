"""How well predictors rank: Spearman of each over all cells and in the top third."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from actscope.figures.colours import LINE, MUTED, OTHER_LIGHT, SERIES_LIGHT
from actscope.figures.sheet import Room, headline, sheet, styled

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.figure import Figure


@styled
def predictor_ranks(table: pd.DataFrame, ceiling: Mapping[str, float]) -> Figure:
    """Spearman with its interval of every predictor, and the ceiling that seed noise sets.

    Args:
        table: of `judged`.
        ceiling: Spearman by part, of `ceiling`.
    """
    parts = ("all", "top third")
    order = table[table.part == "all"].sort_values("spearman").predictor.to_list()
    figure, [axes] = sheet(1, 2, 3.2, 0.27 * len(order), Room(left=2.7, top=1.0, across=0.4))
    y = np.arange(len(order))
    for ax, part in zip(axes, parts, strict=True):
        rows = table[table.part == part].set_index("predictor").loc[order]
        for place, (name, row) in zip(y, rows.iterrows(), strict=True):
            colour = SERIES_LIGHT["sigmoid"] if str(name).startswith("combination") else OTHER_LIGHT
            ax.plot([row.spearman_low, row.spearman_high], [place, place], color=colour)
            ax.plot(row.spearman, place, "o", color=colour, markersize=5)
        ax.axvline(0.0, color=LINE, linewidth=0.8)
        ax.axvline(ceiling[part], color=MUTED, linestyle=(0, (4, 2)), linewidth=1.2)
        at, where = (ceiling[part], len(order) - 0.5), "offset points"
        ax.annotate("ceiling", at, (-3, 0), color=MUTED, size=9, textcoords=where, ha="right",
                    va="center")  # fmt: skip
        ax.set(ylim=(-0.7, len(order)), yticks=y, xlim=(-0.6, 1.02), xlabel="Spearman's ρ")
        ax.set_title("all cells" if part == "all" else "the top third")
        ax.grid(axis="y", visible=False)
    axes[0].set_yticks(y, order)
    axes[1].set_yticklabels([])
    headline(figure, "How well each predictor ranks cells",
             "mean over the tasks, 95 % intervals; dashed: what seed noise allows")  # fmt: skip
    return figure
