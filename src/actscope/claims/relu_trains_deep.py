"""ReLU's constant slope gives stable training across dozens of layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from actscope.claims._base import Claim, Drawing, Effect, Table, Verdict, show
from actscope.claims._rules import Floats, below, decide, mean, row, share
from actscope.claims._sources import Document
from actscope.claims._studies import best, grid

if TYPE_CHECKING:
    from actscope.claims._bench import Bench

DEPTHS, WIDTH, DOZENS = (2, 8, 32), 8, 32
LOST = 0.02  # two points of accuracy
KINDS = ("plain", "norm and residual")
DRAWS = list(range(2, 12))  # two to choose the rate on, eight to report


@dataclass(frozen=True)
class Numbers:
    """ReLU networks with He weights at their own best rate, by (kind, depth).

    Attributes:
        accuracy: (draws,).
        failed: flags, (networks,): diverged or no better than a straight line.
    """

    accuracy: dict[tuple[str, int], Floats]
    failed: dict[tuple[str, int], np.ndarray]


def measure(bench: Bench) -> Numbers:
    """Plain stacks, and the same with layer norm and residual connections."""
    failed, accuracy = {}, {}
    for kind in KINDS:
        extra = kind != KINDS[0]
        study = grid(
            activation="relu", depth=list(DEPTHS), width=WIDTH, init="he", epochs=200,
            lr=[0.005, 0.015, 0.05, 0.15], norm=extra, residual=extra, data_seed=DRAWS, seeds=4,
        )  # fmt: skip
        frame = bench.study(study).table()
        for d in DEPTHS:
            top = best(frame, ("lr",), depth=d)
            failed[kind, d], accuracy[kind, d] = top.failed, top.accuracy
    return Numbers(accuracy, failed)


def judge(n: Numbers) -> Verdict:
    """As good at 32 layers as at 2, with norm and residuals only, or not even so."""
    lost = {k: mean(n.accuracy[k, 2] - n.accuracy[k, DOZENS]) for k in KINDS}
    stable = {k: below(i, LOST) for k, i in lost.items()}
    outcome, under = decide(
        stable["plain"], stable["norm and residual"], "layer norm and residual connections"
    )
    rate = {p: share(v) for p, v in n.failed.items()}
    rows = [row(mean(v), depth=d, series=kind) for (kind, d), v in n.accuracy.items()]
    rates = [row(rate[p], depth=p[1], series=p[0]) for p in rate]
    says = (
        f"With He weights and the best of four learning rates {DOZENS} plain ReLU layers of width "
        f"{WIDTH} are {show(lost['plain'], 'points')} less accurate than 2, and "
        f"{show(rate['plain', DOZENS], '%')} of the networks end no better than a straight line; "
        f"with layer norm and residual connections they lose "
        f"{show(lost['norm and residual'], 'points')}. The slope is 1 where a unit is on, but "
        "plain layers turn all directions into one, and single layers can go silent."
    )
    return Verdict(
        outcome,
        says,
        Effect(f"lost by {DOZENS} plain layers", lost["plain"], "points", of="draws of the data"),
        (Table("Test accuracy of ReLU networks at the best rate", tuple(rows)),
         Table("Share that ends no better than a straight line", tuple(rates))),
        Drawing("lines", "depth", "value", "hidden layers", "test accuracy", low="low",
                high="high", series="series", xlog=True),
        under,
    )  # fmt: skip


RECORD = Claim(
    name="relu_trains_deep",
    statement="ReLU's slope of 1 makes training stable across dozens of layers.",
    source=(Document.COST, Document.LESSON),
    place="Why ReLU Preserves What Matters (linear gradient flow); three things fall out",
    rule="Stable: at the best of four rates, 32 layers are less than 2 points less accurate than "
    "2. Holds: plain stacks are stable. Holds only under layer norm and residual connections: "
    "with these alone.",
    measure=measure,
    judge=judge,
)
