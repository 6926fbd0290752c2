"""A point at distance 50 from the boundary looks to the sigmoid like one at distance 5."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from actscope.claims._base import Claim, Drawing, Effect, Table, Verdict, show
from actscope.claims._rules import Floats, below, both, decide, median, negated, row
from actscope.claims._sources import Document
from actscope.claims._walks import KEYS, trained

if TYPE_CHECKING:
    from actscope.claims._bench import Bench

ALIKE = 0.1  # log₁₀ of how much farther: the far point lies less than 26 % farther out
UNIT = 0.01  # two outputs of (0, 1) that differ by less than a hundredth


@dataclass(frozen=True)
class Numbers:
    """How far apart near and far points are.

    Attributes:
        unit: σ(50) − σ(5).
        far: by activation, resolution of 5 and 50 in the last hidden layer, (seeds,); 1 when
            distances are kept, 0 when both lie equally far from the boundary.
        near: the same of 0.2 and 2, which is inside the data.
    """

    unit: float
    far: dict[str, Floats]
    near: dict[str, Floats]


def measure(bench: Bench) -> Numbers:
    """One unit in closed form; trained networks along the normals of the true boundary."""
    from actscope.activations._lookup import elementwise

    arrays, sigmoid = trained(bench), elementwise("sigmoid")
    near, far = np.asarray(sigmoid([5.0, 50.0]))
    return Numbers(
        float(far - near),
        {k: arrays[f"{k} far"][:, -1] for k in KEYS},
        {k: arrays[f"{k} near"][:, -1] for k in KEYS},
    )


def judge(n: Numbers) -> Verdict:
    """Alike wherever ten times as far, far outside the data only, or not."""
    far, near = ({k: median(v) for k, v in d.items()} for d in (n.far, n.near))
    outside = both(n.unit < UNIT, below(far["sigmoid"], ALIKE), negated(below(far["relu"], ALIKE)))
    inside = below(near["sigmoid"], ALIKE)
    outcome, under = decide(both(outside, inside), outside, "distances far outside the data")
    rows = [row(v[k], label=f"{k}, {what}", series=k)
            for what, v in (("5 and 50", far), ("0.2 and 2", near)) for k in v]  # fmt: skip
    says = (
        f"σ(5) and σ(50) differ by {n.unit:.4f}. In trained networks the resolution of 5 and 50 "
        f"is {show(far['sigmoid'])} for the sigmoid, {show(far['tanh'])} for tanh and "
        f"{show(far['relu'])} for ReLU (1: ten times as far; 0: no farther). The data reach about "
        f"2 from the boundary; of 0.2 and 2 the sigmoid's resolution is {show(near['sigmoid'])}, "
        f"ReLU's {show(near['relu'])}."
    )
    return Verdict(
        outcome,
        says,
        Effect("resolution of 5 and 50", far["sigmoid"]),
        (Table("Resolution in the last hidden layer of trained networks, median", tuple(rows)),),
        Drawing("intervals", "value", "label", "resolution (1: ten times as far, 0: no farther)",
                low="low", high="high", series="series", marks=((ALIKE, "alike"), (1.0, "kept"))),
        under,
    )  # fmt: skip


RECORD = Claim(
    name="far_looks_near",
    statement="After a sigmoid, a point at distance 50 from the boundary looks like one at 5.",
    source=(Document.COST,),
    place="How Sigmoid Destroys Distance Information (saturation zones)",
    rule="The resolution of two distances is log₁₀ of how much farther the layer puts the far "
    "one; below 0.1 they look alike. Holds: σ(5) and σ(50) differ by less than 0.01, trained "
    "sigmoid networks see 5 and 50 alike and also 0.2 and 2, ReLU ones do not see 5 and 50 alike. "
    "Holds only under distances far outside the data: all but 0.2 and 2.",
    measure=measure,
    judge=judge,
)
