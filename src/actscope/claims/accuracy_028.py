"""The sigmoid's accuracy sits at roughly 0.28 by epoch 400."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from actscope.claims._article import many, published
from actscope.claims._base import Claim, Drawing, Effect, Table, Verdict, show
from actscope.claims._rules import Floats, counts, decide, mean, within
from actscope.claims._sources import Document

if TYPE_CHECKING:
    from actscope.claims._bench import Bench

PRINTED, NEAR = 0.28, 0.05


@dataclass(frozen=True)
class Numbers:
    """Of the sigmoid: the seeds' test accuracies at the end (seeds,), and the loss at epoch 400."""

    accuracy: Floats
    loss_at_400: float


def measure(bench: Bench) -> Numbers:
    """The article's run, and its accuracy over 1,000 seeds."""
    loss = float(published(bench)["sigmoid loss"][399])
    return Numbers(many(bench)["sigmoid accuracy"], loss)


def judge(n: Numbers) -> Verdict:
    """Whether 0.28 can be an accuracy."""
    accuracy = mean(n.accuracy)
    outcome, under = decide(within(accuracy, PRINTED - NEAR, PRINTED + NEAR), False, "")
    says = (
        f"The accuracy is {show(accuracy, '%')}. The number 0.28 is the loss (binary "
        f"cross-entropy, {n.loss_at_400:.4f} at epoch 400 in the published run), as the same "
        "document says further up; an accuracy of 0.28 would be worse than a coin's."
    )
    return Verdict(
        outcome,
        says,
        Effect("accuracy", accuracy, unit="%"),
        (Table("Test accuracy", counts(n.accuracy, 0.0, 1.0, 50, series="sigmoid")),),
        Drawing("bars", "value", "count", "test accuracy of the sigmoid network", "seeds",
                series="series", marks=((PRINTED, "text: 0.28"),)),
        under,
    )  # fmt: skip


RECORD = Claim(
    name="accuracy_028",
    statement="By epoch 400 the sigmoid's accuracy sits at roughly 0.28.",
    source=(Document.NEWS,),
    place="fifth paragraph",
    rule="Holds: the mean accuracy over seeds is within 0.05 of 0.28. Otherwise it does not.",
    measure=measure,
    judge=judge,
    also="actscope reproduce",
)
