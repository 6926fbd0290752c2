"""A stack of linear layers is one linear map, however deep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from actscope.claims._base import Claim, Drawing, Effect, Table, Verdict, show
from actscope.claims._rules import Floats, above, both, decide, exact, mean, negated, row
from actscope.claims._sources import Document
from actscope.claims._studies import best, grid

if TYPE_CHECKING:
    from actscope.claims._bench import Arrays, Bench

ROUNDING = 1e-12  # relative: float64, a thousand sums of rounding errors
SAME = 0.01  # one point of accuracy
DEPTHS = (1, 2, 8)


@dataclass(frozen=True)
class Numbers:
    """How linear stacks are, and what they reach.

    Attributes:
        deviation: largest |f(x) − (Wx + b)| over the largest |f(x)|, stacks of 1,000 layers.
        lead: by depth, accuracy over logistic regression's after training, (draws,).
        relu: the same of ReLU with 2 layers.
    """

    deviation: float
    lead: dict[int, Floats]
    relu: Floats


def measure(bench: Bench) -> Numbers:
    """A thousand random layers folded into one; trained stacks beside logistic regression."""
    deviation = bench.kept("a thousand linear layers", _folded)["deviation"]
    study = grid(activation="identity", depth=list(DEPTHS), lr=[0.005, 0.05, 0.15])
    frame = bench.study(study).table()
    relu = bench.study(grid(activation="relu", depth=2, lr=[0.05, 0.15])).table()
    lead = {d: best(frame, ("lr",), depth=d).lead for d in DEPTHS}
    return Numbers(float(deviation), lead, best(relu, ("lr",), depth=2).lead)


def _folded() -> Arrays:
    from actscope.activations._lookup import elementwise

    phi, worst = elementwise("identity"), 0.0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((200, 8))
        h, W, b = x, np.eye(8), np.zeros(8)
        for _ in range(1000):
            w, c = np.linalg.qr(rng.standard_normal((8, 8)))[0], rng.standard_normal(8) / 30
            h, W, b = np.asarray(phi(h @ w + c)), W @ w, b @ w + c
        worst = max(worst, float(np.abs(h - (x @ W + b)).max() / np.abs(h).max()))
    return {"deviation": np.array(worst)}


def judge(n: Numbers) -> Verdict:
    """One map to rounding, and no better than a straight line."""
    lead = {d: mean(v) for d, v in n.lead.items()}
    relu = mean(n.relu)
    flat = both(*(negated(above(i, SAME)) for i in lead.values()))
    outcome, under = decide(both(n.deviation < ROUNDING, flat, above(relu, SAME)), False, "")
    rows = [row(i, label=f"identity, {d} layers", series="identity") for d, i in lead.items()]
    rows.append(row(relu, label="relu, 2 layers", series="relu"))
    says = (
        f"A thousand linear layers differ from one matrix by {n.deviation:.1g} of the output, "
        "which is rounding. Trained, 1, 2 and 8 linear layers have "
        f"{', '.join(show(i, 'points') for i in lead.values())} of accuracy over logistic "
        f"regression; two ReLU layers have {show(relu, 'points')}."
    )
    return Verdict(
        outcome,
        says,
        Effect("deviation of 1,000 layers from one", exact(n.deviation), of=""),
        (Table("Test accuracy over logistic regression's", tuple(rows)),),
        Drawing("intervals", "value", "label", "test accuracy minus logistic regression's",
                low="low", high="high", series="series", marks=((0.0, "a straight line"),)),
        under,
    )  # fmt: skip


RECORD = Claim(
    name="linear_stack",
    statement="Without an activation, a stack of any depth is one linear map.",
    source=(Document.LESSON, Document.TUTORIAL),
    place="first paragraph; Why Activation Functions?",
    rule="Holds: 1,000 linear layers differ from one by less than 1e-12 of the output, trained "
    "stacks of 1, 2 and 8 are not more than a point more accurate than logistic regression, and "
    "two ReLU layers are. Otherwise it does not.",
    measure=measure,
    judge=judge,
    also="actscope assess identity",
)
