"""For the sigmoid depth is a liability, for ReLU an asset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from actscope.claims._base import Claim, Drawing, Effect, Table, Verdict, show
from actscope.claims._rules import Floats, above, both, decide, mean, row
from actscope.claims._sources import Document
from actscope.claims._studies import best, grid

if TYPE_CHECKING:
    from actscope.claims._bench import Bench

KEYS, DEPTHS = ("sigmoid", "relu"), (1, 2, 4, 8)
WORSE = 0.02  # two points lost from the best shallower network
ADAM = (0.001, 0.003, 0.01, 0.03)


@dataclass(frozen=True)
class Numbers:
    """Test accuracies, (draws,), by (activation, depth).

    Attributes:
        article: with the article's rate and init, 800 epochs.
        tuned: with the best of init and rate, Adam.
    """

    article: dict[tuple[str, int], Floats]
    tuned: dict[tuple[str, int], Floats]


def measure(bench: Bench) -> Numbers:
    """Width 8, as in the article."""
    depth = list(DEPTHS)
    plain = bench.study(grid(activation=list(KEYS), depth=depth, lr=0.05)).table()
    adam = bench.study(
        grid(activation=list(KEYS), depth=depth, optimiser="adam", lr=list(ADAM), seeds=6,
             init=["article", "critical"])
    ).table()  # fmt: skip
    places = [(k, d) for k in KEYS for d in DEPTHS]
    return Numbers(
        {(k, d): best(plain, ("lr",), activation=k, depth=d).accuracy for k, d in places},
        {(k, d): best(adam, activation=k, depth=d).accuracy for k, d in places},
    )


def judge(n: Numbers) -> Verdict:
    """Accuracy lost between 2 and 8 layers, relative to what ReLU loses."""
    loss = {
        (name, k): mean(found[k, 2] - found[k, 8])
        for name, found in (("article", n.article), ("tuned", n.tuned))
        for k in KEYS
    }
    hurt = {s: above(loss[s, "sigmoid"], WORSE) for s in ("article", "tuned")}
    spared = {s: above(mean(n.article["relu", 8] - n.article["sigmoid", 8])
              if s == "article" else mean(n.tuned["relu", 8] - n.tuned["sigmoid", 8]), WORSE)
              for s in hurt}  # fmt: skip
    here, there = (both(hurt[s], spared[s]) for s in ("article", "tuned"))
    outcome, under = decide(both(here, there), here, "the article's learning rate and init")
    rows = [row(mean(v), depth=d, series=k, settings=s)
            for s, found in (("article's settings", n.article), ("best settings", n.tuned))
            for (k, d), v in found.items()]  # fmt: skip
    says = (
        f"With the article's rate and init the sigmoid loses "
        f"{show(loss['article', 'sigmoid'], 'points')} of accuracy from 2 to 8 layers and ReLU "
        f"{show(loss['article', 'relu'], 'points')}. With the best init and rate (Adam) they lose "
        f"{show(loss['tuned', 'sigmoid'], 'points')} and {show(loss['tuned', 'relu'], 'points')}. "
        "On the two moons two layers are enough, so nobody gains by more."
    )
    return Verdict(
        outcome,
        says,
        Effect("lost by 8 sigmoid layers, best settings", loss["tuned", "sigmoid"], unit="points",
               of="draws of the data"),
        (Table("Test accuracy by depth", tuple(rows)),),
        Drawing("lines", "depth", "value", "hidden layers", "test accuracy", low="low",
                high="high", series="series", panels="settings", xlog=True),
        under,
    )  # fmt: skip


RECORD = Claim(
    name="depth_hurts_sigmoid",
    statement="More layers make a sigmoid network worse, and not a ReLU network.",
    source=(Document.COST, Document.ARTICLE),
    place="How Sigmoid Destroys Distance Information (net effect)",
    rule="Depth hurts if 8 sigmoid layers are more than 2 points less accurate than 2, and than 8 "
    "ReLU layers. Holds: so with the article's settings and with each one's own best. Holds only "
    "under the article's learning rate and init: with these alone.",
    measure=measure,
    judge=judge,
    also="actscope study --builtin depth",
)
