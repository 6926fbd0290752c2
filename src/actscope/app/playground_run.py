"""One side of the playground: a network in training, or 64, with all that it went through."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actscope.app.playground_points import Points
from actscope.app.playground_setup import MOST_CHANGES, MOST_EPOCHS, Rates, Setup
from actscope.article.network import LOSS_EPSILON
from actscope.engine.session import Session, State
from actscope.engine.spec import Weights
from actscope.errors import InputError
from actscope.inits._lookup import init

Floats = NDArray[np.float64]

LANES = 4  # one network alone is quickest on few, and 64 of float64 lose nothing
STORED_BYTES = 32_000_000
FEWEST_STORED, MOST_STORED = 4, 200
EACH_SCORED = 50  # of the first epochs; then every tenth
SCORES = 4  # training loss and accuracy, test loss and accuracy


class PublishedOrders:
    """The orders of the article's own generator, drawn as far as they are asked for.

    Args:
        rng: as it is after the weights were drawn.
        points: in an epoch.
    """

    def __init__(self, rng: Any, points: int) -> None:
        self._rng, self._points = rng, points
        self._drawn: list[NDArray[np.uint16]] = []

    def __call__(self, first: int, last: int) -> NDArray[np.int64]:
        """Of epochs first … last − 1, (epochs, points)."""
        while len(self._drawn) < last:
            self._drawn.append(self._rng.permutation(self._points).astype(np.uint16))
        return np.array(self._drawn[first:last], dtype=np.int64)


class Run:
    """The networks of one side: one, or one for each of 64 seeds.

    Args:
        points: to train on.
        setup: of both sides.
        side: which this is, 0 or 1.
        rates: to start with.

    Attributes:
        net, session: of the engine.
        loss: (networks, epochs), the running loss as far as it is known.
        scored: epochs whose scores are kept; `scores` (networks, scored, 4).
        past: the rates in use, each from an epoch on.
        cut: the first epoch whose numbers changed since the page was last told.
        version: another one whenever the weights are others.
    """

    def __init__(self, points: Points, setup: Setup, side: int, rates: Rates) -> None:
        self.points, self.setup, self.side = points, setup, side
        self.net = setup.net(side, points.outputs)
        self.epsilon = LOSS_EPSILON if setup.published else 0.0
        weights, orders = self._published() if setup.published else (None, None)
        self.session = Session(
            self.net,
            points,
            rates.training(points.loss, self.epsilon),
            seeds=setup.seeds,
            init=setup.own[side].init,
            weights=weights,
            orders=orders,
            lanes=LANES,
        )
        self._loss = np.empty((len(self.session), 0))
        self._known = 0
        self._scores: dict[int, Floats] = {}
        self._states: dict[int, State] = {}
        self.past: list[tuple[int, Rates]] = [(0, rates)]
        self._stride, self.cut, self.version = 1, 0, 0
        self._weights: tuple[int, Weights] | None = None
        self._score()
        self._store()

    def _published(self) -> tuple[Weights, PublishedOrders]:
        """The article's weights and orders, from one generator."""
        rng: Any = np.random.RandomState(self.setup.seed)  # whose stream is the published one
        W, b = init("article").draw(self.net.sizes, self.net.activations, rng)
        return Weights(tuple(W), tuple(b)), PublishedOrders(rng, len(self.points.x))

    # --- what is known

    @property
    def epoch(self) -> int:
        """How many are done."""
        return self.session.epoch

    @property
    def rates(self) -> Rates:
        """In use now."""
        return self.past[-1][1]

    @property
    def loss(self) -> Floats:
        """(networks, epochs), the running loss of every epoch known."""
        return self._loss[:, : self._known]

    @property
    def scored(self) -> list[int]:
        """The epochs whose scores are kept."""
        return sorted(self._scores)

    def scores(self, epoch: int | None = None) -> Floats:
        """Training loss and accuracy, test loss and accuracy, (networks, 4); by default now."""
        now = self.epoch if epoch is None else epoch
        if now not in self._scores:
            assert now == self.epoch
            return self._scored_now()
        return self._scores[now]

    @property
    def stored(self) -> list[int]:
        """The epochs that can be gone back to."""
        return sorted(self._states)

    @property
    def weights(self) -> Weights:
        """As they are now, leading axis networks; not to be changed."""
        if self._weights is None or self._weights[0] != self.version:
            self._weights = self.version, self.session.weights
        return self._weights[1]

    @property
    def diverged_at(self) -> NDArray[np.int64]:
        """(networks,), or −1."""
        return self.session.diverged_at

    # --- training

    def advance(self, epochs: int, seconds: float = 1e9) -> int:
        """Train on, and note what is to be kept; at least one epoch.

        Args:
            epochs: at most so many.
            seconds: after which no further call of the engine starts.

        Returns:
            How many epochs were done.

        Raises:
            InputError: 20,000 are done.
        """
        if self.epoch >= MOST_EPOCHS:
            raise InputError(f"{MOST_EPOCHS:,} epochs are done, the most there are: reset to go on")
        began, ends = self.epoch, time.perf_counter() + seconds
        if self.epoch < self._known:
            self._forget()
        target = min(began + epochs, MOST_EPOCHS)
        self.version += 1
        while self.epoch < target:
            stop = min(target, self._next_stop())
            self._append(np.asarray(self.session.run(stop - self.epoch), dtype=np.float64))
            if _is_scored(self.epoch):
                self._score()
            if self.epoch % self._stride == 0:
                self._store()
            if time.perf_counter() > ends:
                break
        return self.epoch - began

    def _next_stop(self) -> int:
        """The next epoch at which something is noted."""
        scored = self.epoch + 1 if self.epoch < EACH_SCORED else (self.epoch // 10 + 1) * 10
        return min(scored, (self.epoch // self._stride + 1) * self._stride)

    def _append(self, losses: Floats) -> None:
        count = losses.shape[1]
        if self._known + count > self._loss.shape[1]:
            room = np.empty((len(self.session), max(256, count, self._known)))
            self._loss = np.concatenate([self._loss, room], axis=1)
        self._loss[:, self._known : self._known + count] = losses
        self._known += count

    def _scored_now(self) -> Floats:
        found = self.session.scores()
        parts = (found.train_loss, found.train_accuracy, found.test_loss, found.test_accuracy)
        return np.stack(parts, axis=1)

    def _score(self) -> None:
        self._scores[self.epoch] = self._scored_now()

    def _store(self) -> None:
        """Keep the state; when there are too many, every other one goes."""
        state = self.session.state()
        parts = (state.weights, state.first, state.second)
        size = sum(a.nbytes for part in parts if part for a in part.arrays())
        most = max(FEWEST_STORED, min(MOST_STORED, STORED_BYTES // size))
        self._states[self.epoch] = state
        while len(self._states) > most:
            self._stride *= 2
            self._states = {e: s for e, s in self._states.items() if e % self._stride == 0}

    def _forget(self) -> None:
        """What came after this epoch is another story now."""
        now = self.epoch
        self._known = now
        self._scores = {e: s for e, s in self._scores.items() if e <= now}
        self._states = {e: s for e, s in self._states.items() if e <= now}
        rates, self.past = self.rates, [(e, r) for e, r in self.past if e <= now]
        if self.rates != rates:
            self._note(rates)
        self.cut = min(self.cut, now)

    def change(self, rates: Rates) -> None:
        """Train on with other rates.

        Raises:
            InputError: they changed too often to be kept in the page's address.
        """
        if rates == self.rates:
            return
        if len(self.past) >= MOST_CHANGES:
            raise InputError(
                f"the rates changed {MOST_CHANGES} times on the way, the most that can be kept: "
                "reset to go on"
            )
        self.session.change(rates.training(self.points.loss, self.epsilon))
        if self.epoch < self._known:
            self._forget()
        self._note(rates)

    def _note(self, rates: Rates) -> None:
        """These are in use from now on."""
        self.past = [(e, r) for e, r in self.past if e < self.epoch]
        if not self.past or self.past[-1][1] != rates:
            self.past.append((self.epoch, rates))

    def rewind(self, epoch: int) -> None:
        """Go to the stored epoch at or before this one; what is known stays until training goes on.

        The rates stay what they are.
        """
        at = max(e for e in self._states if e <= max(epoch, 0))
        if at != self.epoch:
            self.session.restore(self._states[at])
            self.version += 1


def _is_scored(epoch: int) -> bool:
    """Whether the scores of this epoch are kept: a curve that speed does not change."""
    return epoch <= EACH_SCORED or epoch % 10 == 0
