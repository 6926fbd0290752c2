"""The sigmoid destroys the distance to the boundary: account 3, what gradient descent sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actscope.claims._accounts import Accounts, account, lost_by_sigmoid, rows, where
from actscope.claims._base import Claim, Drawing, Effect, Table, Verdict, show
from actscope.claims._rules import below, decide, either, median, most
from actscope.claims._sources import Document

if TYPE_CHECKING:
    from actscope.claims._bench import Bench

VANISHED = 1e-3  # the first layer moves a thousand times less than the last
MOST = 0.5  # of the six places


def measure(bench: Bench) -> Accounts:
    """The gradient's norm in the first layer over the last one's, before training."""
    return account(bench, "gradient")


def judge(n: Accounts) -> Verdict:
    """Vanished in most places, in some, or in none."""
    lost = lost_by_sigmoid({p: below(median(v), VANISHED) for p, v in n.value.items()})
    outcome, under = decide(most(lost.values(), MOST), either(*lost.values()), where(lost))
    a, c = (median(n.value["sigmoid", i, 8]) for i in ("article", "critical"))
    r = median(n.value["relu", "article", 8])
    deep = median(n.value["sigmoid", "critical", 32])
    says = (
        f"After eight layers with the article's weights the first layer's gradient is {show(a)} of "
        f"the last one's for the sigmoid and {show(r)} for ReLU. With critical weights the "
        f"sigmoid's is {show(c)}, and {show(deep)} after 32 layers: it is the weights' scale that "
        "lets it vanish, not the sigmoid alone."
    )
    return Verdict(
        outcome,
        says,
        Effect("gradient, layer 1 over last, 8 sigmoid layers", a),
        (Table("Gradient of the first layer over the last one's, median", rows(n.value)),),
        Drawing("lines", "depth", "value", "hidden layers", "gradient of the first layer / last",
                low="low", high="high", series="series", panels="weights", xlog=True, ylog=True,
                marks=((VANISHED, "vanished"),)),
        under,
    )  # fmt: skip


RECORD = Claim(
    name="distance_lost_to_optimiser",
    statement="Sigmoid layers destroy the distance to the boundary, ReLU layers keep it. Third "
    "account: whether the gradient still reaches the first layer.",
    source=(Document.ARTICLE, Document.COST),
    place="How Sigmoid Destroys Distance Information (gradient starvation)",
    rule="A place is an init (the article's, centred critical) and a depth (2, 8, 32). The "
    "gradient has vanished where the median of first layer over last is below 1e-3. Holds: so for "
    "the sigmoid and not for ReLU in at least half of the places. Holds only under the places "
    "where that is so.",
    measure=measure,
    judge=judge,
    also="actscope assess sigmoid",
)
