"""The article's experiment: the published run, and the same from a thousand other seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from actscope.claims._bench import Arrays

if TYPE_CHECKING:
    from actscope.article.data import Data
    from actscope.claims._bench import Bench

SEEDS = 1000
KEYS = ("sigmoid", "relu")
STAGES = ("z1", "a1", "z2", "a2", "z3")


def published(bench: Bench) -> Arrays:
    """The published run: for each key loss (800,), accuracy, spread (2,), trace (2 classes, 5).

    Also linear: agreement of the network's class with a logistic regression's over the plane.
    """
    return bench.kept("article: published", _published)


def many(bench: Bench) -> Arrays:
    """The same of each of the seeds, with a leading axis (seeds,); loss at 200, 400, 600, 800."""
    return bench.kept(f"article: {SEEDS} seeds", _many)


def _published() -> Arrays:
    from actscope.article.run import reproduce

    found: Arrays = {}
    result = reproduce(KEYS)
    flat = _line(result.data)
    for outcome in result.outcomes:
        key = outcome.key
        found[f"{key} loss"] = np.asarray(outcome.losses)
        found[f"{key} accuracy"] = np.array(outcome.test_accuracy)
        found[f"{key} spread"] = np.array(outcome.spreads)
        found[f"{key} trace"] = np.stack([outcome.trace(0), outcome.trace(1)])
        same = (outcome.network.probability(result.data.x) >= 0.5) == flat
        found[f"{key} linear"] = np.array(same.mean())
    return found


def _many() -> Arrays:
    from actscope.article.data import draw_data
    from actscope.article.network import LOSS_EPSILON
    from actscope.article.setup import Setup
    from actscope.engine import walk
    from actscope.engine.api import train
    from actscope.engine.spec import Net, Training

    setup, found = Setup(), Arrays()
    data = draw_data(setup)
    far = np.stack([data.far_point(0), data.far_point(1)]).astype(np.float64)
    flat = _line(data)
    x, x_test = (np.asarray(a, dtype=np.float64) for a in (data.x, data.x_test))
    for key in KEYS:
        net = Net(2, hidden=setup.hidden, activations=key)
        training = Training(lr=setup.lr, epochs=setup.epochs, loss_epsilon=LOSS_EPSILON)
        result = train(net, data, training, seeds=range(SEEDS))
        weights = result.groups[0].weights
        found[f"{key} loss"] = result.loss[:, [199, 399, 599, 799]].astype(float)
        found[f"{key} accuracy"] = np.rint(100 * result.test_accuracy[:, -1]) / 100
        layers = walk.forward(net, weights, x_test, slopes=False)
        found[f"{key} spread"] = np.stack([s.h.std(axis=(1, 2)) for s in layers], axis=1)
        steps = walk.forward(net, weights, far, slopes=False)
        out = walk.logits(weights, steps[-1].h)
        stages = [a for s in steps for a in (s.z, s.h)] + [out]
        found[f"{key} trace"] = np.stack([np.abs(a).mean(axis=2) for a in stages], axis=2)
        whole = walk.logits(weights, walk.forward(net, weights, x, slopes=False)[-1].h)
        found[f"{key} linear"] = ((whole[..., 0] >= 0.0) == flat).mean(axis=1)
    return found


def _line(data: Data) -> NDArray[np.bool_]:
    """The classes that a logistic regression gives to all points."""
    from sklearn.linear_model import LogisticRegression

    fit = LogisticRegression().fit(data.x_train, data.y_train)
    return np.asarray(fit.predict(data.x) == 1)
