"""For the same accuracy a sigmoid network has to be wider than a ReLU network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from actscope.claims._base import Claim, Drawing, Effect, Table, Verdict, show
from actscope.claims._rules import Floats, above, decide, mean, row
from actscope.claims._sources import Document
from actscope.claims._width import KEYS, WIDTHS, Found, by_width, needed
from actscope.maths.statistics import Interval

if TYPE_CHECKING:
    from actscope.claims._bench import Bench

BEHIND = 0.01  # target: within a point of the widest ReLU network
MORE = 1.1  # a tenth more units


@dataclass(frozen=True)
class Numbers:
    """Test accuracy by (activation, width), (draws,): own best settings, and the article's."""

    tuned: Found
    article: Found


def measure(bench: Bench) -> Numbers:
    """Two hidden layers of 2 to 16 units on the two moons."""
    return Numbers(*by_width(bench))


def _ratio(found: Found, target: Floats) -> Interval:
    """Sigmoid's width over ReLU's at the target; twice the widest where it is not reached."""
    sigmoid, relu = (np.minimum(needed(found, k, target), 2 * max(WIDTHS)) for k in KEYS)
    return mean(sigmoid / relu)


def judge(n: Numbers) -> Verdict:
    """More units whatever the settings, with the article's only, or not."""
    target = n.tuned["relu", max(WIDTHS)] - BEHIND
    tuned, article = _ratio(n.tuned, target), _ratio(n.article, target)
    more = above(tuned, MORE)
    outcome, under = decide(more, above(article, MORE), "the article's learning rate and init")
    rows = [row(mean(v), width=w, series=k, settings=s)
            for s, found in (("best settings", n.tuned), ("article's settings", n.article))
            for (k, w), v in found.items()]  # fmt: skip
    widths = {k: float(np.median(needed(n.tuned, k, target))) for k in KEYS}
    never = int(np.isinf(needed(n.article, "sigmoid", target)).sum())
    says = (
        f"To come within a point of the widest ReLU network's accuracy, a sigmoid network with its "
        f"own best settings needs {show(tuned)} times ReLU's width ({widths['sigmoid']:.1f} "
        f"against {widths['relu']:.1f} units a layer, median of the draws). With the article's "
        f"rate and init it gets there in {len(target) - never} of {len(target)} draws up to width "
        f"{max(WIDTHS)}."
    )
    return Verdict(
        outcome,
        says,
        Effect("width at equal accuracy, sigmoid over ReLU", tuned, of="draws of the data"),
        (Table("Test accuracy by width", tuple(rows)),),
        Drawing("lines", "width", "value", "units in each of two layers", "test accuracy",
                low="low", high="high", series="series", panels="settings", xlog=True,
                marks=((float(np.mean(target)), "target"),)),
        under,
    )  # fmt: skip


RECORD = Claim(
    name="sigmoid_needs_more_units",
    statement="For the same accuracy a sigmoid network has to be wider than a ReLU network.",
    source=(Document.COST, Document.ARTICLE),
    place="Why This Matters Now: The Inference Cost Angle",
    rule="Equal accuracy is that of the widest ReLU network less a point. Holds: with each one's "
    "own best settings the sigmoid needs more than 1.1 times ReLU's width. Holds only under the "
    "article's learning rate and init: with these it does, with its best ones not.",
    measure=measure,
    judge=judge,
)
