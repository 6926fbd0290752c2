"""A network trained with GELU's tanh form is as good as one trained with GELU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from actscope.claims._base import Claim, Drawing, Effect, Table, Verdict, show
from actscope.claims._rules import Floats, both, decide, either, mean, row, within
from actscope.claims._sources import Document
from actscope.claims._studies import cell, grid

if TYPE_CHECKING:
    import pandas as pd

    from actscope.claims._bench import Bench

SAME = 0.005  # half a point of accuracy
DEPTHS, RATE = (2, 6), 0.15
FORMS = {"tanh form": "gelu_tanh", "sigmoid form": "x*sigmoid(1.702*x)", "relu": "relu"}


@dataclass(frozen=True)
class Numbers:
    """Accuracy minus GELU's with the same seeds and data, (draws,), by (form, depth)."""

    difference: dict[tuple[str, int], Floats]


def measure(bench: Bench) -> Numbers:
    """Both approximations, and ReLU for scale, beside GELU."""
    study = grid(activation=["gelu", *FORMS.values()], depth=list(DEPTHS), lr=RATE)
    frame = bench.study(study).table()
    labels = dict(zip(FORMS, _labels(frame), strict=True))
    gelu = {d: cell(frame, activation="gelu", depth=d).accuracy for d in DEPTHS}
    return Numbers(
        {
            (k, d): cell(frame, activation=labels[k], depth=d).accuracy - gelu[d]
            for k in FORMS
            for d in DEPTHS
        }
    )


def _labels(frame: pd.DataFrame) -> list[str]:
    """How the table writes the activations of FORMS."""
    found = list(dict.fromkeys(frame.activation))
    plain = {a.replace(" ", ""): a for a in found}
    return [plain[name.replace(" ", "")] for name in FORMS.values()]


def judge(n: Numbers) -> Verdict:
    """Equal at both depths, at one of them, or at none."""
    alike = {k: mean(v) for k, v in n.difference.items()}
    same = {d: within(alike["tanh form", d], -SAME, SAME) for d in DEPTHS}
    at = " and ".join(str(d) for d in DEPTHS if same[d])
    outcome, under = decide(both(*same.values()), either(*same.values()), f"depth {at}")
    rows = [row(i, label=f"{k}, {d} layers", series=k) for (k, d), i in alike.items()]
    first = alike["tanh form", DEPTHS[0]]
    says = "Accuracy minus GELU's, same seeds and data: " + "; ".join(
        f"{k}, {d} layers, {show(i, 'points')}" for (k, d), i in alike.items()
    ) + "."  # fmt: skip
    return Verdict(
        outcome,
        says,
        Effect("accuracy, tanh form minus GELU", first, unit="points", of="draws of the data"),
        (Table("Test accuracy minus GELU's", tuple(rows)),),
        Drawing("intervals", "value", "label", "test accuracy minus GELU's", low="low",
                high="high", series="series", marks=((-SAME, "half a point"), (SAME, ""))),
        under,
    )  # fmt: skip


RECORD = Claim(
    name="gelu_tanh_trains_alike",
    statement="A network with GELU's tanh approximation is as accurate as one with GELU.",
    source=(Document.TUTORIAL,),
    place="GELU in Practice",
    rule="Holds: at 2 and 6 layers the mean difference of accuracy, on the same seeds and data, is "
    "within half a point. Holds only under the depths where it is so.",
    measure=measure,
    judge=judge,
)
