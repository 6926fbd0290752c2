"""ReLU's training loss falls from 0.15 to 0.03 between epochs 200 and 800."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from actscope.claims._article import many, published
from actscope.claims._base import Claim, Drawing, Effect, Table, Verdict, show
from actscope.claims._rules import Floats, above, both, decide, median, row, share
from actscope.claims._sources import Document

if TYPE_CHECKING:
    from actscope.claims._bench import Bench

EPOCHS = (200, 400, 600, 800)
START, END = 0.15, 0.03
NEAR_START, NEAR_END = 0.03, 0.01  # a fifth of "~0.15"; one unit of the last digit of "~0.03"
FALLS = 0.5  # "keeps falling": every 200 epochs lower, and at least halved in all
MOST = 0.5


@dataclass(frozen=True)
class Numbers:
    """Running losses at epochs 200, 400, 600, 800: the published run (4,), the seeds (seeds, 4)."""

    published: Floats
    seeds: Floats


def measure(bench: Bench) -> Numbers:
    """The article's run, and the same from 1,000 other seeds."""
    one = published(bench)["relu loss"]
    return Numbers(one[[e - 1 for e in EPOCHS]], many(bench)["relu loss"])


def _falls(losses: Floats) -> Floats:
    """Whether a loss keeps falling."""
    steps = np.all(np.diff(losses, axis=-1) < 0.0, axis=-1)
    return np.asarray(steps & (losses[..., -1] < FALLS * losses[..., 0]))


def judge(n: Numbers) -> Verdict:
    """The printed numbers are the published run's; falling is asked of all seeds."""
    falling = share(_falls(n.seeds))
    printed = abs(n.published[0] - START) <= NEAR_START and abs(n.published[-1] - END) <= NEAR_END
    here = bool(printed and _falls(n.published))
    outcome, under = decide(both(here, above(falling, MOST)), here, "the published seed")
    rows = [row(median(n.seeds[:, i]), epoch=e, series="relu") for i, e in enumerate(EPOCHS)]
    says = (
        f"The published run has {n.published[0]:.3f} at epoch 200 and {n.published[-1]:.3f} at "
        f"800. Of {falling.n} other seeds {show(falling, '%')} keep falling; the median goes from "
        f"{show(median(n.seeds[:, 0]))} to {show(median(n.seeds[:, -1]))}."
    )
    return Verdict(
        outcome,
        says,
        Effect("seeds that keep falling", falling, unit="%"),
        (Table("Running loss of ReLU, median of the seeds", tuple(rows)),),
        Drawing("lines", "epoch", "value", "epoch", "running loss of ReLU, median of the seeds",
                low="low", high="high", series="series",
                marks=((START, "~0.15"), (END, "~0.03"))),
        under,
    )  # fmt: skip


RECORD = Claim(
    name="relu_keeps_falling",
    statement="ReLU's loss keeps falling, from about 0.15 to about 0.03 by epoch 800.",
    source=(Document.ARTICLE, Document.NEWS),
    place="Training Loss Curve",
    rule="A run keeps falling if it is lower at 400, 600 and 800 than 200 epochs before, and at "
    "least halved in all. Holds: the published run does and meets the printed numbers (0.15 "
    "within 0.03, 0.03 within 0.01), and most seeds do. Holds only under the published seed: it "
    "does, most do not.",
    measure=measure,
    judge=judge,
    also="actscope reproduce --seeds 1000",
)
