"""The printed signal trace: z₁ near 2, sigmoid 0.3 and 0.5–0.6, ReLU 9–20 at the output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from actscope.claims._article import many, published
from actscope.claims._base import Claim, Drawing, Effect, Table, Verdict
from actscope.claims._rules import Floats, decide, exact, median, row
from actscope.claims._sources import Document

if TYPE_CHECKING:
    from actscope.claims._bench import Bench

# activation, stage (0 … 4), what is printed, low, high, half a unit of its last digit
PRINTED = (
    ("sigmoid", 0, "z₁ ~2.0", 2.0, 2.0, 0.4),
    ("relu", 0, "z₁ ~2.0", 2.0, 2.0, 0.4),
    ("sigmoid", 1, "a₁ ~0.3", 0.3, 0.3, 0.06),
    ("sigmoid", 3, "a₂ 0.5–0.6", 0.5, 0.6, 0.05),
    ("relu", 4, "z₃ 9–20", 9.0, 20.0, 0.5),
)  # where a tilde stands, a fifth of the number is allowed


@dataclass(frozen=True)
class Numbers:
    """Mean magnitudes of the far point of both classes at the five stages.

    Attributes:
        published: by activation, (2, 5).
        seeds: by activation, (seeds, 2, 5).
    """

    published: dict[str, Floats]
    seeds: dict[str, Floats]


def measure(bench: Bench) -> Numbers:
    """The article's two points through its networks, and through 1,000 other seeds' ones."""
    one, others = published(bench), many(bench)
    keys = ("sigmoid", "relu")
    return Numbers({k: one[f"{k} trace"] for k in keys}, {k: others[f"{k} trace"] for k in keys})


def judge(n: Numbers) -> Verdict:
    """Printed numbers met by the published run, for both classes or for one."""
    fits = np.array(
        [
            [low - slack <= v <= high + slack for v in n.published[key][:, stage]]
            for key, stage, _, low, high, slack in PRINTED
        ]
    )
    whole = np.flatnonzero(fits.all(axis=0))
    outcome, under = decide(
        bool(fits.all()), len(whole) > 0, f"the class {whole[0]} point" if len(whole) else ""
    )
    rows = []
    for (key, stage, what, *_), good in zip(PRINTED, fits, strict=True):
        for c in (0, 1):
            seeds = median(n.seeds[key][:, c, stage])
            rows.append(
                row(seeds, label=f"{key} {what}, class {c}", series=key)
                | {"published run": float(n.published[key][c, stage]), "as printed": bool(good[c])}
            )
    met = exact(float(fits.mean()))
    missed = [r for r in rows if not r["as printed"]]
    words = "; ".join(f"{r['label']}: {r['published run']:.3g}" for r in missed) or "none"
    says = (
        f"{fits.sum()} of {fits.size} printed numbers are what the published run gives. Not so: "
        f"{words}. Neither point is far from the boundary by measurement: the article picks the "
        "training points farthest from a fixed place. The sizes depend on the weights' scale, "
        "not on what is known of the point: see spread_shows_loss."
    )
    return Verdict(
        outcome,
        says,
        Effect("printed numbers met", met, unit="%", of="numbers"),
        (Table("Mean magnitude: median of 1,000 seeds, and the published run", tuple(rows)),),
        Drawing("intervals", "value", "label", "mean magnitude at that stage, median of the seeds",
                low="low", high="high", series="series", xlog=True),
        under,
    )  # fmt: skip


RECORD = Claim(
    name="signal_trace",
    statement="Far from the boundary both networks start at z₁ ≈ 2; the sigmoid squeezes the "
    "signal to 0.3 and then 0.5–0.6, ReLU ends at 9–20.",
    source=(Document.ARTICLE, Document.NEWS),
    place="Layer-by-Layer Signal Trace",
    rule="A printed number is met if the published run rounds to it, or is within a fifth of it "
    "where a tilde stands. Holds: all are met for both points. Holds only under one point: "
    "all are met for that one.",
    measure=measure,
    judge=judge,
    also="actscope reproduce",
)
