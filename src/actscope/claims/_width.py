"""How wide a network must be: accuracy by width with each activation's own best settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from actscope.claims._rules import Floats
from actscope.claims._studies import best, cell, grid

if TYPE_CHECKING:
    from actscope.claims._bench import Bench

KEYS, WIDTHS = ("sigmoid", "relu"), (2, 3, 4, 6, 8, 12, 16)
RATES = {"sigmoid": (0.5, 1.5, 5.0), "relu": (0.05, 0.15, 0.5)}
Found = dict[tuple[str, int], Floats]


def by_width(bench: Bench) -> tuple[Found, Found]:
    """Accuracy by (activation, width), (draws,): with best rate and init; with the article's."""
    tuned, article = {}, {}
    for key in KEYS:
        study = grid(
            activation=key,
            width=list(WIDTHS),
            lr=sorted({0.05, *RATES[key]}),
            init=["article", "critical"],
        )
        frame = bench.study(study).table()
        for w in WIDTHS:
            tuned[key, w] = best(frame, width=w).accuracy
            article[key, w] = cell(frame, width=w, lr=0.05, init="article").accuracy
    return tuned, article


def needed(found: Found, key: str, target: Floats) -> Floats:
    """For each draw the width at which accuracy first reaches the target there.

    Between two widths accuracy is a straight line over the logarithm of the width.

    Returns:
        (draws,); infinite where no width reaches it.

    Example:
        >>> found = {("relu", 2): np.array([0.8]), ("relu", 8): np.array([1.0])}
        >>> float(needed(found, "relu", np.array([0.9]))[0])
        4.0
    """
    widths = sorted(w for k, w in found if k == key)
    curves = np.stack([found[key, w] for w in widths])
    reached = np.full(len(target), np.inf)
    for i, goal in enumerate(target):
        good = np.flatnonzero(curves[:, i] >= goal)
        if not len(good):
            continue
        at = good[0]
        if at == 0:
            reached[i] = widths[0]
            continue
        share = (goal - curves[at - 1, i]) / (curves[at, i] - curves[at - 1, i])
        reached[i] = widths[at - 1] * (widths[at] / widths[at - 1]) ** share
    return reached
