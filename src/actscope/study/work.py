"""The work of a study: a chunk of trials in, their rows out. Runs wherever an executor takes it.

Rows depend on nothing but the trials: not on their neighbours, not on threads, not on the
executor. A trial that fails is a row with its error.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from actscope.engine.spec import Data, Net, Training, Weights
from actscope.maths.formats import round_int8, round_to
from actscope.study.cell import Cell
from actscope.study.fields import ALL
from actscope.study.points import Split, split
from actscope.study.schema import schema
from actscope.study.traces import ACCURACY, Trace

if TYPE_CHECKING:
    import pyarrow as pa

    from actscope.engine.result import Result

Row = dict[str, Any]


@dataclass(frozen=True)
class Chunk:
    """Trials that are trained and stored together: cells, each with some of its seeds."""

    parts: tuple[tuple[Cell, tuple[int, ...]], ...]

    @property
    def trials(self) -> int:
        """How many."""
        return sum(len(seeds) for _, seeds in self.parts)

    def ids(self) -> Iterator[str]:
        """The trials' ids, in the order of the rows."""
        return (cell.trial_id(seed) for cell, seeds in self.parts for seed in seeds)


def run_chunk(chunk: Chunk, threads: int | None = None) -> pa.Table:
    """Train a chunk and give its rows, in its order.

    Args:
        chunk: what to train.
        threads: of the engine; changes no row.

    Returns:
        One row a trial, with the columns of `schema`.
    """
    import pyarrow as pa

    rows: list[Row] = []
    for together in _blocks(chunk):
        trials = [(cell, seed) for cell, seeds in together for seed in seeds]
        rows += _train(trials, threads)
    return pa.Table.from_pylist(rows, schema=schema())


def _blocks(chunk: Chunk) -> Iterator[list[tuple[Cell, tuple[int, ...]]]]:
    """Neighbouring parts that differ in nothing but lr and seed."""
    held: list[tuple[Cell, tuple[int, ...]]] = []
    for part in chunk.parts:
        if held and held[0][0].block != part[0].block:
            yield held
            held = []
        held.append(part)
    if held:
        yield held


def _train(trials: list[tuple[Cell, int]], threads: int | None) -> list[Row]:
    """Rows of trials of one block; where it fails, its trials one by one, to find out which."""
    try:
        return list(_rows(trials, threads))
    except Exception as error:  # whatever a user's data, init or activation may raise
        if len(trials) > 1:
            return [row for trial in trials for row in _train([trial], threads)]
        return [_failure(*trials[0], error)]


def _failure(cell: Cell, seed: int, error: Exception) -> Row:
    text = " ".join(str(error).split())
    return _settings(cell, seed) | {"failed": True, "error": f"{type(error).__name__}: {text}"}


def _settings(cell: Cell, seed: int) -> Row:
    """The columns that say what a trial is."""
    noise = dict(cell.data.settings).get("noise")
    return {
        "id": cell.trial_id(seed), "cell": cell.id, "activation": cell.activation,
        "depth": cell.depth, "width": cell.width, "init": cell.init,
        "optimiser": cell.optimiser, "lr": cell.lr, "epochs": cell.epochs, "batch": cell.batch,
        "weight_decay": cell.weight_decay, "data": cell.data.label,
        "points": None if cell.points == ALL else cell.points,
        "test_share": cell.test_share, "data_seed": cell.data_seed, "norm": cell.norm,
        "residual": cell.residual, "dtype": cell.dtype, "noise": noise, "seed": seed,
    }  # fmt: skip


def _rows(trials: list[tuple[Cell, int]], threads: int | None) -> Iterator[Row]:
    """Train trials of one block together."""
    from actscope.engine.api import train

    first = trials[0][0]
    data = split(first.data, first.points, first.test_share, first.data_seed)
    net, made = first.net(), {cell: cell.training() for cell, _ in trials}
    traced = first.trace.epochs(first.epochs) if first.trace is not None else ()
    every = _every(first)
    result = train(
        net,
        Data(data.x, data.y, data.x_test, data.y_test),
        [made[cell] for cell, _ in trials],
        seeds=[seed for _, seed in trials],
        init=first.init,
        threads=threads,
        loss_every=every,
        snapshots=[e for e in traced if e < first.epochs],
    )
    traces = _traces(first.trace, net, made[first], result, traced, data)
    scores = zip(*(_final(result, name, data) for name in SCORES), strict=True)
    curves = _curves(result, first.curve)
    for i, ((cell, seed), values) in enumerate(zip(trials, scores, strict=True)):
        score = dict(zip(SCORES, values, strict=True))
        right, lost = score["test_accuracy"], int(result.diverged_at[i])
        good = score["test_loss"] < data.linear if right is None else right > data.linear
        yield {
            **_settings(cell, seed),
            **score,
            "points": len(data.y) + len(data.y_test),
            "parameters": net.parameters,
            "diverged_at": lost if lost >= 0 else None,
            "linear_floor": data.linear,
            "failed": lost >= 0 or not good,
            "curve": curves[i],
            "trace": traces[i],
        }


SCORES = ("loss", "train_loss", "train_accuracy", "test_loss", "test_accuracy")


def _final(result: Result, name: str, data: Split) -> list[float | None]:
    """A score of every network at the end; accuracies as the exact share, None for a regression."""
    values = np.asarray(getattr(result, name), dtype=np.float64)[:, -1]
    if not name.endswith("accuracy"):
        return [float(v) for v in values]
    if not data.law.classes:
        return [None] * len(values)
    count = len(data.y if name.startswith("train") else data.y_test)
    return [float(v) for v in np.rint(values * count) / count]


def _every(cell: Cell) -> int:
    """Epochs between two points of the curve."""
    return max(1, -(-cell.epochs // cell.curve)) if cell.curve else 0


def _curves(result: Result, wanted: int) -> list[list[Row]]:
    """Running loss and test accuracy of every network by epoch."""
    if not wanted:
        return [[] for _ in range(len(result))]
    at = np.array(result.epochs_at)
    losses = result.loss[:, at - 1].tolist()
    rights = result.test_accuracy.tolist()
    return [
        [
            {"epoch": int(e), "loss": loss, "accuracy": right}
            for e, loss, right in zip(at, row, right_row, strict=True)
        ]
        for row, right_row in zip(losses, rights, strict=True)
    ]


def _traces(
    wanted: Trace | None,
    net: Net,
    training: Training,
    result: Result,
    epochs: Iterable[int],
    data: Split,
) -> list[list[Row]]:
    """Every network's measurements, layer by layer; what is undefined is left as NaN."""
    found: list[list[Row]] = [[] for _ in range(len(result))]
    if wanted is None:
        return found
    group = result.groups[0]
    for epoch in epochs:
        last = epoch == training.epochs
        weights = group.weights if last else group.snapshots[result.snapshots_at.index(epoch)]
        for name, kind, layer, values in _measured(wanted, net, training, weights, data):
            for rows, value in zip(found, values.tolist(), strict=True):
                rows.append(
                    {"epoch": epoch, "layer": layer, "metric": name, "format": kind, "value": value}
                )
    return found


def _measured(
    wanted: Trace, net: Net, training: Training, weights: Weights, data: Split
) -> Iterator[tuple[str, str, int, NDArray[np.float64]]]:
    """(metric, format, layer, one value a network)."""
    from actscope.engine.trace import trace

    names = [m for m in wanted.metrics if m != ACCURACY]
    walks = [(kind,) for kind in wanted.formats] if wanted.weights else [wanted.formats]
    for formats in walks if names else []:
        seen = trace(
            rounded_weights(weights, formats[0]) if wanted.weights else weights,
            _looked_at(wanted, data),
            names,
            net=net,
            formats=formats,
            hand_on=wanted.hand_on,
            loss=training.loss,
        )
        for (name, kind), values in seen.values.items():
            for layer in range(values.shape[1]):
                yield name, kind, layer, values[:, layer]
    if ACCURACY in wanted.metrics:
        for kind in wanted.formats:
            yield ACCURACY, kind, net.depth + 1, accuracy_in(kind, net, weights, data)


def _looked_at(wanted: Trace, data: Split) -> Any:
    """The first training points, with what metrics need of them."""
    from actscope.engine.points import Points, ladder_of

    x, y = data.x[: wanted.points], data.y[: wanted.points]
    if data.law.boundary is None:
        return Points(x, y, None, data.law.classes)
    return Points(x, y, data.law.boundary(x), data.law.classes, ladder_of(data.law, x))


def rounded(a: NDArray[Any], kind: str) -> NDArray[np.float64]:
    """(networks, …) in a number format; int8 has one scale for each network's array."""
    wide = np.asarray(a, dtype=np.float64)
    if kind != "int8":
        return np.asarray(round_to(wide, kind), dtype=np.float64)
    return np.asarray(round_int8(wide, axes=tuple(range(1, wide.ndim))), dtype=np.float64)


def rounded_weights(weights: Weights, kind: str) -> Weights:
    """Every array of every network in a number format."""
    kept = (weights.W, weights.b, weights.gamma, weights.beta)
    return Weights(*(tuple(rounded(a, kind) for a in part) for part in kept))


def accuracy_in(kind: str, net: Net, weights: Weights, data: Split) -> NDArray[np.float64]:
    """Accuracy on the test set of networks that run in a number format.

    Weights, and every layer's output before the next layer sees it, are rounded; sums inside a
    layer are exact, as in an accumulator that is wide enough.

    Args:
        kind: the format; "int8" has one scale for each array of a network.
        net: the shape.
        weights: leading axis networks.
        data: whose test set is used.

    Returns:
        (networks,); an output that is no number is wrong.
    """
    from actscope.engine import walk

    low, rounding = rounded_weights(weights, kind), functools.partial(rounded, kind=kind)
    steps = walk.forward(net, low, rounding(data.x_test[None])[0], rounding)
    out = walk.logits(low, steps[-1].h)
    if net.outputs == 1:
        right = np.where(out[..., 0] >= 0.0, 1, 0) == data.y_test
    else:
        right = np.where(np.isnan(out).any(axis=-1), -1, out.argmax(axis=-1)) == data.y_test
    right &= ~np.isnan(out).any(axis=-1)
    return np.asarray(right.mean(axis=-1))
