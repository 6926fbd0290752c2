"""The memory of a block, and what is done with it: begin, train, note what was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from actscope.engine.layout import FRAME, MOMENTS, SETTINGS, SUMS
from actscope.engine.program import LOSS, RIGHT
from actscope.engine.spec import Floats, Weights

if TYPE_CHECKING:
    from actscope.engine.train import Job


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
        settings = {
            "momentum": t.momentum,
            "beta1": t.betas[0],
            "rest1": 1.0 - t.betas[0],
            "beta2": t.betas[1],
            "rest2": 1.0 - t.betas[1],
            "eps": t.eps,
            "decay": t.weight_decay,
            "epsilon": t.loss_epsilon,
        }
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
        """Put a number or an address into the frame."""
        self.frame[FRAME.index(name)] = value

    def look_at(self, points: tuple[NDArray[Any], NDArray[Any]]) -> None:
        """Let x, y be these."""
        self.set("x", points[0].ctypes.data)
        self.set("y", points[1].ctypes.data)
        self.set("points", len(points[0]))

    def call(self, name: str, *numbers: int) -> None:
        """Call a function of the program on the frame."""
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
                while done < stop and not job.stopped.is_set():
                    until = min(stop, done + job.epochs_a_call)
                    self.call("train", done, until)
                    done = until
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
        self.put("weights", job.weights, rows)
        a["lr"][0, :used] = job.lr[rows]
        a["diverged"][...] = -1.0
        a["powers"][:] = (1.0, 1.0, *job.training.betas)
        a["seeds"][:used] = job.seeds[rows]
        self.set("given", -1)
        if job.orders is not None:
            self.give(rows)
        elif job.training.shuffle:
            self.set("given", 0)
        self.look_at(job.train_set)

    def put(self, name: str, weights: Weights, rows: slice) -> None:
        """Let an array of parameters be networks `rows` of these."""
        used = rows.stop - rows.start
        for part, l, at, shape in self.job.parts():
            values = getattr(weights, part)[l][rows].reshape(used, -1)
            self.arrays[name][at : at + int(np.prod(shape)), :used] = values.T

    def give(self, rows: slice) -> None:
        """Let the block see the data in the job's given orders."""
        shared = self.job.plan.shared
        self.given = self.job.orders if shared else self.orders_of(rows)
        self.set("given", self.given.ctypes.data)
        self.set("given_step", 0 if shared else self.given[0].size)

    def orders_of(self, rows: slice) -> NDArray[np.int64]:
        """The block's given orders, one for every lane: idle lanes read those of the last."""
        own: NDArray[np.int64] = self.job.orders[rows]
        idle = self.job.plan.lanes.count - len(own)
        return np.concatenate([own, np.repeat(own[-1:], idle, axis=0)]) if idle else own

    def record(self, epoch: int, rows: slice) -> None:
        """Note what the schedule asks for at the end of this epoch."""
        job, plan, used = self.job, self.job.schedule, rows.stop - rows.start
        if epoch in plan.losses_at:
            job.scores[rows, plan.losses_at.index(epoch)] = self.scores()[:used]
        if epoch in plan.traces_at:
            self.trace(plan.traces_at.index(epoch), rows)
        if epoch in plan.snapshots_at:
            shot = job.shots[plan.snapshots_at.index(epoch)]
            shot[rows] = self.arrays["weights"].T[:used]

    def scores(self) -> Floats:
        """Loss and accuracy over the training set, then over the test set, (lanes, 4)."""
        found = np.full((self.job.plan.lanes.count, 4), np.nan, dtype=self.job.dtype)
        for i, points in enumerate((self.job.train_set, self.job.test_set)):
            if points is not None:
                self.look_at(points)
                self.call("score")
                found[:, 2 * i : 2 * i + 2] = self.arrays["sums"][[LOSS, RIGHT]].T
        self.look_at(self.job.train_set)
        return found

    def predict(self, x: Floats) -> Floats:
        """The logits of points, (points, outputs, lanes)."""
        outputs = self.job.net.outputs
        answers = aligned((len(x), outputs, self.job.plan.lanes.count), self.job.dtype)
        self.set("answers", answers.ctypes.data)
        self.look_at((x, x))  # no target is read
        self.call("predict")
        self.look_at(self.job.train_set)
        return answers

    def gradients(self) -> Floats:
        """Gradient norms over the training set, (lanes, layers); fills `moments` too."""
        a = self.arrays
        a["moments"][...] = 0.0
        self.call("trace")
        norms = []
        for name, _, start, shape in self.job.parts():
            if name == "W":
                part = a["gradient"][start : start + int(np.prod(shape))].astype(np.float64)
                # all lanes are summed, so that NumPy adds in one order however many are in use
                norms.append(np.sqrt((part**2).sum(0)))
        a["gradient"][...] = 0.0
        return np.stack(norms, axis=1)

    def trace(self, at: int, rows: slice) -> None:
        """Gradient norms and moments over the training set, with the weights as they are."""
        job, used = self.job, rows.stop - rows.start
        job.gradient_norm[rows, at] = self.gradients()[:used]
        moments = self.arrays["moments"].reshape(job.net.depth, len(MOMENTS), -1)[..., :used]
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
