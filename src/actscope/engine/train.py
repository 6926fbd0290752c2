"""Trains networks of one shape: in blocks of lanes, over threads, with compiled programs.

The seam to the rest of the engine is `run_blocks`. A block is as many networks as a SIMD vector
has lanes. Blocks are handed to threads (the compiled code runs without Python's lock); each
thread has one Workspace, so memory is bounded by the blocks in flight.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from ctypes import c_int64, c_void_p
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actscope.activations._base import Activation
from actscope.engine import compile as machine
from actscope.engine.lanes import LaneType
from actscope.engine.layout import FRAME, LAYER, MOMENTS, SETTINGS, SUMS, Layout, layout
from actscope.engine.program import LOSS, RIGHT, Plan, emit
from actscope.engine.spec import Floats, Net, Raw, Schedule, Training, Weights

L1_BYTES = 32 * 1024


def run_blocks(
    net: Net,
    training: Training,
    x: Floats,
    y: NDArray[Any],
    x_test: Floats | None,
    y_test: NDArray[Any] | None,
    weights: Weights,
    orders: NDArray[Any] | None,
    lr: Floats,
    schedule: Schedule,
    threads: int | None = None,
    lanes: int | None = None,
) -> Raw:
    """Train networks of one shape and one setting.

    Args:
        net: the shape.
        training: how; its lr is not looked at.
        x: (points, inputs).
        y: (points, outputs), or (points,) integer labels for cross_entropy.
        x_test, y_test: the same for the test set, or None.
        weights: where to start, leading axis networks.
        orders: seeds, (networks,) uint64, from which orders.py draws; or the orders themselves,
            (1 | networks, epochs, points) int64. Neither is looked at without
            `training.shuffle`, and None is for that alone, but given orders always are.
        lr: (networks,).
        schedule: what is recorded when.
        threads: how many run at once; all cores by default. Changes no result.
        lanes: networks in a block; by default what the CPU has registers for. Changes no result.

    Returns:
        What was recorded, leading axis networks, in the dtype of `training`.
    """
    job = Job(net, training, (x, y, x_test, y_test), weights, orders, lr, schedule, lanes)
    blocks = range(0, job.networks, job.plan.lanes.count)
    workers = min(threads or available_cores(), len(blocks))
    spaces: queue.SimpleQueue[Workspace] = queue.SimpleQueue()
    for _ in range(workers):
        spaces.put(Workspace(job))

    def work(first: int) -> None:
        space = spaces.get()
        try:
            space.run(first)
        finally:
            spaces.put(space)

    if workers == 1:
        for first in blocks:
            work(first)
    else:
        with ThreadPoolExecutor(workers) as pool:
            for _ in pool.map(work, blocks):
                pass
    return job.raw()


def available_cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def host_lanes(dtype: str) -> int:
    """How many floats fill one of the CPU's vector registers: 16, 8 or 4 of float32."""
    features = machine.host()[1].split(",")
    size = 64 if "+avx512f" in features else 32 if "+avx2" in features else 16
    return size // np.dtype(dtype).itemsize


def accumulators(lanes: LaneType) -> int:
    """How many sums the registers hold beside the factors: 16 of 32 registers, 8 of 16."""
    features = machine.host()[1].split(",")
    many = "+avx512vl" in features or "+neon" in features
    return 16 if many else 8


class Programs:
    """Compiled programs of this process, by plan."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[Any, dict[str, Any]] = {}

    def get(self, plan: Plan) -> dict[str, Any]:
        """The functions of a program; `library` keeps them alive."""
        phis = tuple((a.f, a.df, a.values) for a in plan.activations)
        rest = (plan.loss, plan.optimiser, plan.decay, plan.epsilon, plan.shared)
        key = (plan.lanes, plan.kinds, phis, rest, plan.accumulators)
        with self._lock:
            if key not in self._kept:
                library = machine.Library(emit(plan))
                self._kept[key] = {
                    "library": library,
                    "train": library.function("train", c_void_p, c_int64, c_int64),
                    "score": library.function("score", c_void_p),
                    "trace": library.function("trace", c_void_p),
                }
            return self._kept[key]


PROGRAMS = Programs()


def distinct(activations: Sequence[Activation]) -> tuple[tuple[Activation, ...], tuple[int, ...]]:
    """The different ones among a net's activations, and which of them each layer has."""
    kept: dict[Any, int] = {}
    found: list[Activation] = []
    numbers = []
    for a in activations:
        key = (a.f, a.df, a.values)
        if key not in kept:
            kept[key] = len(found)
            found.append(a)
        numbers.append(kept[key])
    return tuple(found), tuple(numbers)


class Job:
    """One call of run_blocks: what all blocks share, and the arrays that they fill."""

    def __init__(
        self,
        net: Net,
        training: Training,
        data: tuple[Any, Any, Any, Any],
        weights: Weights,
        orders: NDArray[Any] | None,
        lr: Floats,
        schedule: Schedule,
        lanes: int | None,
    ) -> None:
        self.net, self.training, self.schedule = net, training, schedule
        self.dtype = np.dtype(training.dtype)
        x, y, x_test, y_test = data
        self.train_set = self._points(x), self._points(y)
        self.test_set = None if x_test is None else (self._points(x_test), self._points(y_test))
        self.weights, self.lr, self.networks = weights, np.asarray(lr), len(lr)
        kind = LaneType(training.dtype, lanes or host_lanes(training.dtype))
        self.orders, self.seeds, shared = self._order(orders)
        found, phis = distinct(net.activations)
        self.tile_rows = tile_rows(net, kind)
        self.layout = layout(net, phis, self.tile_rows)
        self.plan = Plan(
            lanes=kind,
            kinds=self.layout.kinds,
            activations=found,
            loss=training.loss,
            optimiser=training.optimiser,
            decay=training.weight_decay > 0,
            epsilon=training.loss_epsilon > 0,
            shared=shared,
            accumulators=accumulators(kind),
        )
        self.functions = PROGRAMS.get(self.plan)
        self._results()

    def _points(self, array: Any) -> NDArray[Any]:
        return np.ascontiguousarray(array, dtype=self.dtype)

    def _order(self, orders: Any) -> tuple[Any, Any, bool]:
        """Given orders, seeds, and whether all networks see the data in one order."""
        seeds = np.zeros(self.networks, dtype=np.uint64)
        if orders is not None and orders.ndim == 3:
            return np.ascontiguousarray(orders, dtype=np.int64), seeds, len(orders) == 1
        if orders is None or not self.training.shuffle:
            return None, seeds, True
        return None, orders.astype(np.uint64), bool((orders == orders[0]).all())

    def _results(self) -> None:
        """Empty arrays for what blocks find out; each block writes its own rows."""
        plan, n, depth = self.schedule, self.networks, self.net.depth

        def empty(*shape: int) -> Floats:
            return np.full((n, *shape), np.nan, dtype=self.dtype)

        self.final = np.empty((n, self.layout.parameters), dtype=self.dtype)
        self.shots = [np.empty_like(self.final) for _ in plan.snapshots_at]
        self.loss = empty(self.training.epochs)
        self.scores = empty(len(plan.losses_at), 4)
        self.gradient_norm = empty(len(plan.traces_at), depth + 1)
        self.mean, self.std = empty(len(plan.traces_at), depth), empty(len(plan.traces_at), depth)
        self.diverged = np.full(n, -1, dtype=np.int64)

    def parts(self) -> list[tuple[str, int, int, tuple[int, ...]]]:
        """Each array of weights: its kind, its layer, its offset and its shape."""
        net, table = self.net, self.layout.table
        found = []
        for l, shape in enumerate(zip(net.sizes, net.sizes[1:], strict=False)):
            at = dict(zip(LAYER, table[l].tolist(), strict=True))
            found += [("W", l, at["W"], shape), ("b", l, at["b"], shape[1:])]
            if net.norm and l < net.depth:
                found += [("gamma", l, at["gamma"], shape[1:]), ("beta", l, at["beta"], shape[1:])]
        return found

    def unpacked(self, flat: Floats) -> Weights:
        """(networks, parameters) as Weights; the arrays are views."""
        parts: dict[str, list[Floats]] = {"W": [], "b": [], "gamma": [], "beta": []}
        for name, _, at, shape in self.parts():
            parts[name].append(flat[:, at : at + int(np.prod(shape))].reshape(len(flat), *shape))
        return Weights(*(tuple(p) for p in parts.values()))

    def raw(self) -> Raw:
        """What all blocks have found."""
        return Raw(
            weights=self.unpacked(self.final),
            loss=self.loss,
            train_loss=self.scores[..., 0],
            train_accuracy=self.scores[..., 1],
            test_loss=self.scores[..., 2],
            test_accuracy=self.scores[..., 3],
            gradient_norm=self.gradient_norm,
            activation_mean=self.mean,
            activation_std=self.std,
            snapshots=tuple(self.unpacked(s) for s in self.shots),
            diverged_at=self.diverged,
        )


def tile_rows(net: Net, lanes: LaneType) -> int:
    """Points in a tile: as many as let its activations stay in the L1 cache, 4 to 16."""
    vectors = 2 * sum(net.hidden) + 2 * max(net.sizes)
    fit = L1_BYTES // (vectors * lanes.bytes)
    return next((rows for rows in (16, 8) if rows <= fit), 4) if vectors <= 128 else 16


class Workspace:
    """The memory of one block while it runs; a thread uses one for all its blocks."""

    def __init__(self, job: Job) -> None:
        self.job = job
        lay, net, rows = job.layout, job.net, job.tile_rows
        count, points = job.plan.lanes.count, len(job.train_set[0])
        side = 1 if job.plan.shared else count
        targets, widest = job.plan.targets, lay.widest
        shapes = {
            **dict.fromkeys(("weights", "gradient", "first", "second"), (lay.parameters, count)),
            "lr": (1, count),
            "tile": (lay.tile, count),
            "inputs": (rows * net.inputs, side),
            "targets": (rows * targets, side),
            "logits": (rows * net.outputs, count),
            "delta": (3 * rows * widest, count),
            "sums": (len(SUMS), count),
            "moments": (len(MOMENTS) * net.depth, count),
            "loss": (job.training.epochs, count),
            "diverged": (1, count),
        }
        self.arrays = {name: aligned(shape, job.dtype) for name, shape in shapes.items()}
        t = job.training
        settings = dict(
            momentum=t.momentum, beta1=t.betas[0], rest1=1.0 - t.betas[0], beta2=t.betas[1],
            rest2=1.0 - t.betas[1], eps=t.eps, decay=t.weight_decay, epsilon=t.loss_epsilon,
        )  # fmt: skip
        self.arrays["settings"] = np.array([settings[s] for s in SETTINGS], dtype=job.dtype)
        self.arrays["powers"] = np.ones(4)
        self.arrays["order"] = np.empty((points, side), dtype=np.int32)
        self.arrays["seeds"] = np.zeros(count, dtype=np.uint64)
        self.arrays["layers"] = np.ascontiguousarray(lay.table)
        self.frame = np.zeros(len(FRAME), dtype=np.int64)
        for name, array in self.arrays.items():
            self.set(name, array.ctypes.data)
        self.set("parameters", lay.parameters)
        self.set("count", net.depth + 1)
        self.set("tile_rows", rows)
        self.set("delta_size", rows * widest)
        self.set("batch", min(t.batch, points))

    def set(self, name: str, value: int) -> None:
        self.frame[FRAME.index(name)] = value

    def look_at(self, points: tuple[NDArray[Any], NDArray[Any]]) -> None:
        """Let x, y be these."""
        self.set("x", points[0].ctypes.data)
        self.set("y", points[1].ctypes.data)
        self.set("points", len(points[0]))

    def call(self, name: str, *numbers: int) -> None:
        self.job.functions[name](self.frame.ctypes.data, *numbers)

    def run(self, first: int) -> None:
        """Train the block that starts with network `first`."""
        job, a = self.job, self.arrays
        rows = slice(first, min(first + job.plan.lanes.count, job.networks))
        self.begin(rows)
        plan, epochs = job.schedule, job.training.epochs
        stops = sorted({0, epochs, *plan.losses_at, *plan.traces_at, *plan.snapshots_at})
        done = 0
        with np.errstate(all="ignore"):
            for stop in stops:
                if stop > done:
                    self.call("train", done, stop)
                    done = stop
                self.record(stop, rows)
        used = rows.stop - rows.start
        job.final[rows] = a["weights"].T[:used]
        job.loss[rows] = a["loss"].T[:used]
        job.diverged[rows] = a["diverged"][0, :used]

    def begin(self, rows: slice) -> None:
        """Put in the block's weights, rates and orders; lanes without a network hold zeros."""
        job, a = self.job, self.arrays
        used = rows.stop - rows.start
        for name in ("weights", "gradient", "first", "second", "lr"):
            a[name][...] = 0.0
        for name, l, at, shape in job.parts():
            part = getattr(job.weights, name)[l][rows].reshape(used, -1)
            a["weights"][at : at + int(np.prod(shape)), :used] = part.T
        a["lr"][0, :used] = job.lr[rows]
        a["diverged"][...] = -1.0
        a["powers"][:] = (1.0, 1.0, *job.training.betas)
        a["seeds"][:used] = job.seeds[rows]
        self.set("given", -1)
        if job.orders is not None:
            self.given = job.orders if job.plan.shared else self.orders_of(rows)
            self.set("given", self.given.ctypes.data)
            self.set("given_step", 0 if job.plan.shared else self.given[0].size)
        elif job.training.shuffle:
            self.set("given", 0)
        self.look_at(job.train_set)

    def orders_of(self, rows: slice) -> NDArray[np.int64]:
        """The block's given orders, one for every lane: idle lanes read those of the last."""
        own: NDArray[np.int64] = self.job.orders[rows]
        idle = self.job.plan.lanes.count - len(own)
        return np.concatenate([own, np.repeat(own[-1:], idle, axis=0)]) if idle else own

    def record(self, epoch: int, rows: slice) -> None:
        """Note what the schedule asks for at the end of this epoch."""
        job, plan, used = self.job, self.job.schedule, rows.stop - rows.start
        if epoch in plan.losses_at:
            at = plan.losses_at.index(epoch)
            for i, points in enumerate((job.train_set, job.test_set)):
                if points is not None:
                    self.look_at(points)
                    self.call("score")
                    found = self.arrays["sums"][[LOSS, RIGHT]].T
                    job.scores[rows, at, 2 * i : 2 * i + 2] = found[:used]
            self.look_at(job.train_set)
        if epoch in plan.traces_at:
            self.trace(plan.traces_at.index(epoch), rows)
        if epoch in plan.snapshots_at:
            shot = job.shots[plan.snapshots_at.index(epoch)]
            shot[rows] = self.arrays["weights"].T[:used]

    def trace(self, at: int, rows: slice) -> None:
        """Gradient norms and moments over the training set, with the weights as they are."""
        job, a, used = self.job, self.arrays, rows.stop - rows.start
        a["moments"][...] = 0.0
        self.call("trace")
        for name, l, start, shape in job.parts():
            if name == "W":
                part = a["gradient"][start : start + int(np.prod(shape))].astype(np.float64)
                # all lanes are summed, so that NumPy adds in one order however many are in use
                job.gradient_norm[rows, at, l] = np.sqrt((part**2).sum(0))[:used]
        a["gradient"][...] = 0.0
        moments = a["moments"].reshape(job.net.depth, len(MOMENTS), -1)[..., :used]
        size = len(job.train_set[0]) * np.array(job.net.hidden, dtype=np.float64)[:, None]
        magnitude, total, squares = moments[:, 1:].astype(np.float64).transpose(1, 0, 2)
        job.mean[rows, at] = (magnitude / size).T
        variance = squares / size - (total / size) ** 2
        job.std[rows, at] = np.sqrt(np.maximum(variance, 0.0)).T


def aligned(shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Zeros whose address is a multiple of 128, as vector loads want."""
    size = int(np.prod(shape)) * dtype.itemsize
    raw = np.zeros(size + 128, dtype=np.uint8)
    start = -raw.ctypes.data % 128
    return raw[start : start + size].view(dtype).reshape(shape)
