"""ReLU's outputs are not zero-centred either, and it does not mind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actscope.claims._base import Claim, Drawing, Effect, Table, Verdict, show
from actscope.claims._centring import EPOCHS, REACHED, Pace, pace
from actscope.claims._rules import below, decide, mean, row
from actscope.claims._sources import Document

if TYPE_CHECKING:
    from actscope.claims._bench import Bench

SLOWER = 1.25  # the same quarter as for the sigmoid


def measure(bench: Bench) -> Pace:
    """ReLU(x) and ReLU(x) − 0.399 with the same weights."""
    return pace(bench, "relu")


def judge(n: Pace) -> Verdict:
    """As fast as its centred twin at the best rates, at the article's only, or not."""
    tuned = mean(n.tuned["plain"] / n.tuned["centred"])
    article = mean(n.article["plain"] / n.article["centred"])
    outcome, under = decide(
        below(tuned, SLOWER), below(article, SLOWER), "the article's learning rate"
    )
    names = {"plain": "ReLU(x)", "centred": "ReLU(x) − 0.399"}
    rows = [row(mean(v), label=f"{names[f]}, {s}", series={"plain": "relu"}.get(f, f))
            for s, found in (("own best rate", n.tuned), ("rate 0.05", n.article))
            for f, v in found.items()]  # fmt: skip
    says = (
        f"Until the training loss is below {REACHED:g}, ReLU takes {show(tuned)} times the epochs "
        f"of ReLU less its mean, each at its own best rate ({n.rates['plain']:g} and "
        f"{n.rates['centred']:g}), and {show(article)} times at the article's rate (never counts "
        f"as {EPOCHS} epochs). The mean is 0.399 for normal input: 32 % of ReLU's second moment, "
        "where it is 85 % of the sigmoid's."
    )
    return Verdict(
        outcome,
        says,
        Effect("epochs of ReLU over its centred twin's", tuned, of="draws of the data"),
        (Table(f"Epochs until the training loss is below {REACHED:g}", tuple(rows)),),
        Drawing("intervals", "value", "label", f"epochs until the loss is below {REACHED:g}",
                low="low", high="high", series="series"),
        under,
    )  # fmt: skip


RECORD = Claim(
    name="relu_ignores_centring",
    statement="ReLU is not zero-centred either, and does not mind.",
    source=(Document.LESSON,),
    place="zero-centered inputs",
    rule="ReLU(x) and ReLU(x) − 0.399 have the same weights and slopes. Holds: each at its own "
    "best learning rate, ReLU takes less than 1.25 times the epochs. Holds only under the "
    "article's learning rate: there it does, at the best rates not.",
    measure=measure,
    judge=judge,
)
