"""The sigmoid destroys the distance to the boundary: account 2, what a number format leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from actscope.claims._accounts import Accounts, account, lost_by_sigmoid, rows, where
from actscope.claims._base import Claim, Drawing, Effect, Table, Verdict, show
from actscope.claims._rules import below, both, decide, either, median, most, negated
from actscope.claims._sources import Document

if TYPE_CHECKING:
    from actscope.claims._bench import Bench

THERE = 0.5  # R² in float64: there is something to lose
KEPT = 0.5  # less than half of it is left after rounding
MOST = 0.5  # of the six places


def measure(bench: Bench) -> Accounts:
    """R² after rounding the last layer to bfloat16, and in float64."""
    return account(bench, "bfloat16", "float64")


def judge(n: Accounts) -> Verdict:
    """Lost to the format in most places, in some, or in none."""
    lost = {}
    kept = {}
    for p, value in n.value.items():
        there = n.base[p]
        kept[p] = np.minimum(value / np.maximum(there, 1e-12), 1.0) * (there > 0.0)
        lost[p] = both(negated(below(median(there), THERE)), below(median(kept[p]), KEPT))
    places = lost_by_sigmoid(lost)
    outcome, under = decide(most(places.values(), MOST), either(*places.values()), where(places))
    at_8 = {k: median(kept[k, "article", 8]) for k in ("sigmoid", "relu", "tanh")}
    critical = median(kept["sigmoid", "critical", 8])
    says = (
        f"Rounded to bfloat16, eight sigmoid layers with the article's weights keep "
        f"{show(at_8['sigmoid'], '%')} of the R² that float64 has, ReLU {show(at_8['relu'], '%')}"
        f", tanh {show(at_8['tanh'], '%')}. With critical weights the sigmoid keeps "
        f"{show(critical, '%')}: the signal is there, but as a small ripple on a constant near "
        "1/2, which eight significant bits cannot hold."
    )
    return Verdict(
        outcome,
        says,
        Effect("R² kept in bfloat16 after 8 sigmoid layers", at_8["sigmoid"], unit="%"),
        (Table("Share of the float64 R² that bfloat16 keeps", rows(kept)),),
        Drawing("lines", "depth", "value", "hidden layers", "share of R² kept in bfloat16",
                low="low", high="high", series="series", panels="weights", xlog=True,
                marks=((KEPT, "lost"),)),
        under,
    )  # fmt: skip


RECORD = Claim(
    name="distance_lost_in_format",
    statement="Sigmoid layers destroy the distance to the boundary, ReLU layers keep it. Second "
    "account: what is left of it in bfloat16.",
    source=(Document.ARTICLE, Document.COST),
    place="introduction; How Sigmoid Destroys Distance Information",
    rule="A place is an init (the article's, centred critical) and a depth (2, 8, 32). It is lost "
    "to the format where float64 has R² above 0.5 and bfloat16 keeps less than half of that. "
    "Holds: so for the sigmoid and not for ReLU in at least half of the places. Holds only under "
    "the places where that is so.",
    measure=measure,
    judge=judge,
    also="actscope assess sigmoid",
)
