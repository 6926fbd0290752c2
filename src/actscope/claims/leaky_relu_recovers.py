"""Silent leaky ReLU units recover where ReLU units stay dead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from actscope.claims._base import Claim, Drawing, Effect, Table, Verdict, show
from actscope.claims._dead import CASES, EPOCHS, counted
from actscope.claims._rules import above, both, decide, row, share
from actscope.claims._sources import Document

if TYPE_CHECKING:
    from actscope.claims._bench import Bench

MOST = 0.5  # "the leaky units recover": most of them do


@dataclass(frozen=True)
class Numbers:
    """Of the units that are silent at the start, flags by case.

    Attributes:
        learns: whether the weights of a leaky unit moved.
        fires: whether a leaky unit is on for some point at the end.
        relu: whether a ReLU unit is, with the same training.
    """

    learns: dict[str, NDArray[np.bool_]]
    fires: dict[str, NDArray[np.bool_]]
    relu: dict[str, NDArray[np.bool_]]


def measure(bench: Bench) -> Numbers:
    """Units with a bias of −3, slope 0.1, 200 epochs of SGD and of Adam."""
    a = counted(bench)
    leaky = [c.label for c in CASES if c.key == "leaky_relu"]
    twin = {c: c.removeprefix("leaky, ") for c in leaky}
    return Numbers(
        {c: a[f"{c} moved"][a[f"{c} start"]] for c in leaky},
        {c: ~a[f"{c} end"][a[f"{c} start"]] for c in leaky},
        {c: ~a[f"{t} end"][a[f"{t} start"]] for c, t in twin.items()},
    )


def judge(n: Numbers) -> Verdict:
    """In both senses of alive, in the sense of a gradient alone, or in neither."""
    learns, fires, relu = ({c: share(v) for c, v in d.items()} for d in (n.learns, n.fires, n.relu))
    moves = both(*(above(i, MOST) for i in learns.values()))
    on = {c: above(i, MOST) for c, i in fires.items()}
    good = [c.removeprefix("leaky, 1 layer, ") for c in on if on[c]]
    if good and len(good) < len(on):
        under = f"{' and '.join(good)}; with other training the units learn but stay off"
    else:
        under = "alive in the sense that a gradient passes; most units stay off"
    outcome, under = decide(
        both(moves, *on.values()), both(moves, *(d is not None for d in on.values())), under
    )
    rows = [row(i[c], label=f"{c.removeprefix('leaky, 1 layer, ')}: {what}", series=series)
            for what, series, i in (("leaky learns", "leaky_relu", learns),
                                    ("leaky fires", "leaky_relu", fires),
                                    ("ReLU fires", "relu", relu)) for c in i]  # fmt: skip
    first, *_ = fires
    words = "; ".join(
        f"{c.removeprefix('leaky, 1 layer, ')} {show(i, '%')}" for c, i in fires.items()
    )
    says = (
        f"Every leaky unit gets a gradient: the weights of {show(learns[first], '%')} of the "
        f"silent ones move in {EPOCHS} epochs of SGD. On for some point at the end are: {words}; "
        f"of ReLU units, {show(relu[first], '%')} with SGD. A unit is moved where the loss wants "
        "it, and the loss need not want it on."
    )
    return Verdict(
        outcome,
        says,
        Effect("silent leaky units that fire after SGD", fires[first], unit="%", of="units"),
        (Table("Share of the units that were silent at the start", tuple(rows)),),
        Drawing("intervals", "value", "label", "share of the units silent at the start", low="low",
                high="high", series="series", marks=((MOST, "half"),)),
        under,
    )  # fmt: skip


RECORD = Claim(
    name="leaky_relu_recovers",
    statement="With leaky ReLU, units that are off for every example recover.",
    source=(Document.LESSON, Document.TUTORIAL),
    place="bonus of the exercise; Leaky ReLU",
    rule="Alive in two senses: the weights move, or the unit is on for some point. Holds: with SGD "
    "and with Adam most silent units (bias −3, slope 0.1) are alive in both senses after 200 "
    "epochs. Holds only under the first sense, or one optimiser: most are so there alone.",
    measure=measure,
    judge=judge,
)
