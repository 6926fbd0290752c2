"""ReLU preserves the distance from the boundary exactly: 12.7 stays 12.7."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from actscope.claims._base import Claim, Drawing, Effect, Table, Verdict, show
from actscope.claims._rules import Floats, above, below, both, counts, decide, mean
from actscope.claims._sources import Document

if TYPE_CHECKING:
    from actscope.claims._bench import Arrays, Bench

EXACT = 0.01  # relative spread of distances after a layer: equal for anyone who measures
SEEDS, WIDTH, POINTS = 100, 64, 200


@dataclass(frozen=True)
class Numbers:
    """What a unit does to a number, and a layer to distances.

    Attributes:
        changed: the largest |ReLU(z) − z| over z > 0.
        spread: (seeds,), the standard deviation over the mean of |Δh|/|Δx| over all pairs, after
            one He-initialised layer.
        linear: the same of the layer without ReLU.
        ratios: |Δh|/|Δx| of one network's pairs over their mean.
    """

    changed: float
    spread: Floats
    linear: Floats
    ratios: Floats


def measure(bench: Bench) -> Numbers:
    """The unit over 10⁵ numbers, one wide layer over all pairs of 200 points of the moons."""
    a = bench.kept("distances after a layer", _layers)
    return Numbers(float(a["changed"]), a["spread"], a["linear"], a["ratios"])


def _layers() -> Arrays:
    from actscope.activations._lookup import elementwise
    from actscope.datasets._lookup import dataset
    from actscope.maths.clouds import distances

    relu, law = elementwise("relu"), dataset("moons")
    z = np.append(np.geomspace(1e-300, 1e300, 99_999), 12.7)
    x, _ = law.standardised(law.draw(POINTS, np.random.default_rng(0))[0])
    before = distances(x)
    spreads: dict[str, list[float]] = {"spread": [], "linear": []}
    ratios = np.empty(0)
    for seed in range(SEEDS):
        pre = x @ np.random.default_rng(seed).normal(0.0, 1.0, (2, WIDTH))  # He: 2/fan_in = 1
        for name, h in (("spread", relu(pre)), ("linear", pre)):
            ratio = distances(np.asarray(h)) / before
            spreads[name].append(ratio.std() / ratio.mean())
            ratios = ratio / ratio.mean() if name == "spread" else ratios
    return {
        "changed": np.abs(np.asarray(relu(z)) - z).max(),
        "spread": np.array(spreads["spread"]),
        "linear": np.array(spreads["linear"]),
        "ratios": ratios,
    }


def judge(n: Numbers) -> Verdict:
    """True of a layer, of one unit on its positive side, or of neither."""
    layer, unit = mean(n.spread), n.changed == 0.0
    outcome, under = decide(
        both(unit, below(layer, EXACT)),
        both(unit, above(layer, EXACT)),
        "one unit at a time, on its positive side",
    )
    without = mean(n.linear)
    says = (
        f"A positive number passes unchanged (largest change {n.changed:g}). But a layer's units "
        "are on for some points and off for others: after one He-initialised layer the ratio of "
        f"distances after to before varies by {show(layer, '%')} of its mean from pair to pair; "
        f"without ReLU, by {show(without, '%')}. For a wide layer |f(x) − f(y)|² is "
        "|x − y|²/2 minus a term that grows with the angle between x and y."
    )
    return Verdict(
        outcome,
        says,
        Effect("variation of distances after a layer", layer, unit="%"),
        (Table("Distances after over before a ReLU layer",
               counts(n.ratios, 0.0, 2.0, series="relu")),),
        Drawing("bars", "value", "count", "distance after / before, over the mean of the pairs",
                "pairs of points", series="series", marks=((1.0, "preserved"),)),
        under,
    )  # fmt: skip


RECORD = Claim(
    name="relu_keeps_magnitude",
    statement="ReLU preserves the distance from the boundary exactly: 12.7 stays 12.7.",
    source=(Document.COST, Document.ARTICLE),
    place="Why ReLU Preserves What Matters (magnitude fidelity)",
    rule="Holds: positive numbers pass unchanged, and after a layer the ratio of distances varies "
    "by less than 1 % over pairs of points. Holds only under one unit at a time, on its positive "
    "side: the first is so, the second is not.",
    measure=measure,
    judge=judge,
)
