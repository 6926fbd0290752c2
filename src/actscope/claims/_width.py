"""How wide a network must be: accuracy by width with each activation's own best settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actscope.claims._rules import Floats
from actscope.claims._studies import best, grid

if TYPE_CHECKING:
    from actscope.claims._bench import Bench

KEYS, WIDTHS = ("sigmoid", "relu"), (2, 3, 4, 6, 8, 12, 16)
RATES = {"sigmoid": (0.5, 1.5, 5.0), "relu": (0.05, 0.15, 0.5)}
Found = dict[tuple[str, int], Floats]


def by_width(bench: Bench) -> tuple[Found, Found]:
    """Accuracy by (activation, width), (draws,): with best rate and init; with the article's."""
    tuned, article = {}, {}
    for key in KEYS:
        study = grid(
            activation=key,
            width=list(WIDTHS),
            lr=sorted({0.05, *RATES[key]}),
            init=["article", "critical"],
        )
        frame = bench.study(study).table()
        for w in WIDTHS:
            tuned[key, w] = best(frame, width=w).accuracy
            article[key, w] = best(frame, ("lr",), width=w, lr=0.05, init="article").accuracy
    return tuned, article


def needed(found: Found, key: str, target: Floats) -> list[int | None]:
    """For each draw the smallest width that reaches the target there; None for none."""
    reached: list[int | None] = []
    for i in range(len(target)):
        good = [w for k, w in found if k == key and found[k, w][i] >= target[i]]
        reached.append(min(good) if good else None)
    return reached
