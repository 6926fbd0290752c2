"""The networks of one call of `train`, sorted into tasks: one shape, one setting, checked."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from actscope.engine import prepare
from actscope.engine.gather import joined
from actscope.engine.spec import Data, Net, Raw, Schedule, Training, Weights
from actscope.engine.starts import draw
from actscope.errors import BadSpec
from actscope.inits._base import Init

T = TypeVar("T")

CHUNK_BYTES = 1 << 26  # of weights; bounds what is in flight beside the result itself


@dataclass(frozen=True, eq=False)
class Crew:
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


def crew_of(nets: Any, training: Any, seeds: Any, weights: Any) -> Crew:
    """Broadcast what goes side by side."""
    each_net = _each("nets", nets, Net)
    each_training = _each("training", training, Training)
    each_seed = prepare.check_seeds(seeds)
    if weights is not None and not isinstance(weights, Weights):
        weights = _each("weights", weights, Weights)
    count = max(len(each_net), len(each_training), len(each_seed), _networks_of(weights))
    if isinstance(weights, tuple):
        weights = prepare.broadcast("weights", weights, count)
    return Crew(
        prepare.broadcast("nets", each_net, count),
        prepare.broadcast("training", each_training, count),
        np.array(prepare.broadcast("seeds", each_seed.tolist(), count), dtype=np.uint64),
        weights,
    )


def _each(field: str, given: Any, kind: type[T]) -> tuple[T, ...]:
    """One `kind`, or a sequence of them, as a tuple."""
    if isinstance(given, kind):
        return (given,)
    if not isinstance(given, Iterable) or isinstance(given, str):
        raise BadSpec(field, given, f"a {kind.__name__}, or a sequence of them")
    each = tuple(given)
    for i, one in enumerate(each):
        if not isinstance(one, kind):
            raise BadSpec(f"{field}[{i}]", one, f"a {kind.__name__}")
    return each


def _networks_of(weights: Any) -> int:
    """How many networks the given weights are for; 1 if that is left open."""
    if isinstance(weights, Weights):
        first = np.asarray(weights.W[0]) if len(weights.W) else np.empty(0)
        return len(first) if first.ndim == 3 else 1
    return 1 if weights is None else len(weights)


@dataclass(frozen=True, eq=False)
class Task:
    """Networks of one shape and one setting, with what they need, checked."""

    rows: NDArray[np.int64]
    net: Net
    training: Training
    data: Data
    seeds: NDArray[np.uint64]
    lr: NDArray[np.float64]
    weights: Weights | None
    orders: NDArray[np.int64] | None

    def parts(self, most: int) -> list[slice]:
        """The rows in chunks of at most `most`, fewer where their weights take much memory."""
        fit = max(32, CHUNK_BYTES // (8 * self.net.parameters) // 32 * 32)
        size, count = min(most, fit), len(self.rows)
        return [slice(at, min(at + size, count)) for at in range(0, count, size)]


def task_of(crew: Crew, rows: NDArray[np.int64], data: Data, orders: ArrayLike | None) -> Task:
    """The networks `rows` of a crew, which are alike, with all that they are given, checked."""
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
    return Task(rows, net, training, points, crew.seeds[rows], lr, given, order)


def run(
    task: Task, part: slice, init: Init, plan: Schedule, threads: int, lanes: int | None
) -> Raw:
    """Train one chunk of a task."""
    from actscope.engine.train import run_blocks

    seeds, orders, data = task.seeds[part], task.orders, task.data
    if task.weights is None:
        weights = draw(task.net, init, seeds, data.x)
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
