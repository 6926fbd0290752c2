"""Untrained networks measured three ways: exact, in number formats, as the optimiser sees them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from actscope.claims._base import Row
from actscope.claims._rules import Decision, Floats, both, median, negated, row

if TYPE_CHECKING:
    from actscope.claims._bench import Arrays, Bench

KEYS, INITS, DEPTHS = ("sigmoid", "relu", "tanh"), ("article", "critical"), (2, 8, 32)
FORMATS = ("float64", "float32", "bfloat16", "fp8_e4m3", "int8")
SEEDS, WIDTH, POINTS = 40, 16, 400
Place = tuple[str, int]  # init, depth


@dataclass(frozen=True)
class Accounts:
    """One number for each network, (seeds,), by (activation, init, depth).

    Attributes:
        value: what is looked at.
        base: what it is held against: 1, or the same in float64.
    """

    value: dict[tuple[str, str, int], Floats]
    base: dict[tuple[str, str, int], Floats]


def measured(bench: Bench) -> Arrays:
    """R² of the distance at the last layer in each format, and the gradient of layer 1 over last.

    By "activation init depth format" and "activation init depth gradient".
    """
    return bench.kept("three accounts", lambda: _measured(bench))


def _measured(bench: Bench) -> Arrays:
    from actscope.engine.spec import Net
    from actscope.engine.trace import trace

    found: Arrays = {}
    grid = list(itertools.product(KEYS, INITS, DEPTHS))
    for done, (key, init, depth) in enumerate(grid):
        bench.progress(f"{key}, {init} weights, {depth} layers", done / len(grid))
        net, name = Net(2, (WIDTH,) * depth, activations=key), f"{key} {init} {depth}"
        seen = {"init": init, "seeds": range(SEEDS), "points": POINTS}
        last = trace(net, "moons", "distance_fidelity", formats=FORMATS, layers=[depth], **seen)  # type: ignore[arg-type]
        for kind in FORMATS:
            found[f"{name} {kind}"] = last.values["distance_fidelity", kind][:, depth]
        first = trace(net, "moons", "gradient_ratio", layers=[1], **seen)  # type: ignore[arg-type]
        found[f"{name} gradient"] = first.values["gradient_ratio", "float64"][:, 1]
    return found


def account(bench: Bench, what: str, base: str = "") -> Accounts:
    """One account: a format or "gradient", held against another or against 1."""
    arrays = measured(bench)
    places = list(itertools.product(KEYS, INITS, DEPTHS))
    clean: Callable[[Any], Floats] = lambda a: np.nan_to_num(
        np.maximum(a, 0.0)
    )  # below 0 and undefined: nothing is left
    value = {(k, i, d): clean(arrays[f"{k} {i} {d} {what}"]) for k, i, d in places}
    held = {
        p: clean(arrays[f"{p[0]} {p[1]} {p[2]} {base}"]) if base else np.ones(SEEDS) for p in places
    }
    return Accounts(value, held)


def rows(value: dict[tuple[str, str, int], Floats]) -> tuple[Row, ...]:
    """One row a place and activation: the median of the networks."""
    return tuple(
        row(median(v), depth=depth, series=key, weights=f"{init} weights")
        for (key, init, depth), v in value.items()
    )


def lost_by_sigmoid(lost: dict[tuple[str, str, int], Decision]) -> dict[Place, Decision]:
    """Where the sigmoid loses it and ReLU does not."""
    places = itertools.product(INITS, DEPTHS)
    return {(i, d): both(lost["sigmoid", i, d], negated(lost["relu", i, d])) for i, d in places}


def where(places: dict[Place, Decision]) -> str:
    """The places where it is so, in words: "article weights, depth 8 and 32"."""
    words = []
    for init in dict.fromkeys(i for i, _ in places):
        depths = [str(d) for (i, d), so in places.items() if i == init and so]
        if depths:
            words.append(f"{init} weights, depth {' and '.join(depths)}")
    return "; ".join(words)
