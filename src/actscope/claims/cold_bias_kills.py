"""A bias of −3 kills a quarter of the ReLU units or more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from actscope.claims._base import Claim, Drawing, Effect, Table, Verdict, show
from actscope.claims._rules import Floats, above, both, decide, mean, row
from actscope.claims._sources import Document

if TYPE_CHECKING:
    from actscope.claims._bench import Arrays, Bench

QUARTER = 0.25
SEEDS, WIDTH, BATCH = 100, 128, 64
BIASES = (0.0, -1.0, -2.0, -3.0, -4.0)
INPUTS = {  # what goes in: dimension, standard deviation, batch
    "8 inputs": (8, 1.0, BATCH),
    "64 inputs": (64, 1.0, BATCH),
    "64 inputs, 1,024 points": (64, 1.0, 1024),
    "the exercise: sd 0.1": (64, 0.1, BATCH),
}


@dataclass(frozen=True)
class Numbers:
    """Share of units silent on the whole batch, (seeds,), by (inputs, bias)."""

    dead: dict[tuple[str, float], Floats]


def measure(bench: Bench) -> Numbers:
    """One layer of 128 units with He weights on normal inputs."""
    a = bench.kept("silent units by bias", _counted)
    return Numbers({(k, b): a[f"{k} {b}"] for k in INPUTS for b in BIASES})


def _counted() -> Arrays:
    found: Arrays = {}
    for name, (dim, sd, batch) in INPUTS.items():
        tops = np.empty((SEEDS, WIDTH))
        for seed in range(SEEDS):
            rng = np.random.default_rng(seed)
            w = rng.normal(0.0, (2 / dim) ** 0.5, (dim, WIDTH))
            tops[seed] = (rng.normal(0.0, sd, (batch, dim)) @ w).max(axis=0)
        for bias in BIASES:
            found[f"{name} {bias}"] = (tops + bias <= 0.0).mean(axis=1)
    return found


def judge(n: Numbers) -> Verdict:
    """Whatever goes in, for some inputs, or for none."""
    dead = {p: mean(v) for p, v in n.dead.items()}
    killed = {k: above(dead[k, -3.0], QUARTER) for k in INPUTS}
    so = [k for k in INPUTS if killed[k]]
    clear = both(*(d is not None for d in killed.values()))
    outcome, under = decide(
        both(*killed.values()), bool(so) and clear, f"few points: {'; '.join(so)}"
    )
    rows = [row(i, bias=b, series=k) for (k, b), i in dead.items()]
    words = "; ".join(f"{k}: {show(dead[k, -3.0], '%')}" for k in INPUTS)
    says = (
        f"Units off for the whole batch at a bias of −3 (He weights, normal inputs, {BATCH} points "
        f"where no number stands): {words}. It depends on how many points there are to wake a "
        "unit and how large they are: dead on a batch is not dead on the data."
    )
    return Verdict(
        outcome,
        says,
        Effect("dead at bias −3, 64 inputs", dead["64 inputs", -3.0], unit="%"),
        (Table("Share of units off for the whole batch", tuple(rows)),),
        Drawing("lines", "bias", "value", "bias of the layer", "share of units off for the batch",
                low="low", high="high", series="series", marks=((QUARTER, "a quarter"),)),
        under,
    )  # fmt: skip


RECORD = Claim(
    name="cold_bias_kills",
    statement="A bias of −3 kills a quarter of the ReLU units or more on the first step.",
    source=(Document.LESSON,),
    place="how often does this happen?",
    rule="A unit is killed if it is off for every point of the batch. Holds: more than a quarter "
    "are, for each of four kinds of input. Holds only under the inputs for which it is so.",
    measure=measure,
    judge=judge,
)
