"""σ' ≤ 1/4, so the product of slopes is below 1e-9 by layer 15 and 1e-14 by layer 25."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from actscope.claims._base import Claim, Drawing, Effect, Table, Verdict
from actscope.claims._rules import both, decide, exact
from actscope.claims._sources import Document

if TYPE_CHECKING:
    from actscope.claims._bench import Bench

LARGEST = 0.25
PRINTED = {15: 1e-9, 25: 1e-14}  # layer -> what the product has dropped below
VALUES = {5.0: 0.0066, 10.0: 4.5e-5}  # x -> σ'(±x), two digits
DIGIT = 0.02  # relative: two printed digits


@dataclass(frozen=True)
class Numbers:
    """The largest slope found, and the slopes at 5 and 10."""

    largest: float
    slopes: dict[float, float]


def measure(bench: Bench) -> Numbers:
    """The record's slope over a dense sweep of the line."""
    from actscope.activations._lookup import elementwise

    sigmoid = elementwise("sigmoid")
    x = np.concatenate(
        [np.linspace(-50, 50, 200_001), np.random.default_rng(0).normal(0, 3, 10**5)]
    )
    slopes = {at: float(np.asarray(sigmoid.slope_at([at]))[0]) for at in VALUES}
    return Numbers(float(np.asarray(sigmoid.slope_at(x)).max()), slopes)


def judge(n: Numbers) -> Verdict:
    """Arithmetic on the largest slope."""
    bound = n.largest <= LARGEST
    products = all(n.largest**layer < below for layer, below in PRINTED.items())
    values = all(abs(n.slopes[x] / v - 1.0) <= DIGIT for x, v in VALUES.items())
    outcome, under = decide(both(bound, products, values), False, "")
    rows = tuple(
        {"layer": layer, "value": n.largest**layer, "series": "sigmoid"} for layer in range(1, 31)
    )
    says = (
        f"The largest slope is {n.largest:g}; its product is {n.largest**15:.2g} at 15 layers and "
        f"{n.largest**25:.2g} at 25. σ'(±5) = {n.slopes[5.0]:.4f}, σ'(±10) = {n.slopes[10.0]:.2g}. "
        "This is the slopes' part alone: the gradient is multiplied by the weights too, see "
        "gradient_vanishes."
    )
    return Verdict(
        outcome,
        says,
        Effect("largest slope", exact(n.largest), of=""),
        (Table("The largest product of slopes", rows),),
        Drawing("lines", "layer", "value", "layers", "largest product of slopes", series="series",
                ylog=True, marks=((1e-9, "1e-9"), (1e-14, "1e-14"))),
        under,
    )  # fmt: skip


RECORD = Claim(
    name="slope_at_most_quarter",
    statement="The sigmoid's slope is at most 1/4, so the product of slopes is below 1e-9 by layer "
    "15 and below 1e-14 by layer 25.",
    source=(Document.LESSON, Document.TUTORIAL),
    place="the derivative, and the depth slider",
    rule="Holds: the largest slope is at most 1/4, its 15th power is below 1e-9 and its 25th below "
    "1e-14, and σ'(±5), σ'(±10) are 0.0066 and 4.5e-5 to two digits. Otherwise it does not.",
    measure=measure,
    judge=judge,
    also="actscope show sigmoid -x 0 -x 5",
)
