"""Trained networks looked at from within: what each layer makes of points that are chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from actscope.claims._bench import Arrays, Bench

KEYS = ("sigmoid", "relu", "tanh")
RATES = {"sigmoid": 1.5, "relu": 0.05, "tanh": 0.05}  # about the best of each; see _studies
SEEDS, POINTS = 100, 300


def trained(bench: Bench) -> Arrays:
    """Article-size networks trained at a good rate, 800 epochs on 300 points of the moons.

    By activation: "far layer" the resolution of 5 and 50 from the boundary, "near layer" that of
    0.2 and 2, "fidelity layer" R² of the distance, "spread layer" the standard deviation, all
    (seeds, 2), one column a hidden layer.
    """
    return bench.kept("trained networks from within", _trained)


def _trained() -> Arrays:
    from actscope.datasets._lookup import dataset
    from actscope.engine.api import train
    from actscope.engine.points import Points, ladder_of
    from actscope.engine.spec import Net, Training
    from actscope.engine.trace import trace

    law = dataset("moons")
    x, y = law.draw(POINTS, np.random.default_rng(0))
    x, law = law.standardised(x)
    assert law.boundary is not None
    far = ladder_of(law, x)
    assert far is not None
    distances = np.asarray(law.boundary(x))
    ladders = {"far": far, "near": _rescaled(far, 0.2, 2.0)}
    found: Arrays = {}
    for key in KEYS:
        net = Net(2, (8, 8), activations=key)
        result = train(net, (x, y), Training(lr=RATES[key]), seeds=range(SEEDS))
        weights = result.groups[0].weights
        for name, ladder in ladders.items():
            seen = Points(x, y, distances, 2, ladder)
            there = trace(weights, seen, "far_near_resolution", net=net)
            found[f"{key} {name}"] = there.values["far_near_resolution", "float64"][:, 1:]
        seen = Points(x, y, distances, 2)
        both = trace(weights, seen, ("distance_fidelity", "spread"), net=net)
        for metric, name in (("distance_fidelity", "fidelity"), ("spread", "spread")):
            found[f"{key} {name}"] = both.values[metric, "float64"][:, 1:]
    return found


def _rescaled(ladder: np.ndarray, near: float, far: float) -> np.ndarray:
    """The same ladder from the boundary with other steps, ten times as far at the end."""
    m = len(ladder) // 3
    start = ladder[:m]
    normal = (ladder[m : 2 * m] - start) / np.linalg.norm(
        ladder[m : 2 * m] - start, axis=1, keepdims=True
    )
    return np.concatenate([start, start + near * normal, start + far * normal])
