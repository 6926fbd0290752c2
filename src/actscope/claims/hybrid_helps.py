"""The sigmoid near the output and ReLU below it is a good placement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from actscope.claims._base import Claim, Drawing, Effect, Table, Verdict, show
from actscope.claims._rules import Decision, Floats, above, both, decide, mean, row
from actscope.claims._sources import Document
from actscope.claims._studies import best, cell, grid

if TYPE_CHECKING:
    from actscope.claims._bench import Bench

WORTH = 0.005  # half a point of accuracy: worth a second activation
BETTER = 0.0  # of two places for the sigmoid: any gain that the interval makes certain
FORMS = {
    "all ReLU": "relu",
    "sigmoid last": ["relu", "relu", "relu", "sigmoid"],
    "sigmoid first": ["sigmoid", "relu", "relu", "relu"],
    "all sigmoid": "sigmoid",
}
LABELS = {k: v if isinstance(v, str) else "/".join(v) for k, v in FORMS.items()}
ADAM, SGD = (0.001, 0.003, 0.01, 0.03), (0.05, 0.15, 0.5)
PLACES = ("own best settings", "article's settings")


@dataclass(frozen=True)
class Numbers:
    """Test accuracy of four placements in four layers, (draws,), by (settings, placement)."""

    accuracy: dict[tuple[str, str], Floats]


def measure(bench: Bench) -> Numbers:
    """Rate, init and optimiser chosen for each placement; and the article's settings."""
    import pandas as pd

    common = {"activation": list(FORMS.values()), "depth": 4}
    frame = pd.concat(
        [
            bench.study(grid(lr=list(SGD), **common)).table(),
            bench.study(
                grid(optimiser="adam", lr=list(ADAM), init=["article", "critical"], **common)
            ).table(),
        ],
        ignore_index=True,
    )
    over = ("optimiser", "lr", "init")
    fixed = {"optimiser": "sgd", "lr": 0.05, "init": "article"}
    tuned, here = PLACES
    return Numbers(
        {(tuned, k): best(frame, over, activation=a).accuracy for k, a in LABELS.items()}
        | {(here, k): cell(frame, activation=a, **fixed).accuracy for k, a in LABELS.items()}
    )


def judge(n: Numbers) -> Verdict:
    """Better than ReLU throughout, than other placements of the sigmoid only, or than neither."""
    tuned, here = PLACES
    gain = {
        (s, k): mean(n.accuracy[s, "sigmoid last"] - n.accuracy[s, k])
        for s in PLACES
        for k in FORMS
        if k != "sigmoid last"
    }
    general = above(gain[tuned, "all ReLU"], WORTH)
    over_others = {
        s: both(*(above(gain[s, k], BETTER) for k in ("sigmoid first", "all sigmoid")))
        for s in PLACES
    }
    special: Decision = True
    if over_others[tuned]:
        under = "comparison with other places of the sigmoid, not with ReLU alone"
    else:
        special, under = (
            over_others[here],
            ("the article's settings, and compared with other places of the sigmoid"),
        )
    outcome, under = decide(general, special, under)
    rows = [row(mean(v), label=k, series=k, settings=s)
            for (s, k), v in n.accuracy.items()]  # fmt: skip
    words: Callable[[str], str] = lambda s: "; ".join(
        f"{k} {show(gain[s, k], 'points')}" for q, k in gain if q == s
    )
    says = (
        "Four layers of 8. Accuracy of the sigmoid in the last hidden layer minus that of: "
        f"(each with its own best settings) {words(tuned)}; (article's settings) {words(here)}."
    )
    return Verdict(
        outcome,
        says,
        Effect("gain of sigmoid last over all ReLU", gain[tuned, "all ReLU"], unit="points",
               of="draws of the data"),
        (Table("Test accuracy by placement", tuple(rows)),),
        Drawing("intervals", "value", "label", "test accuracy", low="low", high="high",
                series="series", panels="settings"),
        under,
    )  # fmt: skip


RECORD = Claim(
    name="hybrid_helps",
    statement="Placing the sigmoid near the output and ReLU below it helps.",
    source=(Document.COST,),
    place="What Comes Next (hybrid activations)",
    rule="Holds: with each placement's own best settings, sigmoid last is more than half a point "
    "more accurate than ReLU throughout. Otherwise, if it is more accurate than sigmoid first and "
    "than sigmoid throughout, it holds only under that comparison (or with the article's settings "
    "alone).",
    measure=measure,
    judge=judge,
    also="actscope study --builtin hybrid",
)
