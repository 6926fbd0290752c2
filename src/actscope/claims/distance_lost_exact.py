"""The sigmoid destroys the distance to the boundary: account 1, what a reader could recover."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actscope.claims._accounts import Accounts, account, rows, where
from actscope.claims._base import Claim, Drawing, Effect, Table, Verdict, show
from actscope.claims._rules import above, below, both, decide, either, median, most
from actscope.claims._sources import Document

if TYPE_CHECKING:
    from actscope.claims._bench import Bench

LOST = 0.5  # R²: less than half of the distance's variance can be read
APART = 0.2  # of R², by which ReLU keeps more
MOST = 0.5  # of the six places (two inits, three depths)


def measure(bench: Bench) -> Accounts:
    """R² in float64 at the last layer of untrained networks."""
    return account(bench, "float64")


def judge(n: Accounts) -> Verdict:
    """Lost in most places, in some, or in none."""
    lost = {
        (init, depth): both(
            below(median(v), LOST), above(median(n.value["relu", init, depth] - v), APART)
        )
        for (key, init, depth), v in n.value.items()
        if key == "sigmoid"
    }
    outcome, under = decide(most(lost.values(), MOST), either(*lost.values()), where(lost))
    table = rows(n.value)
    at_8 = {k: median(n.value[k, "article", 8]) for k in ("sigmoid", "relu", "tanh")}
    deep = {k: median(n.value[k, "article", 32]) for k in ("sigmoid", "relu")}
    says = (
        "In float64 a linear reader recovers, after eight layers with the article's weights, "
        f"R² {show(at_8['sigmoid'])} of the distance from sigmoid networks, {show(at_8['relu'])} "
        f"from ReLU and {show(at_8['tanh'])} from tanh; after 32 layers {show(deep['sigmoid'])} "
        f"and {show(deep['relu'])}. A sigmoid network is a tanh network with other weights, so in "
        "exact arithmetic it cannot lose what tanh keeps; where float64 has nothing left, the "
        "signal has shrunk below its last digit."
    )
    return Verdict(
        outcome,
        says,
        Effect("R² after 8 sigmoid layers", at_8["sigmoid"]),
        (Table("R² of the distance to the boundary in float64, median of the networks", table),),
        Drawing("lines", "depth", "value", "hidden layers", "R² of the distance, float64",
                low="low", high="high", series="series", panels="weights", xlog=True,
                marks=((LOST, "lost"),)),
        under,
    )  # fmt: skip


RECORD = Claim(
    name="distance_lost_exact",
    statement="Sigmoid layers destroy the distance to the boundary, ReLU layers keep it. First "
    "account: what any linear reader could still recover.",
    source=(Document.ARTICLE, Document.COST),
    place="introduction; How Sigmoid Destroys Distance Information",
    rule="A place is an init (the article's, centred critical) and a depth (2, 8, 32). The "
    "sigmoid loses the distance where its median R² is below 0.5 and ReLU's is more than 0.2 "
    "higher. Holds: so in at least half of the places. Holds only under the places where it is.",
    measure=measure,
    judge=judge,
    also="actscope assess sigmoid",
)
