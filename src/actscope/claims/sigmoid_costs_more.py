"""At equal accuracy a sigmoid network costs more at inference than a ReLU network."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from actscope.claims._base import Claim, Drawing, Effect, Table, Verdict, show
from actscope.claims._rules import Floats, above, both, decide, median, row
from actscope.claims._sources import Document
from actscope.claims._times import FORMS, ratios
from actscope.claims._width import KEYS, WIDTHS, by_width, needed

if TYPE_CHECKING:
    from actscope.claims._bench import Arrays, Bench

BEHIND = 0.01  # target: within a point of the widest ReLU network
MORE = 1.1  # a tenth more time
# what is timed: points in the batch, and by how much both networks are made wider
PLACES = {"one point": (1, 1), "1,024 points": (1024, 1), "128 times as wide": (16, 128)}


@dataclass(frozen=True)
class Numbers:
    """What networks of equal accuracy need and take.

    Attributes:
        width: by activation, the median width over the draws at the target.
        ratio: by place, the sigmoid network's time over the ReLU network's, (sessions,).
        parameters: by activation.
    """

    width: dict[str, int]
    ratio: dict[str, Floats]
    parameters: dict[str, int]


def measure(bench: Bench) -> Numbers:
    """The smallest networks that reach the target, timed against one another in NumPy."""
    tuned, _ = by_width(bench)
    target = tuned["relu", max(WIDTHS)] - BEHIND
    middle = {k: float(np.median(needed(tuned, k, target))) for k in KEYS}
    width = {k: math.ceil(min(w, 2 * max(WIDTHS)) - 1e-9) for k, w in middle.items()}
    name = f"forward passes, widths {width}"
    a = bench.kept(name, lambda: _timed(width), timed=True)
    count = {k: 3 * w + (w + 1) * w + w + 1 for k, w in width.items()}
    return Numbers(width, {place: a[place] for place in PLACES}, count)


def _timed(width: dict[str, int]) -> Arrays:
    return {
        place: ratios(functools.partial(_networks, width=width, batch=batch, times=times), "relu")[
            "sigmoid"
        ]
        for place, (batch, times) in PLACES.items()
    }


def _networks(
    rng: np.random.Generator, width: dict[str, int], batch: int, times: int
) -> dict[str, Callable[[], Any]]:
    """A forward pass of both networks."""
    calls: dict[str, Callable[[], Any]] = {}
    x = rng.standard_normal((batch, 2)).astype(np.float32)
    for key, f in FORMS.items():
        sizes = (2, times * width[key], times * width[key], 1)
        W = [rng.standard_normal(s).astype(np.float32) for s in itertools.pairwise(sizes)]
        calls[key] = functools.partial(_forward, f, x, W)
    return calls


def _forward(f: Callable[[Any], Any], x: Any, W: list[Any]) -> Any:
    return f(f(x @ W[0]) @ W[1]) @ W[2]


def judge(n: Numbers) -> Verdict:
    """Dearer for one point, for many and when both are wide, in some of these, or in none."""
    ratio = {b: median(v) for b, v in n.ratio.items()}
    dear = {b: above(i, MORE) for b, i in ratio.items()}
    so = [p for p in PLACES if dear[p]]
    clear = both(*(d is not None for d in dear.values()))
    outcome, under = decide(
        both(*dear.values()), bool(so) and clear, f"networks of this size ({' and '.join(so)})"
    )
    rows = [row(i, label=place, series="sigmoid") for place, i in ratio.items()]
    says = (
        f"The smallest networks within a point of the best have {n.width['sigmoid']} (sigmoid) and "
        f"{n.width['relu']} (ReLU) units in each layer, {n.parameters['sigmoid']} and "
        f"{n.parameters['relu']} numbers. The sigmoid network takes "
        f"{show(ratio['one point'])} times the ReLU network's time for one point, "
        f"{show(ratio['1,024 points'])} times for 1,024, and {show(ratio['128 times as wide'])} "
        "times when both are made 128 times as wide (NumPy, one thread of this machine). "
        + (
            "Neither has to be wider, so the difference is the exponential's, which fades with "
            "the width."
            if n.width["sigmoid"] <= n.width["relu"]
            else "Part of it is the width, part the exponential, which fades with the width."
        )
    )
    return Verdict(
        outcome,
        says,
        Effect("time, 128 times as wide", ratio["128 times as wide"], of="sessions"),
        (Table("Time of the sigmoid network over the ReLU network's", tuple(rows)),),
        Drawing("intervals", "value", "label", "time over the ReLU network's of equal accuracy",
                low="low", high="high", series="series",
                marks=((1.0, "as fast"), (MORE, ""))),
        under,
    )  # fmt: skip


RECORD = Claim(
    name="sigmoid_costs_more",
    statement="At equal accuracy a sigmoid network costs more at inference than a ReLU network.",
    source=(Document.COST, Document.ARTICLE),
    place="Why This Matters Now: The Inference Cost Angle",
    rule="The smallest networks within a point of the widest ReLU network's accuracy, each with "
    "its own best settings, are timed in turn. Holds: the sigmoid's takes more than 1.1 times "
    "ReLU's time for one point, for 1,024, and when both are made 128 times as wide. Holds only "
    "under those of the three where it does.",
    measure=measure,
    judge=judge,
)
