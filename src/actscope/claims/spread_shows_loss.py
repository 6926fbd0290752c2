"""A smaller spread of the hidden outputs means that less of the geometry is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from actscope.claims._base import Claim, Drawing, Effect, Table, Verdict, show
from actscope.claims._rules import Floats, above, both, decide, mean, row
from actscope.claims._sources import Document
from actscope.claims._walks import KEYS, trained
from actscope.maths.statistics import spearman

if TYPE_CHECKING:
    from actscope.claims._bench import Bench

TELLS = 0.5  # a rank correlation that would let the spread stand for what is kept


@dataclass(frozen=True)
class Numbers:
    """Spread and R² of the distance in the last hidden layer, (seeds,) by activation.

    Attributes:
        spread, fidelity: of trained networks.
        layers: by activation, the change of R² from layer 1 to layer 2, (seeds,).
    """

    spread: dict[str, Floats]
    fidelity: dict[str, Floats]
    layers: dict[str, Floats]


def measure(bench: Bench) -> Numbers:
    """Trained networks of three activations."""
    a = trained(bench)
    return Numbers(
        {k: a[f"{k} spread"][:, -1] for k in KEYS},
        {k: a[f"{k} fidelity"][:, -1] for k in KEYS},
        {k: a[f"{k} fidelity"][:, 1] - a[f"{k} fidelity"][:, 0] for k in KEYS},
    )


def judge(n: Numbers) -> Verdict:
    """Whether more spread goes with more that can be read, among networks of one activation."""
    within = {k: spearman(n.spread[k], n.fidelity[k], rng=0, resamples=2000) for k in n.spread}
    tells = both(*(above(r, TELLS) for r in within.values()))
    outcome, under = decide(tells, False, "")
    rows = [row(r, label=k, series=k) | {"spread": float(np.median(n.spread[k])),
            "R²": float(np.median(n.fidelity[k]))} for k, r in within.items()]  # fmt: skip
    changes = "; ".join(f"{k} {show(mean(v))}" for k, v in n.layers.items())
    middle = ", ".join(
        f"{k} {r['spread']:.2f} and {r['R²']:.2f}" for k, r in zip(within, rows, strict=True)
    )
    says = (
        "Among trained networks of one activation the rank correlation of spread and R² of the "
        f"distance is {', '.join(f'{show(r)} ({k})' for k, r in within.items())}. Medians of both: "
        f"{middle}. From layer 1 to layer 2 R² changes by: {changes}, although the sigmoid's "
        "spread shrinks and ReLU's grows. The next layer's weights can undo any spread; with "
        "2σ − 1 in place of σ it doubles, and the network computes what it did."
    )
    return Verdict(
        outcome,
        says,
        Effect("rank correlation for the sigmoid", within["sigmoid"], of="networks"),
        (Table("Rank correlation of spread and R², last hidden layer", tuple(rows)),),
        Drawing("intervals", "value", "label", "rank correlation of spread and R² of the distance",
                low="low", high="high", series="series", marks=((TELLS, "tells"), (0.0, "none"))),
        under,
    )  # fmt: skip


RECORD = Claim(
    name="spread_shows_loss",
    statement="A smaller spread of the hidden outputs means that less of the geometry is left.",
    source=(Document.ARTICLE,),
    place="Hidden Space Scatter; Layer-by-Layer Signal Trace",
    rule="Holds: among trained networks of each of three activations the rank correlation of "
    "spread and R² of the distance is above 0.5. Does not hold: for one of them it is below.",
    measure=measure,
    judge=judge,
    also="actscope assess sigmoid",
)
