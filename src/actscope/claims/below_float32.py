"""1e-14 is below the precision of a 32-bit float, so no gradient arrives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from actscope.claims._base import Claim, Drawing, Effect, Table, Verdict
from actscope.claims._rules import both, decide, exact
from actscope.claims._sources import Document

if TYPE_CHECKING:
    from actscope.claims._bench import Bench

SIZE = 1e-14
KEPT = 1e-6  # relative error with which a number counts as represented


@dataclass(frozen=True)
class Numbers:
    """By number format.

    Attributes:
        error: |rounded − 1e-14|/1e-14.
        added: whether 1 + 1e-14 is 1.
        smallest: the smallest normal number.
    """

    error: dict[str, float]
    added: dict[str, bool]
    smallest: dict[str, float]


def measure(bench: Bench) -> Numbers:
    """Rounding of 1e-14, and of 1 + 1e-14."""
    from actscope.maths.formats import round_to

    kinds = ("float16", "bfloat16", "float32", "float64")
    round_one: Callable[[float, str], float] = lambda v, k: float(round_to([v], k)[0])
    smallest = {
        "float16": 2.0**-14, "bfloat16": 2.0**-126, "float32": 2.0**-126, "float64": 2.0**-1022,
    }  # fmt: skip
    return Numbers(
        {k: abs(round_one(SIZE, k) / SIZE - 1.0) for k in kinds},
        {k: round_one(1.0 + SIZE, k) == 1.0 for k in kinds},
        smallest,
    )


def judge(n: Numbers) -> Verdict:
    """Below what float32 can hold, or below the last digit of a number near 1."""
    cannot_hold = n.error["float32"] > KEPT
    lost_beside_one = n.added["float32"]
    outcome, under = decide(
        both(cannot_hold, lost_beside_one), lost_beside_one, "addition to a weight of size 1"
    )
    rows = tuple(
        {"label": k, "value": n.smallest[k], "series": k, "relative error of 1e-14": n.error[k],
         "1 + 1e-14 is 1": n.added[k]} for k in ("float16", "bfloat16", "float32")
    )  # fmt: skip
    says = (
        f"float32 holds 1e-14 with a relative error of {n.error['float32']:.1g}; its smallest "
        f"normal number is {n.smallest['float32']:.2g}. What its precision (6e-8) swallows is the "
        "sum 1 + 1e-14: a step of that size does not move a weight of size 1, in float64 "
        f"{'either' if n.added['float64'] else 'it does'}. float16 loses 1e-14 itself "
        f"(relative error {n.error['float16']:.2g}). Adam, which divides by the gradient's size, "
        "is not stopped by this."
    )
    return Verdict(
        outcome,
        says,
        Effect("relative error of 1e-14 in float32", exact(n.error["float32"]), of=""),
        (Table("Smallest normal number of each format", rows),),
        Drawing("intervals", "value", "label", "smallest normal number", xlog=True,
                marks=((SIZE, "1e-14"),)),
        under,
    )  # fmt: skip


RECORD = Claim(
    name="below_float32",
    statement="A gradient of 1e-14 is below the precision of a 32-bit float.",
    source=(Document.LESSON,),
    place="the depth slider",
    rule="Holds: float32 cannot hold 1e-14 to 1e-6, and 1 + 1e-14 is 1. Holds only under addition "
    "to a weight of size 1: only the second is so.",
    measure=measure,
    judge=judge,
)
