"""Outputs that are not zero-centred slow training: the sigmoid beside its centred twin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actscope.claims._base import Claim, Drawing, Effect, Table, Verdict, show
from actscope.claims._centring import EPOCHS, REACHED, Pace, pace
from actscope.claims._rules import above, decide, mean, row
from actscope.claims._sources import Document

if TYPE_CHECKING:
    from actscope.claims._bench import Bench

SLOWER = 1.25  # a quarter more epochs


def measure(bench: Bench) -> Pace:
    """σ(x) and σ(x) − 1/2 with the same weights: slopes alike, the mean alone differs."""
    return pace(bench, "sigmoid")


def judge(n: Pace) -> Verdict:
    """At each one's own best rate, at the article's rate only, or not."""
    tuned = mean(n.tuned["plain"] / n.tuned["centred"])
    article = mean(n.article["plain"] / n.article["centred"])
    outcome, under = decide(
        above(tuned, SLOWER), above(article, SLOWER), "the article's learning rate"
    )
    names = {"plain": "σ(x)", "centred": "σ(x) − 1/2"}
    rows = [row(mean(v), label=f"{names[f]}, {s}", series={"plain": "sigmoid"}.get(f, f))
            for s, found in (("own best rate", n.tuned), ("rate 0.05", n.article))
            for f, v in found.items()]  # fmt: skip
    says = (
        f"Until the training loss is below {REACHED:g}, σ(x) takes {show(tuned)} times the epochs "
        f"of σ(x) − 1/2, each at its own best rate ({n.rates['plain']:g} and "
        f"{n.rates['centred']:g}); at the article's rate {show(article)} times, where networks "
        f"that never get there count as {EPOCHS} epochs. Weights, slopes, data and seeds are the "
        "same: the constant 1/2 is the only difference, and a bias can hold it."
    )
    return Verdict(
        outcome,
        says,
        Effect("epochs of σ over its centred twin's", tuned, of="draws of the data"),
        (Table(f"Epochs until the training loss is below {REACHED:g}", tuple(rows)),),
        Drawing("intervals", "value", "label", f"epochs until the loss is below {REACHED:g}",
                low="low", high="high", series="series"),
        under,
    )  # fmt: skip


RECORD = Claim(
    name="uncentred_slows_training",
    statement="Outputs that are not zero-centred, such as the sigmoid's, slow training.",
    source=(Document.LESSON, Document.TUTORIAL),
    place="zero-centered inputs; Sigmoid Issues",
    rule="σ(x) and σ(x) − 1/2 have the same weights and slopes. Holds: each at its own best "
    "learning rate, σ takes more than 1.25 times the epochs. Holds only under the article's "
    "learning rate: there it does, at the best rates not.",
    measure=measure,
    judge=judge,
)
