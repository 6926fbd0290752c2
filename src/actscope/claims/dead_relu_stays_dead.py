"""A dead ReLU unit never recovers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from actscope.claims._base import Claim, Drawing, Effect, Table, Verdict, show
from actscope.claims._dead import CASES, EPOCHS, FRESH, counted
from actscope.claims._rules import both, decide, row, share
from actscope.claims._sources import Document

if TYPE_CHECKING:
    from actscope.claims._bench import Bench

CONDITION = "one hidden layer and the same points"
FEW = 20  # dead units that a case must have for its share to say anything
NEVER = 0.01  # fewer than one in a hundred


@dataclass(frozen=True)
class Numbers:
    """Of the units that are dead at the start, which are on for some point at the end, by case."""

    recovered: dict[str, NDArray[np.bool_]]


def measure(bench: Bench) -> Numbers:
    """Units with a bias of −3, 200 epochs of several kinds of training, other points."""
    a = counted(bench)
    cases = [c.label for c in CASES if c.key == "relu"]
    recovered = {c: ~a[f"{c} end"][a[f"{c} start"]] for c in cases}
    return Numbers({**recovered, FRESH: ~a[f"{FRESH} end"][a[f"{FRESH} start"]]})


def plain(case: str) -> bool:
    """Whether nothing but the unit's own gradient moves its input or its weights."""
    return case.startswith("1 layer") and case != FRESH


def judge(n: Numbers) -> Verdict:
    """Never in any case, never in the plain ones, or not even there."""
    known = {c: v for c, v in n.recovered.items() if v.size >= FEW}
    rate = {c: share(v) for c, v in known.items()}
    never = {c: True if r.high < NEVER else False if r.low > 0 and r.value > NEVER else None
             for c, r in rate.items()}  # fmt: skip
    here = [d for c, d in never.items() if plain(c)]
    special = both(*here) if here else None
    outcome, under = decide(both(*never.values()) if here else None, special, CONDITION)
    rows = [row(r, label=c, series="relu") for c, r in rate.items()]
    others = "; ".join(f"{c}, {show(r, '%')}" for c, r in rate.items() if not plain(c))
    top = max(rate, key=lambda c: rate[c].value)
    dead = sum(v.size for c, v in known.items() if plain(c))
    back = sum(int(v.sum()) for c, v in known.items() if plain(c))
    says = (
        f"Of {dead} units dead at the start of networks with one hidden layer, trained in five "
        f"ways for {EPOCHS} epochs, {back} came back: no gradient reaches them, and weight decay "
        "shrinks weights and bias alike. Units come back where a layer below moves their inputs, "
        f"or on other points: {others}."
    )
    return Verdict(
        outcome,
        says,
        Effect(f"recovered: {top}", rate[top], unit="%", of="dead units"),
        (Table("Share of dead ReLU units that are on for some point at the end", tuple(rows)),),
        Drawing("intervals", "value", "label", "share of dead units that recovered", low="low",
                high="high", series="series"),
        under,
    )  # fmt: skip


RECORD = Claim(
    name="dead_relu_stays_dead",
    statement="A ReLU unit that is off for every example never recovers.",
    source=(Document.LESSON, Document.TUTORIAL),
    place="the catch; Dead Neuron Problem",
    rule="Recovers: off for all training points at the start, on for some at the end. Never: fewer "
    "than 1 % do, with certainty. Holds: never, in eight ways. Holds only under one "
    "hidden layer and the same points: never in these ways alone.",
    measure=measure,
    judge=judge,
)
