"""`train`: networks of any shapes and settings, sorted into blocks, trained, put back in order."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from actscope.engine import prepare
from actscope.engine.checks import whole
from actscope.engine.gather import Sheet, joined
from actscope.engine.result import Group, Result
from actscope.engine.spec import Data, Net, Raw, Schedule, Training, Weights
from actscope.engine.starts import draw
from actscope.errors import BadSpec
from actscope.inits._base import Init
from actscope.inits._lookup import init as find_init

LANES = (4, 8, 16)
CHUNK_BYTES = 1 << 26  # of weights; bounds what is in flight beside the result itself
CHUNK_NETWORKS = 4096


def train(
    nets: Net | Sequence[Net],
    data: Any,
    training: Training | Sequence[Training] = Training(),  # noqa: B008  # frozen
    *,
    seeds: int | Sequence[int] | range | NDArray[Any] = 0,
    init: str | Init = "article",
    weights: Weights | Sequence[Weights] | None = None,
    orders: ArrayLike | None = None,
    threads: int | None = None,
    lanes: int | None = None,
    loss_every: int = 0,
    trace_every: int = 0,
    snapshots: Iterable[int] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Result:
    """Train many small networks at once.

    `nets`, `training`, `seeds` and `weights` go side by side: one of each makes a network, and
    a single one stands for all. A network's seed alone decides its first weights and the order
    of its data, so it comes out the same, bit for bit, alone or among thousands, whatever the
    number of threads and lanes.

    Args:
        nets: the shapes.
        data: (x, y) or (x, y, x_test, y_test), or an object with those names (x_train and
            y_train do too): x (points, inputs), y (points,) or (points, outputs).
        training: how they are trained.
        seeds: one whole number is one seed; range(1000) makes a thousand networks.
        init: the rule that draws the first weights: a name of `actscope.inits`, or a record.
        weights: where to start instead: one Weights (with or without a leading axis of
            networks) or one for each network.
        orders: the order of the data, (epochs, points) or (networks, epochs, points) indices,
            instead of the one that the seed gives.
        threads: how many run at once; all cores by default. It changes no result.
        lanes: 4, 8 or 16 networks in a SIMD block; what the CPU has by default. It changes no
            result.
        loss_every: losses and accuracies over the whole sets every so many epochs; 0: at the
            end only. The running loss is always kept, for every epoch.
        trace_every: gradient norms and activations per layer every so many epochs; 0: never.
        snapshots: epochs of which the weights are kept; 0 is before training.
        progress: called with (networks done, networks in all).

    Returns:
        The losses, weights and traces of every network, in the order given. A network that
        meets a NaN or an infinity is part of the result, with its epoch in `diverged_at`.

    Raises:
        BadSpec: data, weights, orders or seeds that do not fit; the message names what.
        UnknownName: no such init.
        InputError: an init that does not apply to an activation.

    Example:
        >>> x = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
        >>> result = train(Net(2), (x, [0, 1, 1, 0]), Training(lr=0.5), seeds=range(3))
        >>> result.loss.shape
        (3, 800)
        >>> result.weights(0).W[0].shape
        (2, 8)
    """
    began = time.perf_counter()
    for name, value in (("threads", threads), ("lanes", lanes)):
        if value is not None:
            whole(name, value, 1)
    if lanes is not None and lanes not in LANES:
        raise BadSpec("lanes", lanes, f"one of {', '.join(map(str, LANES))}")
    points = prepare.as_data(data)
    crew = _crew(nets, training, seeds, weights)
    plans = {
        epochs: prepare.schedule(epochs, loss_every, trace_every, snapshots)
        for epochs in {t.epochs for t in crew.trainings}
    }
    start = find_init(init)
    tasks = [_task(crew, rows, points, orders) for rows in crew.alike()]
    sheet = Sheet(crew.nets, crew.trainings, plans.values())
    groups, done = [], 0
    for task in tasks:
        plan, raws = plans[task.training.epochs], []
        for part in task.parts():
            raw = _run(task, part, start, plan, threads, lanes)
            sheet.write(task.rows[part], raw, plan)
            raws.append((raw.weights, raw.snapshots))
            done += len(task.rows[part])
            if progress is not None:
                progress(done, len(crew.nets))
        finals, kept = zip(*raws, strict=True)
        shots = tuple(joined(s) for s in zip(*kept, strict=True))
        groups.append(Group(task.rows, joined(finals), shots))
    return Result(
        nets=crew.nets,
        trainings=crew.trainings,
        seeds=crew.seeds,
        init=start.name if weights is None else "given",
        epochs_at=sheet.epochs_at,
        traces_at=sheet.traces_at,
        snapshots_at=next(iter(plans.values())).snapshots_at,
        diverged_at=sheet.diverged_at,
        seconds=time.perf_counter() - began,
        groups=tuple(groups),
        **sheet.arrays,
    )


@dataclass(frozen=True, eq=False)
class _Crew:
    """Every network of a call: what it is, how it is trained, its seed, its given weights."""

    nets: tuple[Net, ...]
    trainings: tuple[Training, ...]
    seeds: NDArray[np.uint64]
    weights: tuple[Weights, ...] | Weights | None

    def alike(self) -> list[NDArray[np.int64]]:
        """The networks that share a shape and all settings but lr, in order of appearance."""
        kinds: dict[tuple[Net, Training], list[int]] = {}
        known: dict[tuple[int, int], list[int]] = {}  # by identity: hashing records is slow
        for i, (net, training) in enumerate(zip(self.nets, self.trainings, strict=True)):
            same = known.get((id(net), id(training)))
            if same is None:
                key = (net, dataclasses.replace(training, lr=0.0))
                same = known[id(net), id(training)] = kinds.setdefault(key, [])
            same.append(i)
        return [np.array(rows) for rows in kinds.values()]


def _crew(nets: Any, training: Any, seeds: Any, weights: Any) -> _Crew:
    """Broadcast what goes side by side."""
    each_net = (nets,) if isinstance(nets, Net) else tuple(nets)
    each_training = (training,) if isinstance(training, Training) else tuple(training)
    each_seed = prepare.check_seeds(seeds)
    for i, net in enumerate(each_net):
        if not isinstance(net, Net):
            raise BadSpec(f"nets[{i}]", net, "a Net")
    for i, one in enumerate(each_training):
        if not isinstance(one, Training):
            raise BadSpec(f"training[{i}]", one, "a Training")
    count = max(len(each_net), len(each_training), len(each_seed), _networks_of(weights))
    if isinstance(weights, Sequence):
        weights = prepare.broadcast("weights", weights, count)
    return _Crew(
        prepare.broadcast("nets", each_net, count),
        prepare.broadcast("training", each_training, count),
        np.array(prepare.broadcast("seeds", each_seed.tolist(), count), dtype=np.uint64),
        weights,
    )


def _networks_of(weights: Any) -> int:
    """How many networks the given weights are for; 1 if that is left open."""
    if isinstance(weights, Weights):
        first = np.asarray(weights.W[0]) if len(weights.W) else np.empty(0)
        return len(first) if first.ndim == 3 else 1
    return len(weights) if isinstance(weights, Sequence) else 1


@dataclass(frozen=True, eq=False)
class _Task:
    """Networks of one shape and one setting, with what they need, checked."""

    rows: NDArray[np.int64]
    net: Net
    training: Training
    data: Data
    seeds: NDArray[np.uint64]
    lr: NDArray[np.float64]
    weights: Weights | None
    orders: NDArray[np.int64] | None

    def parts(self) -> list[slice]:
        """The rows in chunks, so that what is in flight stays small."""
        fit = max(32, CHUNK_BYTES // (8 * self.net.parameters) // 32 * 32)
        size, count = min(CHUNK_NETWORKS, fit), len(self.rows)
        return [slice(at, min(at + size, count)) for at in range(0, count, size)]


def _task(crew: _Crew, rows: NDArray[np.int64], data: Data, orders: ArrayLike | None) -> _Task:
    net, training = crew.nets[rows[0]], crew.trainings[rows[0]]
    points = prepare.check_data(net, training, data)
    given = crew.weights
    if isinstance(given, tuple):
        ones = [prepare.check_weights(net, given[i], 1, training.dtype) for i in rows]
        given = joined(ones)
    elif given is not None:
        every = prepare.check_weights(net, given, len(crew.nets), training.dtype)
        given = every.network(rows)
    order = None
    if orders is not None:
        order = prepare.check_orders(orders, training, len(crew.nets), len(points.x))
        order = order if len(order) == 1 else order[rows]
    lr = np.array([crew.trainings[i].lr for i in rows])
    return _Task(rows, net, training, points, crew.seeds[rows], lr, given, order)


def _run(
    task: _Task,
    part: slice,
    start: Init,
    plan: Schedule,
    threads: int | None,
    lanes: int | None,
) -> Raw:
    """Train one chunk of a task."""
    from actscope.engine.train import run_blocks

    seeds, orders, data = task.seeds[part], task.orders, task.data
    if task.weights is None:
        weights = draw(task.net, start, seeds, data.x)
    else:
        weights = task.weights.network(part)
    if orders is not None and len(orders) > 1:
        orders = orders[part]
    return run_blocks(
        task.net,
        task.training,
        data.x,
        data.y,
        data.x_test,
        data.y_test,
        weights,
        seeds if orders is None else orders,
        task.lr[part],
        plan,
        threads,
        lanes,
    )
