"""In a deep sigmoid network no gradient reaches the first layers; ReLU's does not decay."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from actscope.claims._base import Claim, Drawing, Effect, Table, Verdict, show
from actscope.claims._rules import Floats, above, below, both, decide, median, row
from actscope.claims._sources import Document

if TYPE_CHECKING:
    from actscope.claims._bench import Arrays, Bench

DEPTHS, INITS, KEYS = (5, 10, 15, 20, 25), ("article", "gain", "critical"), ("sigmoid", "relu")
SEEDS, WIDTH = 40, 16
VANISHED, ARRIVES = 1e-3, 1e-3
DEEP = 20  # the text's example: twenty layers


@dataclass(frozen=True)
class Numbers:
    """Gradient norm of the first layer over the last one's, (seeds,), by (key, init, depth)."""

    ratio: dict[tuple[str, str, int], Floats]


def measure(bench: Bench) -> Numbers:
    """Untrained networks on 400 points of the moons."""
    places = list(itertools.product(KEYS, INITS, DEPTHS))
    arrays = bench.kept("gradient by depth", lambda: _traced(bench))
    return Numbers({p: arrays[" ".join(map(str, p))] for p in places})


def _traced(bench: Bench) -> Arrays:
    from actscope.engine.spec import Net
    from actscope.engine.trace import trace

    found: Arrays = {}
    places = list(itertools.product(KEYS, INITS, DEPTHS))
    for done, (key, init, depth) in enumerate(places):
        bench.progress(f"{key}, {init} weights, {depth} layers", done / len(places))
        net = Net(2, (WIDTH,) * depth, activations=key)
        seen = trace(net, "moons", "gradient_ratio", init=init, seeds=range(SEEDS), layers=[1])
        found[f"{key} {init} {depth}"] = seen.values["gradient_ratio", "float64"][:, 1]
    return found


def judge(n: Numbers) -> Verdict:
    """Vanished whatever the init, with some inits, or not; and ReLU's there."""
    at = {k: median(np.nan_to_num(v)) for k, v in n.ratio.items()}
    gone = {i: below(at["sigmoid", i, DEEP], VANISHED) for i in INITS}
    relu = both(*(above(at["relu", i, DEEP], ARRIVES) for i in INITS))
    so = [i for i in INITS if gone[i]]
    outcome, under = decide(
        both(relu, *gone.values()), both(relu, bool(so)), f"{' and '.join(so)} weights"
    )
    rows = [row(v, depth=d, series=k, weights=f"{i} weights") for (k, i, d), v in at.items()]
    says = (
        f"After {DEEP} sigmoid layers the gradient's norm in the first layer is "
        f"{show(at['sigmoid', 'article', DEEP])} of the last one's with the article's weights, "
        f"{show(at['sigmoid', 'gain', DEEP])} with the fixed-point gain and "
        f"{show(at['sigmoid', 'critical', DEEP])} with centred critical weights; ReLU has "
        f"{show(at['relu', 'article', DEEP])} with the article's. The product of slopes is at "
        "most 1/4 a layer, but the weights multiply it too: critical ones by about 4.8."
    )
    return Verdict(
        outcome,
        says,
        Effect(f"first layer over last, {DEEP} layers", at["sigmoid", "article", DEEP]),
        (Table("Gradient of the first layer over the last one's, median", tuple(rows)),),
        Drawing("lines", "depth", "value", "hidden layers", "gradient of the first layer / last",
                low="low", high="high", series="series", panels="weights", ylog=True,
                marks=((VANISHED, "vanished"),)),
        under,
    )  # fmt: skip


RECORD = Claim(
    name="gradient_vanishes",
    statement="Twenty sigmoid layers deep the gradient has vanished, and ReLU's has not.",
    source=(Document.LESSON, Document.TUTORIAL, Document.COST),
    place="now stack; vanishing gradients; gradient starvation",
    rule="A gradient has vanished if its norm in the first of 20 layers is below 1e-3 of the last "
    "one's (median). Holds: so with three inits (the article's, fixed-point gain, centred "
    "critical), and for ReLU with none. Holds only under the inits where it is so.",
    measure=measure,
    judge=judge,
    also="actscope assess sigmoid --depth 5,10,20",
)
