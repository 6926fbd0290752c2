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
from actscope.engine.layout import LAYER, layout
from actscope.engine.multiply import Blocking
from actscope.engine.program import Plan, emit
from actscope.engine.spec import Data, Floats, Net, Raw, Schedule, Training, Weights
from actscope.engine.wide import is_wide, run_wide
from actscope.engine.workspace import Workspace

MANY_KINDS = 16
CALL = 1 << 28  # products of a compiled call's way forward: a second or less, so Ctrl-C is heard
# Measured, see docs/decisions/0002-engine.md: widths from which half a register's lanes, and higher
# tiles, are faster
HALF_LANES = 64
WIDE_TILES = 192


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
        x_test: of the test set, or None.
        y_test: of the test set, or None.
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
    if is_wide(net):
        data = Data(x, y, x_test, y_test)
        cores = threads or available_cores()
        return run_wide(net, training, data, weights, orders, lr, schedule, cores)
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
        return job.raw()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for _ in pool.map(work, blocks):
                pass
        except BaseException:  # Ctrl-C above all: the threads end after the call they are in
            job.stopped.set()
            raise
    return job.raw()


def available_cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def lanes_for(net: Net, dtype: str) -> int:
    """Networks in a block: a register full; half as many, in half the memory, for wide nets."""
    full = host_lanes(dtype)
    return full // 2 if full > 4 and max(net.hidden) >= HALF_LANES else full


def host_lanes(dtype: str) -> int:
    """How many floats fill one of the CPU's vector registers: 16, 8 or 4 of float32."""
    features = machine.host()[1].split(",")
    size = 64 if "+avx512f" in features else 32 if "+avx2" in features else 16
    return size // np.dtype(dtype).itemsize


def blocking(kinds: int) -> Blocking:
    """How products are written: 16 sums of 32 registers, 8 of 16.

    A program of many kinds of layers would take too long to compile if it were written out.
    """
    features = machine.host()[1].split(",")
    many = "+avx512vl" in features or "+neon" in features
    sums = 16 if many else 8
    if kinds <= MANY_KINDS:
        return Blocking(sums)
    return Blocking(8 if kinds <= 2 * MANY_KINDS else 4, unrolled=0, fused=0)


class Programs:
    """Compiled programs of this process, by plan."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[Any, dict[str, Any]] = {}

    def get(self, plan: Plan) -> dict[str, Any]:
        """The functions of a program; `library` keeps them alive."""
        phis = tuple((a.f, a.df, a.values) for a in plan.activations)
        rest = (plan.loss, plan.optimiser, plan.decay, plan.epsilon, plan.shared)
        key = (plan.lanes, plan.kinds, phis, rest, plan.blocking)
        with self._lock:
            if key not in self._kept:
                library = machine.Library(emit(plan))
                self._kept[key] = {
                    "library": library,
                    "train": library.function("train", c_void_p, c_int64, c_int64),
                    "score": library.function("score", c_void_p),
                    "predict": library.function("predict", c_void_p),
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
        kind = LaneType(training.dtype, lanes or lanes_for(net, training.dtype))
        self.orders, self.seeds, shared = self._order(orders)
        found, phis = distinct(net.activations)
        self.tile_rows = tile_rows(net)
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
            blocking=blocking(len(self.layout.kinds)),
        )
        self.functions = PROGRAMS.get(self.plan)
        self.stopped = threading.Event()
        epoch = len(self.train_set[0]) * net.parameters  # fma of the way forward
        self.epochs_a_call = max(1, CALL // epoch)
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


def tile_rows(net: Net) -> int:
    """Points in a tile: 16, for wide layers 64.

    A wide layer's weights do not fit the caches; the more points there are in a tile, the less
    often they are read.
    """
    return 64 if max(net.hidden) >= WIDE_TILES else 16
