"""The experiment's network: its initial draws, its training by plain gradient descent, its layers.

One network trains in a few tenths of a second: the arrays of a step are made once, the bias is
the last row of each weight matrix (so one product gives the gradient of both), the learning rate
goes into the error at the output, and all losses are computed after the last step from the
probabilities that the steps left behind. The plain form of the same rule stands in
tests/article/test_network.py, and the two must agree.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actscope.activations._base import Activation
from actscope.activations._lookup import activation
from actscope.article.setup import Setup
from actscope.inits.article import RECORD as INIT

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]

LOSS_EPSILON = 1e-9  # the published loss adds it inside both logarithms
STAGES = ("z₁", "a₁", "z₂", "a₂", "z₃")  # before and after each activation, then the logit
REPORT_EVERY = 20  # epochs between two calls of a progress function


@dataclass(frozen=True, eq=False)
class Network:
    """A trained (or untrained) network 2-h-h-1 with one activation in both hidden layers.

    Attributes:
        activation: of the hidden layers; the output is a sigmoid.
        W: three weight matrices (fan_in, fan_out), used as x @ W + b.
        b: three biases (fan_out,).
    """

    activation: Activation
    W: tuple[Floats, Floats, Floats]
    b: tuple[Floats, Floats, Floats]

    def stages(self, x: Floats) -> tuple[Floats, ...]:
        """z₁, a₁, z₂, a₂ and the logit z₃ for points (n, 2): arrays (n, units)."""
        with np.errstate(all="ignore"):  # a diverged network holds infinities
            z1 = x @ self.W[0] + self.b[0]
            a1 = self.activation(z1)
            z2 = a1 @ self.W[1] + self.b[1]
            a2 = self.activation(z2)
            return z1, a1, z2, a2, a2 @ self.W[2] + self.b[2]

    def hidden(self, x: Floats) -> tuple[Floats, Floats]:
        """The outputs of both hidden layers for points (n, 2), each (n, units)."""
        _, a1, _, a2, _ = self.stages(x)
        return a1, a2

    def probability(self, x: Floats) -> Floats:
        """The probability of class 1 for points (n, 2), (n,)."""
        with np.errstate(all="ignore"):
            p: Floats = activation("sigmoid")(self.stages(x)[-1][:, 0])
        return p

    def accuracy(self, x: Floats, y: Ints) -> float:
        """The share of points (n, 2) whose class (n,) it gets right.

        A probability of 1/2 counts as class 1, one that is no number as wrong.
        """
        p = self.probability(x)
        return float((((p >= 0.5) == y) & ~np.isnan(p)).mean())

    def trace(self, point: Floats) -> Floats:
        """The mean magnitude of each of the five stages for one point (2,): (5,)."""
        return np.array([np.abs(stage).mean() for stage in self.stages(point[None, :])])


def initial(phi: Activation, setup: Setup, rng: Any) -> Network:
    """The network before training: normal weights from `rng`, zero biases.

    Every layer's variance is 2/fan_in for the ReLU family and 1/fan_in for the rest, the output
    layer included, as published; `inits/article.py` says what belongs to the family.
    """
    (w1, w2, w3), (b1, b2, b3) = INIT.rule(setup.sizes, (phi, phi), rng, None)
    return Network(phi, (w1, w2, w3), (b1, b2, b3))


def draw_all(activations: tuple[Activation, ...], setup: Setup) -> tuple[tuple[Network, ...], Ints]:
    """Every network's start and the order of the training points in every epoch.

    As published, each network is drawn from a generator seeded anew, and the orders come from
    the generator that the last one leaves; all networks see the same orders.

    Returns:
        The networks, and the orders (epochs, training points).
    """
    train_points = setup.points - int(np.ceil(setup.points * setup.test_share))
    networks = []
    for phi in activations:
        rng = np.random.RandomState(setup.seed)  # the published stream
        networks.append(initial(phi, setup, rng))
    return tuple(networks), np.array([rng.permutation(train_points) for _ in range(setup.epochs)])


def train(
    start: Network,
    x: Floats,
    y: Ints,
    orders: Ints,
    setup: Setup,
    progress: Callable[[int], object] | None = None,
) -> tuple[Network, Floats]:
    """Train by gradient descent on the binary cross-entropy, batch by batch.

    Args:
        start: the network before training; it is not changed.
        x: training points (n, 2).
        y: their classes (n,), 0 or 1.
        orders: the order of the points in each epoch (epochs, n).
        setup: its batch and lr are used.
        progress: called now and then with the number of epochs done since the last call.

    Returns:
        The trained network, and for each epoch the mean of its mini-batch losses (epochs,),
        each taken before its own step. A run that diverges goes on as NaN.
    """
    with np.errstate(all="ignore"):
        steps = _Steps(start, len(x), setup)
        said = np.empty(orders.shape)
        for epoch, order in enumerate(orders):
            steps.epoch(x[order], y[order], said[epoch])
            if progress is not None and (epoch + 1) % REPORT_EVERY == 0:
                progress(REPORT_EVERY)
        if progress is not None and len(orders) % REPORT_EVERY:
            progress(len(orders) % REPORT_EVERY)
        return steps.network(), _losses(said, y[orders], setup.batch)


def _losses(p: Floats, y: Ints, batch: int) -> Floats:
    """The mean over mini-batches of each batch's mean cross-entropy: (epochs, n) to (epochs,)."""
    each = -np.log(np.where(y == 1, p, 1.0 - p) + LOSS_EPSILON)
    parts = [each[:, i : i + batch].mean(axis=1) for i in range(0, each.shape[1], batch)]
    means: Floats = np.mean(parts, axis=0)
    return means


class _Steps:
    """The weights in training, and the arrays of one step, made once."""

    def __init__(self, start: Network, points: int, setup: Setup) -> None:
        self.phi, self.batch, self.lr = start.activation, setup.batch, setup.lr
        self.sigmoid = activation("sigmoid").f
        self.W1, self.W2, self.W3 = (
            np.vstack([w, b]) for w, b in zip(start.W, start.b, strict=True)
        )
        # a last column of ones meets the last row, the bias
        self.x, self.h1, self.h2 = (np.ones((points, w + 1)) for w in setup.sizes[:3])
        self.g1, self.g2, self.g3 = (np.empty_like(w) for w in (self.W1, self.W2, self.W3))

    def epoch(self, x: Floats, y: Ints, said: Floats) -> None:
        """One pass over points in this order; the probabilities go to `said`, (n,)."""
        self.x[:, :-1] = x
        target = y[:, None].astype(float)
        for i in range(0, len(x), self.batch):
            cut = slice(i, i + self.batch)
            said[cut] = self.step(self.x[cut], target[cut])[:, 0]

    def step(self, x: Floats, y: Floats) -> Floats:
        """One step on a batch; the probabilities (batch, 1) before it."""
        f, df, values = self.phi.f, self.phi.df, self.phi.values
        n = len(x)
        h1, h2 = self.h1[:n], self.h2[:n]
        z1 = np.dot(x, self.W1)
        h1[:, :-1] = f(z1, *values)
        z2 = np.dot(h1, self.W2)
        h2[:, :-1] = f(z2, *values)
        p: Floats = self.sigmoid(np.dot(h2, self.W3))
        d3 = (p - y) * (self.lr / n)
        d2 = d3 * self.W3[:-1, 0]
        d2 *= df(z2, *values)
        d1 = np.dot(d2, self.W2[:-1].T)
        d1 *= df(z1, *values)
        self.W3 -= np.dot(h2.T, d3, out=self.g3)
        self.W2 -= np.dot(h1.T, d2, out=self.g2)
        self.W1 -= np.dot(x.T, d1, out=self.g1)
        return p

    def network(self) -> Network:
        """The weights as they are now."""
        w1, w2, w3 = self.W1, self.W2, self.W3
        return Network(
            self.phi,
            (w1[:-1].copy(), w2[:-1].copy(), w3[:-1].copy()),
            (w1[-1].copy(), w2[-1].copy(), w3[-1].copy()),
        )
