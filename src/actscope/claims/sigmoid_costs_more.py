"""At equal accuracy a sigmoid network costs more at inference than a ReLU network."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from actscope.claims._base import Claim, Drawing, Effect, Table, Verdict, show
from actscope.claims._rules import Floats, above, below, both, decide, median, row
from actscope.claims._sources import Document
from actscope.claims._width import KEYS, WIDTHS, by_width, needed

if TYPE_CHECKING:
    from actscope.claims._bench import Arrays, Bench

BEHIND = 0.01  # target: within a point of the widest ReLU network
MORE = 1.1  # a tenth more time
ROUNDS, BATCHES = 25, (1, 1024)


@dataclass(frozen=True)
class Numbers:
    """What networks of equal accuracy need and take.

    Attributes:
        width: by activation, the median width over the draws at the target.
        ratio: by batch, the sigmoid network's time over the ReLU network's, (rounds,).
        parameters: by activation.
    """

    width: dict[str, int]
    ratio: dict[int, Floats]
    parameters: dict[str, int]


def measure(bench: Bench) -> Numbers:
    """The smallest networks that reach the target, timed against one another in NumPy."""
    tuned, _ = by_width(bench)
    target = tuned["relu", max(WIDTHS)] - BEHIND
    width = {
        k: int(np.median([w or 2 * max(WIDTHS) for w in needed(tuned, k, target)])) for k in KEYS
    }
    name = f"forward passes, widths {width}"
    a = bench.kept(name, lambda: _timed(width), timed=True)
    count = {k: 3 * w + (w + 1) * w + w + 1 for k, w in width.items()}
    return Numbers(width, {b: a[f"batch {b}"] for b in BATCHES}, count)


def _timed(width: dict[str, int]) -> Arrays:
    from actscope.maths.blas import ONE_BLAS_THREAD
    from actscope.maths.timing import interleaved

    forms = {
        "relu": lambda z: np.maximum(z, np.float32(0)),
        "sigmoid": lambda z: np.float32(1) / (np.float32(1) + np.exp(-z)),
    }
    rng, found = np.random.default_rng(0), {}
    for batch in BATCHES:
        calls = {}
        for key, f in forms.items():
            sizes = (2, width[key], width[key], 1)
            x = rng.standard_normal((batch, 2)).astype(np.float32)
            W = [rng.standard_normal(s).astype(np.float32) for s in itertools.pairwise(sizes)]
            calls[key] = lambda f=f, x=x, W=W: f(f(x @ W[0]) @ W[1]) @ W[2]
        with ONE_BLAS_THREAD:
            taken = interleaved(calls, rounds=ROUNDS)
        found[f"batch {batch}"] = taken["sigmoid"] / taken["relu"]
    return found


def judge(n: Numbers) -> Verdict:
    """Dearer for one point and for many, for many only, or not."""
    ratio = {b: median(v) for b, v in n.ratio.items()}
    dear = {b: above(i, MORE) for b, i in ratio.items()}
    so = [b for b in BATCHES if dear[b]]
    clear = both(*(d is not None for d in dear.values()))
    outcome, under = decide(
        both(*dear.values()), bool(so) and clear, f"batches of {' and '.join(map(str, so))}"
    )
    rows = [row(i, label=f"batch of {b}", series="sigmoid") for b, i in ratio.items()]
    cheaper = below(ratio[max(BATCHES)], 1.0)
    says = (
        f"The smallest networks within a point of the best have {n.width['sigmoid']} (sigmoid) and "
        f"{n.width['relu']} (ReLU) units in each layer, {n.parameters['sigmoid']} and "
        f"{n.parameters['relu']} numbers. The sigmoid network takes {show(ratio[BATCHES[0]])} "
        f"times the ReLU network's time for one point and {show(ratio[BATCHES[1]])} times for "
        f"{BATCHES[1]} (NumPy, one thread of this machine)."
        + (" The sigmoid network is the cheaper one." if cheaper else "")
        + " At this size the exponential counts; relu_is_cheaper says how it fades with the width."
    )
    return Verdict(
        outcome,
        says,
        Effect(f"time, batch of {max(BATCHES)}", ratio[max(BATCHES)], of="rounds"),
        (Table("Time of the sigmoid network over the ReLU network's", tuple(rows)),),
        Drawing("intervals", "value", "label", "time over the ReLU network's of equal accuracy",
                low="low", high="high", series="series", xlog=True,
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
    "ReLU's time for one point and for 1,024. Holds only under one of the two.",
    measure=measure,
    judge=judge,
)
