"""About half of ReLU's outputs are zero."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from actscope.claims._base import Claim, Drawing, Effect, Table, Verdict, show
from actscope.claims._rules import Floats, both, decide, either, mean, row, within
from actscope.claims._sources import Document

if TYPE_CHECKING:
    from actscope.claims._bench import Bench

LOW, HIGH = 0.4, 0.6  # "roughly half"
DATA, STAGES = ("moons", "mnist1d"), ("before", "after")
LAYERS = (1, 2, 3)


@dataclass(frozen=True)
class Numbers:
    """Share of outputs that are exactly 0, (seeds,), by (data, stage, layer)."""

    zero: dict[tuple[str, str, int], Floats]


def measure(bench: Bench) -> Numbers:
    """Three hidden layers of 32 with He weights, before and after training."""
    from actscope.study.plan import Study
    from actscope.study.traces import Trace

    study = Study(
        activation="relu", depth=3, width=32, init="he", data=list(DATA), points=1000,
        epochs=100, lr=0.05, seeds=20, curve=0, trace=Trace(("zero_fraction",)),
    )  # fmt: skip
    result = bench.study(study)
    frame = result.query("SELECT t.*, d.data FROM traces t JOIN trials d USING (id)")
    last = int(frame.epoch.max())
    zero = {}
    for data, stage, layer in itertools.product(DATA, STAGES, LAYERS):
        at = frame[(frame.data == data) & (frame.layer == layer)]
        at = at[at.epoch == (0 if stage == "before" else last)].sort_values("seed")
        zero[data, stage, layer] = at.value.to_numpy(dtype=float)
    return Numbers(zero)


def judge(n: Numbers) -> Verdict:
    """Before and after training, or before only."""
    at = {p: mean(v) for p, v in n.zero.items()}
    so = {s: both(*(within(i, LOW, HIGH) for p, i in at.items() if p[1] == s)) for s in STAGES}
    outcome, under = decide(
        both(*so.values()),
        either(*so.values()),
        "untrained networks" if so["before"] else "trained networks",
    )
    rows = [row(i, layer=layer, series=stage + " training", data=data)
            for (data, stage, layer), i in at.items()]  # fmt: skip
    whole = {s: mean(np.mean([v for p, v in n.zero.items() if p[1] == s], axis=0)) for s in STAGES}
    range_ = [min(i.value for i in at.values()), max(i.value for i in at.values())]
    says = (
        f"Before training {show(whole['before'], '%')} of the outputs are exactly 0, after it "
        f"{show(whole['after'], '%')}; single layers between {range_[0]:.0%} and {range_[1]:.0%}. "
        "Half is what zero biases and symmetric weights give; training is free to move it."
    )
    return Verdict(
        outcome,
        says,
        Effect("zeros before training", whole["before"], unit="%"),
        (Table("Share of outputs that are 0, three ReLU layers of 32", tuple(rows)),),
        Drawing("lines", "layer", "value", "hidden layer", "share of outputs that are 0",
                low="low", high="high", series="series", panels="data",
                marks=((LOW, "40 %"), (HIGH, "60 %"))),
        under,
    )  # fmt: skip


RECORD = Claim(
    name="half_zero",
    statement="Roughly half of ReLU's outputs are zero.",
    source=(Document.LESSON, Document.COST),
    place="three things fall out (sparsity); sparse activation",
    rule="Holds: in each of three layers, on two data sets, the mean share of zeros is between 40 "
    "and 60 % before and after training. Holds only under untrained (or trained) networks: before "
    "(or after) only.",
    measure=measure,
    judge=judge,
)
