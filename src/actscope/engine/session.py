"""`Session`: networks of one shape that are trained a few epochs at a time, and can go back."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actscope.engine import prepare
from actscope.engine.checks import whole
from actscope.engine.spec import Data, Floats, Net, Schedule, Training, Weights
from actscope.engine.starts import draw
from actscope.engine.tasks import Crew, task_of
from actscope.engine.train import Job, available_cores
from actscope.engine.wide import is_wide
from actscope.engine.workspace import Workspace
from actscope.errors import BadSpec, InputError
from actscope.inits._base import Init
from actscope.inits._lookup import init as find_init

Orders = Callable[[int, int], NDArray[np.int64]]

BUFFER = 64  # epochs that a compiled call writes the losses of
# what an optimiser remembers of the steps so far; those that remember the same share a letter
MEMORY = {"sgd": "", "momentum": "m", "adam": "a", "adamw": "a"}


@dataclass(frozen=True, eq=False)
class State:
    """All that training goes on from: restored, it gives the bits of a training never stopped.

    Attributes:
        epoch: how many are done.
        weights: leading axis networks.
        first, second: the optimiser's memory, in the form of the weights; None where it has none.
        powers: Adam's betas to the power of the steps so far.
        memory: what the optimiser remembers: "" nothing, "m" momentum, "a" Adam's two averages.
        betas: those that the memory was made with.
        diverged_at: (networks,), the first epoch with a number that is not finite, or −1.
    """

    epoch: int
    weights: Weights
    first: Weights | None
    second: Weights | None
    powers: tuple[float, float]
    memory: str
    betas: tuple[float, float]
    diverged_at: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Scores:
    """Loss and accuracy over whole sets, each (networks,); test is NaN without a test set."""

    train_loss: Floats
    train_accuracy: Floats
    test_loss: Floats
    test_accuracy: Floats


class Session:
    """Networks of one shape in training, a few epochs at a time.

    However the epochs are cut, and whatever state was stored and restored between, every number
    is bit for bit what one call of `train` gives. The learning rate and the optimiser may change
    on the way.

    Args:
        net: the shape; its widths up to 384.
        data: as in `train`.
        training: how; its `epochs` is not looked at, there is no last one.
        seeds: one network for each; as in `train` they decide first weights and orders.
        init: the rule that draws the first weights.
        weights: where to start instead, with or without a leading axis of networks.
        orders: `orders(first, last)` gives the order of the data in epochs first … last − 1, from
            0: (last − first, points) or (networks, last − first, points) indices. By default the
            seeds give it.
        threads: how many blocks of networks run at once; all cores by default.
        lanes: networks in a SIMD block; what the CPU has by default.

    Raises:
        BadSpec: as in `train`, or a net that is too wide.

    Example:
        >>> x = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
        >>> session = Session(Net(2), (x, [0, 1, 1, 0]), Training(lr=0.5), seeds=range(3))
        >>> session.run(100).shape
        (3, 100)
        >>> before = session.state()
        >>> once = session.run(50)
        >>> session.restore(before)
        >>> session.epoch, bool((session.run(50) == once).all())
        (100, True)

    Source: own, docs/decisions/0002-engine.md.
    """

    def __init__(
        self,
        net: Net,
        data: Any,
        training: Training = Training(),  # noqa: B008  # frozen
        *,
        seeds: int | Sequence[int] | range | NDArray[Any] = 0,
        init: str | Init = "article",
        weights: Weights | None = None,
        orders: Orders | None = None,
        threads: int | None = None,
        lanes: int | None = None,
    ) -> None:
        if is_wide(net):
            raise BadSpec("Net.hidden", net.shape, "widths up to 384 in a session; use train")
        self.net, self.training, self.orders = net, training, orders
        self.threads = threads or available_cores()
        self.lanes = lanes
        self.seeds = prepare.check_seeds(seeds)
        self._many = count = len(self.seeds)
        crew = Crew((net,) * count, (training,) * count, self.seeds, weights)
        task = task_of(crew, np.arange(count), prepare.as_data(data), None)
        self._data: Data = task.data
        start = task.weights or draw(net, find_init(init), self.seeds, task.data.x)
        self._open(training, start)

    def _open(self, training: Training, weights: Weights) -> None:
        """Make the compiled program and the memory of every block, at epoch 0."""
        d = self._data
        job = Job(
            self.net,
            dataclasses.replace(training, epochs=BUFFER),
            (d.x, d.y, d.x_test, d.y_test),
            weights,
            self._orders(0, 1) if self.orders else self.seeds,
            np.full(len(self.seeds), training.lr),
            Schedule(),
            self.lanes,
        )
        width = job.plan.lanes.count
        self._blocks = []
        for first in range(0, job.networks, width):
            rows, space = slice(first, min(first + width, job.networks)), Workspace(job)
            space.begin(rows)
            self._blocks.append((rows, space))
        self.training, self._job, self.epoch = training, job, 0

    def _orders(self, first: int, last: int) -> NDArray[np.int64]:
        """The given orders of some epochs, (1 | networks, epochs, points), checked."""
        assert self.orders is not None
        shape = dataclasses.replace(self.training, epochs=last - first)
        given = self.orders(first, last)
        found = prepare.check_orders(given, shape, len(self.seeds), len(self._data.x))
        if first and len(found) != self._many:
            raise BadSpec(
                "orders", f"for {len(found)} networks", f"as many as at first: {self._many}"
            )
        self._many = len(found)
        return found

    def __len__(self) -> int:
        return len(self.seeds)

    def __repr__(self) -> str:
        return f"Session({self.net!r}, {len(self)} networks, epoch {self.epoch})"

    # --- training

    def run(self, epochs: int = 1, stop: threading.Event | None = None) -> Floats:
        """Train on.

        Args:
            epochs: how many, at least 1.
            stop: set it from another thread to end early, after a whole epoch.

        Returns:
            The running loss of each epoch, (networks, epochs); fewer epochs after a stop.
        """
        parts: list[Floats] = []
        last = self.epoch + whole("epochs", epochs, 1)
        most = min(BUFFER, self._job.epochs_a_call)
        while self.epoch < last and not (stop is not None and stop.is_set()):
            until = min(last, self.epoch + most)
            parts.append(self._run(until))
            self.epoch = until
        return np.concatenate(parts, axis=1) if parts else np.empty((len(self), 0))

    def _run(self, until: int) -> Floats:
        """Train every block up to an epoch that the loss buffers reach."""
        loss = np.empty((len(self), until - self.epoch), dtype=self._job.dtype)
        if self.orders is not None:
            self._job.orders = self._orders(self.epoch, until)

        def work(block: tuple[slice, Workspace]) -> None:
            rows, space = block
            if self.orders is not None:
                space.give(rows)
            space.set("base", self.epoch)
            with np.errstate(all="ignore"):
                space.call("train", self.epoch, until)
            loss[rows] = space.arrays["loss"][: loss.shape[1], : rows.stop - rows.start].T

        self._each(work)
        return loss

    def _each(self, work: Callable[[tuple[slice, Workspace]], None]) -> None:
        """Do it for every block, several at a time."""
        if self.threads == 1 or len(self._blocks) == 1:
            for block in self._blocks:
                work(block)
            return
        with ThreadPoolExecutor(min(self.threads, len(self._blocks))) as pool:
            list(pool.map(work, self._blocks))

    def change(self, training: Training) -> None:
        """Train on with another learning rate, optimiser, batch or weight decay.

        The weights and the epoch stay. The optimiser's memory stays where the new one remembers
        the same things (adam and adamw with the same betas), and starts at zero otherwise.

        Raises:
            BadSpec: another loss, loss_epsilon or dtype, with which it would be another network.
        """
        for name in ("loss", "loss_epsilon", "dtype"):
            kept = getattr(self.training, name)
            if getattr(training, name) != kept:
                raise BadSpec(f"Training.{name}", getattr(training, name), f"{kept!r}, as before")
        now = self.state()
        self._open(training, now.weights)
        self.restore(now)

    # --- there and back

    def state(self) -> State:
        """A copy of all that training goes on from."""
        memory = MEMORY[self.training.optimiser]
        powers: tuple[float, float] = tuple(self._blocks[0][1].arrays["powers"][:2].tolist())
        return State(
            epoch=self.epoch,
            weights=self._taken("weights"),
            first=self._taken("first") if memory else None,
            second=self._taken("second") if memory == "a" else None,
            powers=powers,
            memory=memory,
            betas=self.training.betas,
            diverged_at=self.diverged_at,
        )

    def restore(self, state: State) -> None:
        """Go back, or on, to a state of a session of the same net, data and seeds.

        Raises:
            InputError: it is of another number of networks, or of other shapes.
        """
        shapes = [a.shape for a in self._taken("weights").arrays()]
        if [a.shape for a in state.weights.arrays()] != shapes:
            raise InputError(f"state: its weights are not those of {self!r}")
        known = state.memory == MEMORY[self.training.optimiser]
        if state.memory == "a":
            known = known and state.betas == self.training.betas
        parts = {"weights": state.weights}
        for name in ("first", "second"):
            values = getattr(state, name) if known else None
            if values is not None:
                parts[name] = values
        for rows, space in self._blocks:
            used = rows.stop - rows.start
            space.arrays["first"][...] = space.arrays["second"][...] = 0.0
            space.arrays["gradient"][...] = 0.0
            for name, weights in parts.items():
                space.put(name, weights, rows)
            space.arrays["powers"][:2] = state.powers if known else (1.0, 1.0)
            space.arrays["diverged"][0, :used] = state.diverged_at[rows]
        self.epoch = state.epoch

    def _taken(self, name: str) -> Weights:
        """A copy of an array of all blocks, in the form of weights."""
        flat = np.empty((len(self), self._job.layout.parameters), dtype=self._job.dtype)
        for rows, space in self._blocks:
            flat[rows] = space.arrays[name].T[: rows.stop - rows.start]
        return self._job.unpacked(flat)

    # --- what there is to see

    @property
    def weights(self) -> Weights:
        """A copy of the weights, leading axis networks."""
        return self._taken("weights")

    @property
    def diverged_at(self) -> NDArray[np.int64]:
        """The first epoch of each network with a number that is not finite, or −1."""
        parts = [s.arrays["diverged"][0, : r.stop - r.start] for r, s in self._blocks]
        return np.concatenate(parts).astype(np.int64)

    def scores(self) -> Scores:
        """Loss and accuracy over the whole training set and the whole test set, as they are now."""
        found = np.full((len(self), 4), np.nan, dtype=self._job.dtype)

        def work(block: tuple[slice, Workspace]) -> None:
            rows, space = block
            with np.errstate(all="ignore"):
                found[rows] = space.scores()[: rows.stop - rows.start]

        self._each(work)
        return Scores(*found.T)

    def predict(self, x: Any) -> Floats:
        """The logits of points as the networks are now.

        Args:
            x: (points, inputs).

        Returns:
            (networks, points, outputs).

        Raises:
            BadSpec: points of another shape, or with a number that is not finite.
        """
        points = prepare.check_points(self.net, self.training.dtype, x)
        found = np.empty((len(self), len(points), self.net.outputs), dtype=self._job.dtype)
        points = np.ascontiguousarray(points, dtype=self._job.dtype)

        def work(block: tuple[slice, Workspace]) -> None:
            rows, space = block
            with np.errstate(all="ignore"):
                answers = space.predict(points)
            found[rows] = np.moveaxis(answers, -1, 0)[: rows.stop - rows.start]

        self._each(work)
        return found

    def gradient_norms(self) -> Floats:
        """The norm of the training loss's gradient in each layer's W, (networks, depth + 1)."""
        norms = np.empty((len(self), self.net.depth + 1), dtype=self._job.dtype)

        def work(block: tuple[slice, Workspace]) -> None:
            rows, space = block
            with np.errstate(all="ignore"):
                norms[rows] = space.gradients()[: rows.stop - rows.start]

        self._each(work)
        return norms
