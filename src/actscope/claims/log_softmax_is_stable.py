"""log-softmax is stable where log(softmax) is not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from actscope.claims._base import Claim, Drawing, Effect, Table, Verdict
from actscope.claims._rules import both, decide, exact
from actscope.claims._sources import Document

if TYPE_CHECKING:
    from actscope.claims._bench import Bench

GAPS = (1.0, 10.0, 50.0, 110.0, 500.0, 1000.0, 10000.0)
RIGHT = 1e-6  # relative error in float32: a few units of the last digit


@dataclass(frozen=True)
class Numbers:
    """Relative errors of the log-probability of the smaller of two logits, by gap, in float32.

    Attributes:
        log_softmax: of the record.
        log_of_softmax: of the logarithm of the stable softmax; infinite where that is −∞.
    """

    log_softmax: dict[float, float]
    log_of_softmax: dict[float, float]


def measure(bench: Bench) -> Numbers:
    """Logits [g, 0]; the truth is −g − log1p(e^−g), in float64."""
    from actscope.activations._lookup import activation

    softmax, log_softmax = activation("softmax"), activation("log_softmax")
    errors: tuple[dict[float, float], dict[float, float]] = ({}, {})
    for gap in GAPS:
        x = np.array([gap, 0.0], dtype=np.float32)
        truth = -gap - np.log1p(np.exp(-gap))
        with np.errstate(divide="ignore"):
            found = (log_softmax(x)[1], np.log(softmax(x))[1])
        for kept, value in zip(errors, found, strict=True):
            kept[gap] = float(abs(np.float64(value) / truth - 1.0))
    return Numbers(*errors)


def judge(n: Numbers) -> Verdict:
    """One right at every gap, the other not."""
    stable = all(v <= RIGHT for v in n.log_softmax.values())
    breaks = [g for g, v in n.log_of_softmax.items() if not np.isfinite(v)]
    outcome, under = decide(both(stable, bool(breaks)), False, "")
    worst = max(n.log_softmax.values())
    first = f"from a gap of {min(breaks):g}" if breaks else "at no gap tried"
    rows = tuple(
        {"gap": g, "value": max(v, 1e-9), "series": name}
        for name, found in (("log_softmax", n.log_softmax), ("log(softmax)", n.log_of_softmax))
        for g, v in found.items()
    )
    says = (
        f"In float32 log-softmax is right to {worst:.1g} at every gap of two logits up to "
        f"{max(n.log_softmax):,.0f}. log(softmax(x)), even with the stable softmax, is −∞ {first}: "
        "the probability is below the smallest float, and cross-entropy becomes infinite."
    )
    return Verdict(
        outcome,
        says,
        Effect("largest relative error of log-softmax", exact(worst), of=""),
        (Table("Relative error of the log-probability, float32 (top: infinite)", rows),),
        Drawing("lines", "gap", "value", "gap between two logits", "relative error",
                series="series", xlog=True, ylog=True),
        under,
    )  # fmt: skip


RECORD = Claim(
    name="log_softmax_is_stable",
    statement="log-softmax is numerically stable where the logarithm of softmax is not.",
    source=(Document.TUTORIAL,),
    place="Numerical stability; Softmax vs. Log-Softmax",
    rule="Holds: in float32 log-softmax is right to 1e-6 at gaps of 1 to 10,000, and log(softmax) "
    "is infinite at one of them. Otherwise it does not.",
    measure=measure,
    judge=judge,
    also="actscope show log_softmax",
)
