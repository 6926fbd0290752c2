"""He initialisation keeps most ReLU units alive."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from actscope.claims._base import Claim, Drawing, Effect, Table, Verdict, show
from actscope.claims._rules import Floats, above, both, decide, either, mean, row
from actscope.claims._sources import Document

if TYPE_CHECKING:
    from actscope.claims._bench import Bench

MOST = 0.5
DATA, DEPTHS, STAGES = ("moons", "mnist1d"), (2, 8, 16), ("before", "after")


@dataclass(frozen=True)
class Numbers:
    """Share of units alive in the last hidden layer, (seeds,), by (data, depth, stage)."""

    alive: dict[tuple[str, int, str], Floats]


def measure(bench: Bench) -> Numbers:
    """He weights, width 32, before and after training at a moderate rate."""
    from actscope.study.plan import Study
    from actscope.study.traces import Trace

    study = Study(
        activation="relu", depth=list(DEPTHS), width=32, init="he", data=list(DATA), points=1000,
        epochs=100, lr=0.05, seeds=20, curve=0, trace=Trace(("dead_fraction",)),
    )  # fmt: skip
    frame = bench.study(study).query(
        "SELECT t.epoch, t.value, d.data, d.depth, d.seed FROM traces t "
        "JOIN trials d USING (id) WHERE t.layer = d.depth ORDER BY seed"
    )
    last, alive = int(frame.epoch.max()), {}
    for data, depth, stage in itertools.product(DATA, DEPTHS, STAGES):
        at = frame[(frame.data == data) & (frame.depth == depth)]
        at = at[at.epoch == (0 if stage == "before" else last)]
        alive[data, depth, stage] = 1.0 - at.value.fillna(1.0).to_numpy(dtype=float)
    return Numbers(alive)


def judge(n: Numbers) -> Verdict:
    """At every depth before and after training, before only, or not."""
    alive = {p: mean(v) for p, v in n.alive.items()}
    so = {s: both(*(above(i, MOST) for p, i in alive.items() if p[2] == s)) for s in STAGES}
    shallow = both(*(above(i, MOST) for p, i in alive.items() if p[1] == min(DEPTHS)))
    under = "untrained networks" if so["before"] else f"{min(DEPTHS)} layers"
    outcome, under = decide(both(*so.values()), either(so["before"], shallow), under)
    rows = [row(i, depth=d, series=f"{s} training", data=data)
            for (data, d, s), i in alive.items()]  # fmt: skip
    worst = min(alive, key=lambda p: alive[p].value)
    says = (
        f"In the last of {min(DEPTHS)} layers {show(alive['moons', 2, 'before'], '%')} of the "
        f"units are alive before training on the two moons and "
        f"{show(alive['moons', 2, 'after'], '%')} after; on mnist1d "
        f"{show(alive['mnist1d', 2, 'before'], '%')} and "
        f"{show(alive['mnist1d', 2, 'after'], '%')}. Fewest: {show(alive[worst], '%')} at "
        f"{worst[1]} layers, {worst[0]}, {worst[2]} training."
    )
    return Verdict(
        outcome,
        says,
        Effect(f"alive, fewest ({worst[0]}, {worst[1]} layers)", alive[worst], unit="%"),
        (Table("Share of units of the last hidden layer that are on for some point", tuple(rows)),),
        Drawing("lines", "depth", "value", "hidden layers", "share of units alive, last layer",
                low="low", high="high", series="series", panels="data", xlog=True,
                marks=((MOST, "half"),)),
        under,
    )  # fmt: skip


RECORD = Claim(
    name="he_keeps_alive",
    statement="With He initialisation most ReLU units stay alive.",
    source=(Document.LESSON,),
    place="in practice modern networks use careful initialization",
    rule="Holds: on two data sets, in the last of 2, 8 and 16 layers of 32 units, more than half "
    "of the units are on for some point before and after training. Holds only under untrained "
    "networks, or 2 layers: so there alone.",
    measure=measure,
    judge=judge,
)
