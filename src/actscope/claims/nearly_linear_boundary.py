"""The sigmoid network learns a nearly linear boundary, the ReLU network a curved one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from actscope.claims._article import KEYS, many, published
from actscope.claims._base import Claim, Drawing, Effect, Table, Verdict, show
from actscope.claims._rules import Floats, above, below, both, decide, mean, row
from actscope.claims._sources import Document
from actscope.claims._studies import best, cell, rescue

if TYPE_CHECKING:
    from actscope.claims._bench import Bench

ALIKE = 0.95  # agrees with a straight line on 19 of 20 points: "nearly linear"
BETTER = 0.05  # or: no more than so much more accurate than a straight line


@dataclass(frozen=True)
class Numbers:
    """How straight boundaries are.

    Attributes:
        published: by activation, the share of the 400 points on which the published run and a
            logistic regression agree.
        seeds: the same of other seeds, (seeds,).
        lead: accuracy over a straight line's, (draws,), with the article's settings ("article")
            and with each activation's own best rate and init ("tuned"), by "activation, settings".
    """

    published: dict[str, float]
    seeds: dict[str, Floats]
    lead: dict[str, Floats]


def measure(bench: Bench) -> Numbers:
    """The article's run and seeds beside a logistic regression; the same with tuned settings."""
    one, others = published(bench), many(bench)
    frame = bench.study(rescue()).table()
    lead = {}
    for k in KEYS:
        at = cell(frame, activation=k, lr=0.05, init="article")
        top = best(frame, activation=k)
        lead[f"{k}, article"] = at.lead
        lead[f"{k}, tuned"] = top.lead
    return Numbers({k: float(one[f"{k} linear"]) for k in KEYS},
                   {k: others[f"{k} linear"] for k in KEYS}, lead)  # fmt: skip


def judge(n: Numbers) -> Verdict:
    """Straight whatever the settings, with the article's only, or not."""
    alike = {k: mean(n.seeds[k]) for k in KEYS}
    tuned = mean(n.lead["sigmoid, tuned"])
    here = both(above(alike["sigmoid"], ALIKE), below(alike["relu"], ALIKE))
    outcome, under = decide(both(here, below(tuned, BETTER)), here, "the article's learning rate")
    rows = [row(mean(v), label=k, series=k.split(",")[0]) for k, v in n.lead.items()]
    says = (
        f"In the article's setting the sigmoid's class is a straight line's on "
        f"{show(alike['sigmoid'], '%')} of the points (ReLU's on {show(alike['relu'], '%')}). "
        f"With its own best learning rate and init the sigmoid is {100 * tuned.value:.1f} points "
        "more accurate than a straight line."
    )
    return Verdict(
        outcome,
        says,
        Effect("points classed as by a line", alike["sigmoid"], unit="%"),
        (Table("Accuracy over a straight line's", tuple(rows)),),
        Drawing("intervals", "value", "label", "test accuracy minus a straight line's",
                low="low", high="high", series="series",
                marks=((0.0, "a straight line"), (BETTER, "nearly linear"))),
        under,
    )  # fmt: skip


RECORD = Claim(
    name="nearly_linear_boundary",
    statement="The sigmoid network learns a nearly linear boundary, the ReLU network a curved one.",
    source=(Document.ARTICLE, Document.NEWS),
    place="Decision Boundary Plots",
    rule="Holds: sigmoid networks agree with logistic regression on more than 95 % of the points "
    "and ReLU networks do not, and the sigmoid stays within 5 points of a straight line's accuracy "
    "with its own best rate and init. Holds only under the article's learning rate: the first "
    "is so, the second is not.",
    measure=measure,
    judge=judge,
    also="actscope reproduce",
)
