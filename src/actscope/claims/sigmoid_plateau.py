"""The sigmoid's training loss levels off near 0.28 at epoch 400."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from actscope.claims._article import many, published
from actscope.claims._base import Claim, Drawing, Effect, Table, Verdict, show
from actscope.claims._rules import Floats, above, both, counts, decide, share
from actscope.claims._sources import Document

if TYPE_CHECKING:
    from actscope.claims._bench import Bench

PRINTED, NEAR = 0.28, 0.02  # two digits are printed, with a tilde: two units of the last one
FALL = 0.10  # "almost no progress": less than a tenth of the loss in as many epochs again
MOST = 0.5  # a thing is typical if most seeds show it


@dataclass(frozen=True)
class Numbers:
    """Running losses at epochs 400 and 800: of the published run, and of each seed, (seeds,)."""

    published: tuple[float, float]
    at_400: Floats
    at_800: Floats


def measure(bench: Bench) -> Numbers:
    """The article's run, and the same from 1,000 other seeds."""
    one, others = published(bench)["sigmoid loss"], many(bench)["sigmoid loss"]
    return Numbers((float(one[399]), float(one[799])), others[:, 1], others[:, 3])


def _level(at_400: Floats, at_800: Floats) -> Floats:
    """Whether a loss is level near the printed one."""
    return np.asarray((abs(at_400 - PRINTED) <= NEAR) & (at_800 > (1 - FALL) * at_400))


def judge(n: Numbers) -> Verdict:
    """Typical of all seeds, or of the published one alone."""
    level = share(_level(n.at_400, n.at_800))
    here = bool(_level(np.array(n.published[0]), np.array(n.published[1])))
    outcome, under = decide(both(here, above(level, MOST)), here, "the published seed")
    middle = [float(np.median(v)) for v in (n.at_400, n.at_800)]
    says = (
        f"The published run has {n.published[0]:.4f} at epoch 400 and {n.published[1]:.4f} at 800; "
        f"{show(level, '%')} of {level.n} other seeds are as level there (medians {middle[0]:.3f} "
        f"and {middle[1]:.3f}). What the plateau comes from is another question: see "
        "plateau_is_inherent."
    )
    return Verdict(
        outcome,
        says,
        Effect("seeds level near 0.28", level, unit="%"),
        (Table("Running loss at epoch 800", counts(n.at_800, 0.2, 0.4, series="sigmoid")),),
        Drawing(
            "bars", "value", "count", "running loss of the sigmoid network at epoch 800", "seeds",
            series="series", marks=((PRINTED, "article: ~0.28"), (n.published[1], "its own run")),
        ),
        under,
    )  # fmt: skip


RECORD = Claim(
    name="sigmoid_plateau",
    statement="The sigmoid's loss levels off near 0.28 at epoch 400 and hardly falls afterwards.",
    source=(Document.ARTICLE, Document.NEWS),
    place="Training Loss Curve",
    rule="A run is level if its loss at epoch 400 is within 0.02 of 0.28 and falls by less than a "
    "tenth by epoch 800. Holds: the published run and most of the seeds are level. Holds only "
    "under the published seed: it is, most are not. Otherwise it does not hold.",
    measure=measure,
    judge=judge,
    also="actscope reproduce --seeds 1000",
)
