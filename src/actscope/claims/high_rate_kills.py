"""Too high a learning rate kills ReLU units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from actscope.claims._base import Claim, Drawing, Effect, Table, Verdict, show
from actscope.claims._rules import Floats, above, decide, mean, row
from actscope.claims._sources import Document
from actscope.claims._studies import RATES

if TYPE_CHECKING:
    from actscope.claims._bench import Bench

MORE = 0.1  # a tenth of the units more than at the lowest rate


@dataclass(frozen=True)
class Numbers:
    """Share of units dead after training, (seeds,), by learning rate."""

    dead: dict[float, Floats]


def measure(bench: Bench) -> Numbers:
    """Two ReLU layers of 32 on the two moons, 800 epochs of SGD."""
    from actscope.study.plan import Study
    from actscope.study.traces import Trace

    study = Study(activation="relu", width=32, init="he", lr=list(RATES), seeds=40, curve=0,
                  trace=Trace(("dead_fraction",)))  # fmt: skip
    frame = bench.study(study).query(
        "SELECT d.lr, d.seed, avg(coalesce(CASE WHEN isnan(t.value) THEN 1 ELSE t.value END, 1)) "
        "AS dead FROM traces t JOIN trials d USING (id) WHERE t.layer > 0 AND t.epoch = d.epochs "
        "GROUP BY d.lr, d.seed ORDER BY ALL"
    )
    return Numbers({lr: frame[frame.lr == lr].dead.to_numpy(dtype=float) for lr in RATES})


def judge(n: Numbers) -> Verdict:
    """More dead at the highest rate than at the lowest."""
    dead = {lr: mean(v) for lr, v in n.dead.items()}
    low, high = min(dead), max(dead)
    more = mean(n.dead[high] - n.dead[low])
    outcome, under = decide(above(more, MORE), False, "")
    rows = [row(i, lr=lr, series="relu") for lr, i in dead.items()]
    words = ", ".join(f"{show(i, '%')} at {lr:g}" for lr, i in dead.items())
    says = (
        f"Dead after 800 epochs of SGD: {words}. A diverged network counts as dead. At the rates "
        "at which ReLU trains well the share hardly moves."
    )
    return Verdict(
        outcome,
        says,
        Effect(f"more dead at rate {high:g} than at {low:g}", more, unit="%"),
        (Table("Share of units dead after training", tuple(rows)),),
        Drawing("lines", "lr", "value", "learning rate (SGD)", "share of units dead after training",
                low="low", high="high", series="series", xlog=True),
        under,
    )  # fmt: skip


RECORD = Claim(
    name="high_rate_kills",
    statement="Too high a learning rate kills ReLU units.",
    source=(Document.TUTORIAL,),
    place="Dead Neuron Problem (causes)",
    rule="Holds: of six learning rates from 0.05 to 15, the highest leaves at least a tenth of the "
    "units more dead than the lowest. Otherwise it does not.",
    measure=measure,
    judge=judge,
)
