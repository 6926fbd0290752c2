"""The work of a search: one candidate at several learning rates and seeds. Runs on any executor."""

from __future__ import annotations

import functools
import itertools
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from actscope.engine.spec import Data, Net, Weights
from actscope.errors import ActscopeError
from actscope.maths.formats import round_mantissa
from actscope.study.cell import Cell
from actscope.study.points import floor, split

if TYPE_CHECKING:
    from actscope.engine.result import Result

Floats = NDArray[np.float64]

KEPT, MOST = 0.95, 23  # the share of the score that a mantissa has to keep; float32 stores 23
_ONE_AT_A_TIME = threading.Lock()  # threads that want the same points make them once


@dataclass(frozen=True)
class Job:
    """One candidate to be trained; plain values, so that it can be sent.

    Attributes:
        cell: the candidate, with the epochs of its rung; its own lr is not looked at.
        lrs: learning rates.
        seeds: of weights and orders; every learning rate has the same.
        share: of the training points that is held back for validation.
        bits: whether bits needed are measured.
    """

    cell: Cell
    lrs: tuple[float, ...]
    seeds: tuple[int, ...]
    share: float
    bits: bool = False


@dataclass(frozen=True)
class Outcome:
    """How a candidate fared.

    Attributes:
        scores: (lrs, seeds) on the validation data: accuracy; for a regression 1 − mse/variance,
            at least −1.
        failed: (lrs, seeds), whether a network diverged or did no better than a straight line.
        bits: of the best learning rate, median over the seeds; None if not asked for.
        error: why it could not be trained, or None; scores are then empty.
    """

    scores: tuple[tuple[float, ...], ...]
    failed: tuple[tuple[bool, ...], ...]
    bits: float | None = None
    error: str | None = None

    @property
    def means(self) -> tuple[float, ...]:
        """The mean score of each learning rate."""
        return tuple(sum(row) / len(row) for row in self.scores)

    @property
    def best(self) -> int:
        """Which learning rate did best; the smallest one of equals."""
        return max(range(len(self.scores)), key=lambda i: (self.means[i], -i))


@dataclass(frozen=True, eq=False)
class Held:
    """Training points, a share of them held back for validation; the test set plays no part."""

    fit: Data
    linear: float
    classes: int


@functools.lru_cache(maxsize=8)
def _held(cell_data: Any, points: int, test_share: float, seed: int, share: float) -> Held:
    data = split(cell_data, points, test_share, seed)
    count = min(max(1, round(share * len(data.y))), len(data.y) - 2)
    x, y, x_held, y_held = data.x[count:], data.y[count:], data.x[:count], data.y[:count]
    linear = floor(x, y, x_held, y_held, data.law.classes)
    return Held(Data(x, y, x_held, y_held), linear, data.law.classes)


def held(cell: Cell, share: float) -> Held:
    """The points that a candidate is fitted on and validated on."""
    with _ONE_AT_A_TIME:
        return _held(cell.data, cell.points, cell.test_share, cell.data_seed, share)


def evaluate(job: Job, threads: int | None = None) -> Outcome:
    """Train a candidate.

    Args:
        job: what.
        threads: of the engine; changes no number.
    """
    try:
        return _evaluate(job, threads)
    except (ActscopeError, ArithmeticError) as error:  # an init that does not apply, above all
        return Outcome((), (), None, " ".join(f"{type(error).__name__}: {error}".split()))


def _evaluate(job: Job, threads: int | None) -> Outcome:
    import dataclasses

    from actscope.engine.api import train

    points, training, net = held(job.cell, job.share), job.cell.training(), job.cell.net()
    trainings = {lr: dataclasses.replace(training, lr=lr) for lr in job.lrs}
    pairs = list(itertools.product(job.lrs, job.seeds))
    result = train(
        net,
        points.fit,
        [trainings[lr] for lr, _ in pairs],
        seeds=[seed for _, seed in pairs],
        init=job.cell.init,
        threads=threads,
    )
    shape = len(job.lrs), len(job.seeds)
    scores, failed = _scores(result, points)
    found = Outcome(_rows(scores.reshape(shape)), _rows(failed.reshape(shape)))
    if not job.bits:
        return found
    rows = found.best * shape[1] + np.arange(shape[1])
    needed = bits_needed(net, result.groups[0].weights.network(rows), points)
    held_bits = needed[~np.isnan(needed)]
    bits = float(np.median(held_bits)) if held_bits.size else float(MOST)
    return Outcome(found.scores, found.failed, bits)


def _rows(values: NDArray[Any]) -> Any:
    return tuple(tuple(row) for row in values.tolist())


def _scores(result: Result, points: Held) -> tuple[Floats, NDArray[np.bool_]]:
    """Each network's score, and whether it failed."""
    lost = result.diverged_at >= 0
    if points.classes:
        assert points.fit.y_test is not None
        count = len(points.fit.y_test)
        share = np.rint(np.asarray(result.test_accuracy[:, -1], dtype=np.float64) * count) / count
        return share, np.asarray(lost | ~(share > points.linear))
    loss = np.asarray(result.test_loss[:, -1], dtype=np.float64)
    return explained(loss, points), np.asarray(lost | ~(loss < points.linear))


def explained(loss: Floats, points: Held) -> Floats:
    """1 − mse/variance of the validation targets, at least −1; −1 for what is no number."""
    assert points.fit.y_test is not None
    with np.errstate(over="ignore", invalid="ignore"):
        share = 1.0 - loss / np.var(points.fit.y_test)
    return np.asarray(np.maximum(np.nan_to_num(share, nan=-1.0, neginf=-1.0), -1.0))


def bits_needed(net: Net, weights: Weights, points: Held) -> Floats:
    """The shortest mantissa with which a trained network keeps 95 % of what it learnt.

    Weights and every layer's output before the next layer sees it are rounded to so many stored
    mantissa bits, as study's traces round them to a format; what was learnt is the validation
    score above that of guessing. Found by bisection between 0 and 23.

    Returns:
        (networks,); NaN for a network that has learnt nothing.
    """
    whole = _rounded_score(net, weights, points, None)
    nothing = 1.0 / points.classes if points.classes else 0.0
    low, high = np.full(whole.shape, -1), np.full(whole.shape, MOST)  # fails, holds
    while (high - low > 1).any():
        middle = (low + high) // 2
        score = np.empty_like(whole)
        for bits in np.unique(middle):
            rows = np.flatnonzero(middle == bits)
            score[rows] = (
                _rounded_score(net, weights.network(rows), points, int(bits))
                if bits >= 0
                else -np.inf
            )
        holds = score - nothing >= KEPT * (whole - nothing)
        low, high = np.where(holds, low, middle), np.where(holds, middle, high)
    return np.where(whole > nothing, high.astype(np.float64), np.nan)


def _rounded_score(net: Net, weights: Weights, points: Held, bits: int | None) -> Floats:
    """The validation score of networks that run with so many mantissa bits; None is float64."""
    from actscope.engine import walk

    def rounded(a: NDArray[Any]) -> Floats:
        wide = np.asarray(a, dtype=np.float64)
        return wide if bits is None else np.asarray(round_mantissa(wide, bits), dtype=np.float64)

    x, y = points.fit.x_test, points.fit.y_test
    assert x is not None
    assert y is not None
    kept: Iterable[tuple[Any, ...]] = (weights.W, weights.b, weights.gamma, weights.beta)
    low = Weights(*(tuple(rounded(a) for a in part) for part in kept))
    steps = walk.forward(net, low, rounded(x), rounded, slopes=False)
    out = walk.logits(low, steps[-1].h)
    if not points.classes:
        with np.errstate(over="ignore", invalid="ignore"):
            return explained(((out[..., 0] - y) ** 2).mean(axis=-1), points)
    said = np.where(out[..., 0] >= 0.0, 1, 0) if net.outputs == 1 else out.argmax(axis=-1)
    right = (said == y) & ~np.isnan(out).any(axis=-1)
    return np.asarray(right.mean(axis=-1), dtype=np.float64)
