"""From layer 1 to layer 2 the sigmoid's spread shrinks, ReLU's grows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from actscope.claims._article import KEYS, many, published
from actscope.claims._base import Claim, Drawing, Effect, Table, Verdict, show
from actscope.claims._rules import Floats, above, both, decide, median, row, share
from actscope.claims._sources import Document

if TYPE_CHECKING:
    from actscope.claims._bench import Bench

PRINTED = {"sigmoid": (0.26, 0.19), "relu": (1.15, 1.67)}
NEAR = 0.01  # one unit of the last printed digit
MOST = 0.5


@dataclass(frozen=True)
class Numbers:
    """Standard deviations of both hidden layers on the test points, by activation.

    Attributes:
        published: (2,).
        seeds: (seeds, 2).
    """

    published: dict[str, Floats]
    seeds: dict[str, Floats]


def measure(bench: Bench) -> Numbers:
    """The article's run, and 1,000 other seeds."""
    one, others = published(bench), many(bench)
    return Numbers({k: one[f"{k} spread"] for k in KEYS}, {k: others[f"{k} spread"] for k in KEYS})


def judge(n: Numbers) -> Verdict:
    """Printed numbers by the published run, the direction by all seeds."""
    printed = all(
        abs(a - b) <= NEAR for k in KEYS for a, b in zip(n.published[k], PRINTED[k], strict=True)
    )
    sigmoid = share(n.seeds["sigmoid"][:, 1] < n.seeds["sigmoid"][:, 0])
    relu = share(n.seeds["relu"][:, 1] > n.seeds["relu"][:, 0])
    outcome, under = decide(
        both(printed, above(sigmoid, MOST), above(relu, MOST)), printed, "the published seed"
    )
    rows = [row(median(n.seeds[k][:, i]), label=f"{k}, layer {i + 1}", series=k)
            | {"published run": float(n.published[k][i])} for k in KEYS
            for i in (0, 1)]  # fmt: skip
    s, r = n.published["sigmoid"], n.published["relu"]
    says = (
        f"Published run: {s[0]:.2f} to {s[1]:.2f} and {r[0]:.2f} to {r[1]:.2f}. The sigmoid's "
        f"shrinks for {show(sigmoid, '%')} of {sigmoid.n} other seeds, ReLU's grows for "
        f"{show(relu, '%')}. What a spread says about information is another question: see "
        "spread_shows_loss."
    )
    return Verdict(
        outcome,
        says,
        Effect("seeds whose sigmoid spread shrinks", sigmoid, unit="%"),
        (Table("Standard deviation of hidden outputs, median of the seeds", tuple(rows)),),
        Drawing("intervals", "value", "label", "standard deviation of the hidden outputs",
                low="low", high="high", series="series"),
        under,
    )  # fmt: skip


RECORD = Claim(
    name="hidden_spread",
    statement="From layer 1 to layer 2 the sigmoid's spread shrinks (0.26 to 0.19), ReLU's grows "
    "(1.15 to 1.67).",
    source=(Document.ARTICLE,),
    place="Hidden Space Scatter",
    rule="Holds: the published run has the printed numbers to 0.01, and most seeds shrink "
    "(sigmoid) and grow (ReLU). Holds only under the published seed: it does, most do not.",
    measure=measure,
    judge=judge,
    also="actscope reproduce",
)
