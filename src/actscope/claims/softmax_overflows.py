"""Softmax as printed in textbooks overflows for large logits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from actscope.claims._base import Claim, Drawing, Effect, Table, Verdict
from actscope.claims._rules import both, decide, exact
from actscope.claims._sources import Document

if TYPE_CHECKING:
    from actscope.claims._bench import Bench

REACHED = 1000.0  # a logit that an untamed network reaches
KINDS = ("float16", "float32", "float64")


@dataclass(frozen=True)
class Numbers:
    """By number type: the smallest logit at which each form gives a NaN, infinite for never."""

    naive: dict[str, float]
    stable: dict[str, float]


def measure(bench: Bench) -> Numbers:
    """Both forms of the record at [t, 0, −t], t up to 10,000."""
    from actscope.activations._lookup import activation

    softmax = activation("softmax")

    def first(form: object, kind: str) -> float:
        for t in np.concatenate([np.arange(0.0, 1000.0, 0.25), np.arange(1000.0, 10001.0, 100.0)]):
            x = np.array([t, 0.0, -t], dtype=kind)
            with np.errstate(all="ignore"):
                if not np.isfinite(form(x)).all():  # type: ignore[operator]
                    return float(t)
        return float("inf")

    return Numbers(
        {k: first(softmax.naive, k) for k in KINDS}, {k: first(softmax.f, k) for k in KINDS}
    )


def judge(n: Numbers) -> Verdict:
    """The naive form fails within reach, the stable one never."""
    fails = all(n.naive[k] <= REACHED for k in KINDS)
    cured = all(v == float("inf") for v in n.stable.values())
    low = n.naive["float16"] <= REACHED
    outcome, under = decide(both(fails, cured), both(low, cured), "half precision")
    rows = tuple({"label": k, "value": v, "series": k} for k, v in n.naive.items())
    says = (
        "exp(x)/Σexp(x) gives NaN from logits of "
        + ", ".join(f"{v:g} ({k})" for k, v in n.naive.items())
        + ". With the greatest logit subtracted first it gives none up to 10,000."
    )
    return Verdict(
        outcome,
        says,
        Effect("first logit that overflows float32", exact(n.naive["float32"]), of=""),
        (Table("The smallest logit at which naive softmax is NaN", rows),),
        Drawing("intervals", "value", "label", "smallest logit that gives NaN", xlog=True),
        under,
    )


RECORD = Claim(
    name="softmax_overflows",
    statement="Softmax computed as written overflows for large logits; with the maximum "
    "subtracted it does not.",
    source=(Document.TUTORIAL, Document.LESSON),
    place="Numerical Stability of Softmax",
    rule="Holds: the naive form gives NaN at some logit up to 1,000 in float16, float32 and "
    "float64, the stable form at none up to 10,000. Holds only under half precision: naive fails "
    "in float16 alone.",
    measure=measure,
    judge=judge,
    also="actscope show softmax",
)
