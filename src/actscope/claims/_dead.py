"""Dead units counted: at the start, after training, in both senses of alive.

A unit is silent on a set of points if its pre-activation is at most 0 on all of them. A silent
ReLU unit has no output and no gradient there: it is dead. A silent leaky ReLU unit has both, so
"alive" may mean that a gradient passes or that the unit is on for some point; both are counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from actscope.claims._bench import Arrays, Bench
    from actscope.engine.spec import Net, Training, Weights

SEEDS, WIDTH, POINTS, EPOCHS = 20, 128, 256, 200
FRESH = "1 layer, 4,096 other points"


@dataclass(frozen=True)
class Case:
    """A way to train networks whose first hidden layer starts with a bias of −3.

    Attributes:
        label: in words.
        key: "relu" or "leaky_relu".
        depth: hidden layers; the bias is that of the last of them.
        optimiser, weight_decay, lr: of the training.
    """

    label: str
    key: str = "relu"
    depth: int = 1
    optimiser: str = "sgd"
    weight_decay: float = 0.0
    lr: float = 0.05


CASES = (
    Case("1 layer, SGD"),
    Case("1 layer, momentum", optimiser="momentum", lr=0.01),
    Case("1 layer, Adam", optimiser="adam", lr=0.01),
    Case("1 layer, SGD, weight decay", weight_decay=0.01),
    Case("1 layer, AdamW, weight decay", optimiser="adamw", weight_decay=0.1, lr=0.01),
    Case("2 layers, dead in the second, SGD", depth=2),
    Case("2 layers, dead in the second, Adam", depth=2, optimiser="adam", lr=0.01),
    Case("leaky, 1 layer, SGD", key="leaky_relu"),
    Case("leaky, 1 layer, Adam", key="leaky_relu", optimiser="adam", lr=0.01),
)


def counted(bench: Bench) -> Arrays:
    """By label: "start" and "end" silent flags (seeds, width), "moved" whether weights did."""
    return bench.kept("dead units before and after", lambda: _counted(bench))


def _counted(bench: Bench) -> Arrays:
    from actscope.activations._lookup import elementwise
    from actscope.datasets._lookup import dataset
    from actscope.engine.api import train
    from actscope.engine.spec import Net, Training
    from actscope.engine.starts import draw
    from actscope.inits._lookup import init

    x, y = dataset("blobs", dim=8).draw(POINTS, np.random.default_rng(0))
    centre, scale = x.mean(axis=0), x.std(axis=0)
    x = (x - centre) / scale
    found: Arrays = {}
    seeds = np.arange(SEEDS, dtype=np.uint64)
    for done, case in enumerate(CASES):
        bench.progress(case.label, done / len(CASES))
        phi = elementwise("leaky_relu", slope=0.1) if case.key == "leaky_relu" else case.key
        net = Net(x.shape[1], (WIDTH,) * case.depth, activations=phi)
        start = chilled(draw(net, init("he"), seeds, x), case.depth - 1)
        training = Training(
            optimiser=case.optimiser, lr=case.lr, weight_decay=case.weight_decay, epochs=EPOCHS
        )
        end = trained_from(net, start, (x, y), training, train)
        layer = case.depth - 1
        found[f"{case.label} start"] = silent(net, start, x, layer)
        found[f"{case.label} end"] = silent(net, end, x, layer)
        if case is CASES[0]:  # nothing is trained, only looked at again
            other, _ = dataset("blobs", dim=8).draw(4096, np.random.default_rng(1))
            found[f"{FRESH} start"] = found[f"{case.label} start"]
            found[f"{FRESH} end"] = silent(net, start, (other - centre) / scale, layer)
        change = np.abs(end.W[layer] - start.W[layer]).max(axis=1)
        found[f"{case.label} moved"] = change > 1e-6
    return found


def chilled(weights: Weights, layer: int, bias: float = -3.0) -> Weights:
    """The same weights with another bias in one layer."""
    from actscope.engine.spec import Weights

    b = list(weights.b)
    b[layer] = np.full_like(b[layer], bias)
    return Weights(weights.W, tuple(b), weights.gamma, weights.beta)


def trained_from(
    net: Net,
    start: Weights,
    data: tuple[NDArray[Any], NDArray[Any]],
    training: Training,
    train: object,
) -> Weights:
    """The weights after training, of all networks."""
    result = train(  # type: ignore[operator]
        net, data, training, seeds=range(len(start.W[0])), weights=start
    )
    end: Weights = result.groups[0].weights
    return end


def silent(net: Net, weights: Weights, x: NDArray[Any], layer: int) -> NDArray[np.bool_]:
    """Which units of a layer have no pre-activation above 0, (networks, width)."""
    from actscope.engine import walk

    return np.asarray((walk.forward(net, weights, x, slopes=False)[layer].z <= 0.0).all(axis=1))
