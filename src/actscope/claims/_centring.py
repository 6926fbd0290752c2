"""Activations beside their centred twins: the same slope everywhere, the mean taken away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from actscope.claims._rules import Floats

if TYPE_CHECKING:
    from actscope.claims._bench import Bench

# φ and φ − E[φ(z)], z ~ N(0, 1): the weights and the slopes are the same, the mean alone differs
TWINS = {"sigmoid": "sigmoid(x) - 0.5", "relu": "max(x, 0) - 0.3989422804014327"}
RATES = {
    "sigmoid": (0.05, 0.5, 1.5, 5.0, 15.0, 45.0),
    "relu": (0.05, 0.5, 1.0, 1.5, 2.5, 4.0),
}
REACHED = 0.1  # training loss that counts as learnt: a third of a straight line's
EPOCHS, CURVE = 800, 100


@dataclass(frozen=True)
class Pace:
    """Epochs until the running loss is below REACHED, mean of the seeds, (draws,).

    Networks that never are count as 800 epochs.

    Attributes:
        tuned: by "plain" and "centred", each at its own best rate.
        article: at the article's rate.
        rates: those best rates.
    """

    tuned: dict[str, Floats]
    article: dict[str, Floats]
    rates: dict[str, float]


def pace(bench: Bench, key: str) -> Pace:
    """An activation and its centred twin with the article's init, SGD."""
    from actscope.claims._studies import CHOOSING, REPORTING, grid

    spec: dict[str, Any] = {"lr": list(RATES[key]), "init": "article", "curve": CURVE}
    epochs: dict[tuple[str, float], np.ndarray] = {}
    chosen: dict[str, float] = {}
    for form, activation in (("plain", key), ("centred", TWINS[key])):
        # the twin is an expression: the init's family is found by its slopes, which are the same
        result = bench.study(grid(activation=activation, **spec))
        frame = result.query(
            "SELECT d.lr, d.data_seed, d.seed, "
            f"coalesce(min(CASE WHEN c.loss < {REACHED} THEN c.epoch END), {EPOCHS}) AS epochs "
            "FROM trials d LEFT JOIN curves c ON c.id = d.id GROUP BY d.lr, d.data_seed, d.seed"
        )
        for lr in RATES[key]:
            at = frame[frame.lr == lr].groupby("data_seed").epochs.mean().sort_index()
            epochs[form, lr] = at.to_numpy(dtype=float)
        first = len(CHOOSING)
        means = {lr: epochs[form, lr][:first].mean() for lr in RATES[key]}
        chosen[form] = min(means, key=means.__getitem__)
        assert len(epochs[form, 0.05]) == first + len(REPORTING)
    kept = slice(len(CHOOSING), None)
    return Pace(
        {f: epochs[f, chosen[f]][kept] for f in chosen},
        {f: epochs[f, 0.05][kept] for f in chosen},
        chosen,
    )
