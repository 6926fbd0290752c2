"""ReLU is cheaper to compute than the sigmoid."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from actscope.claims._base import Claim, Drawing, Effect, Table, Verdict, show
from actscope.claims._rules import Floats, above, below, both, decide, median, row
from actscope.claims._sources import Document
from actscope.claims._times import FORMS, ratios

if TYPE_CHECKING:
    from actscope.claims._bench import Arrays, Bench

DEARER = 1.5  # the time of sigmoid over ReLU that anyone would call dearer
FELT = 1.1  # a network's time over ReLU's that someone would feel
WIDTHS = (8, 64, 512)
ELEMENTS, BATCH, LAYERS = 65_536, 16, 3


@dataclass(frozen=True)
class Numbers:
    """Times of the sigmoid over ReLU's, (sessions,).

    Attributes:
        alone: the activation by itself, in NumPy.
        network: by width, a forward pass through three hidden layers in NumPy and BLAS.
    """

    alone: Floats
    network: dict[int, Floats]


def measure(bench: Bench) -> Numbers:
    """Interleaved, so that a busy machine slows both alike."""
    a = bench.kept("sigmoid beside relu, timed", _timed, timed=True)
    return Numbers(a["alone"], {w: a[f"width {w}"] for w in WIDTHS})


def _timed() -> Arrays:
    def alone(rng: np.random.Generator) -> dict[str, Callable[[], Any]]:
        z = rng.standard_normal(ELEMENTS).astype(np.float32)
        return {k: functools.partial(f, z) for k, f in FORMS.items()}

    found = {"alone": ratios(alone, "relu")["sigmoid"]}
    for width in WIDTHS:
        calls = functools.partial(_networks, width=width)
        found[f"width {width}"] = ratios(calls, "relu")["sigmoid"]
    return found


def _networks(rng: np.random.Generator, width: int) -> dict[str, Callable[[], Any]]:
    """A forward pass with each activation, through the same layers."""
    x = rng.standard_normal((BATCH, width)).astype(np.float32)
    weights = [
        (rng.standard_normal((width, width)) / width**0.5).astype(np.float32) for _ in range(LAYERS)
    ]
    return {k: functools.partial(_forward, f, x, weights) for k, f in FORMS.items()}


def _forward(f: Callable[[Any], Any], x: Any, weights: list[Any]) -> Any:
    """A forward pass through all layers."""
    for w in weights:
        x = f(x @ w)
    return x


def judge(n: Numbers) -> Verdict:
    """Dearer alone and felt in networks of all widths, alone only, or neither."""
    alone, whole = median(n.alone), {w: median(v) for w, v in n.network.items()}
    dear = above(alone, DEARER)
    felt = {w: above(i, FELT) for w, i in whole.items()}
    outcome, under = decide(
        both(dear, *felt.values()),
        both(dear, below(whole[max(WIDTHS)], FELT) is not None),
        _under(felt),
    )
    rows = [row(alone, label="activation alone", series="sigmoid")]
    rows += [row(i, label=f"3 layers of width {w}", series="sigmoid") for w, i in whole.items()]
    words = ", ".join(f"{show(i)} at width {w}" for w, i in whole.items())
    says = (
        f"In NumPy (float32, one thread of this machine) the sigmoid takes {show(alone)} "
        f"times as long as ReLU. A forward pass of a batch of {BATCH} through three "
        f"layers takes {words} times as long as with ReLU: matrix products "
        "grow with the width squared, activations with the width."
    )
    return Verdict(
        outcome,
        says,
        Effect("sigmoid's time over ReLU's, alone", alone, of="sessions"),
        (Table("Time over ReLU's, median of the sessions", tuple(rows)),),
        Drawing("intervals", "value", "label", "time over ReLU's", low="low", high="high",
                series="series", marks=((1.0, "as fast"), (FELT, "felt"))),
        under,
    )  # fmt: skip


def _under(felt: dict[int, bool | None]) -> str:
    """Where it is felt, in words."""
    widths = [str(w) for w, so in felt.items() if so]
    return f"networks of width {' and '.join(widths)}" if widths else "the activation by itself"


RECORD = Claim(
    name="relu_is_cheaper",
    statement="ReLU is cheaper to compute than the sigmoid.",
    source=(Document.LESSON, Document.TUTORIAL),
    place="three things fall out (speed); Sigmoid Issues",
    rule="Holds: by itself the sigmoid takes more than 1.5 times ReLU's time, and networks of "
    "width 8, 64 and 512 more than 1.1 times. Holds only under the widths where the network is "
    "slower, or under the activation by itself.",
    measure=measure,
    judge=judge,
    also="actscope assess sigmoid",
)
