"""How typical the published seed is: the same experiment from many other seeds.

The engine trains one network for each seed on the same data with the same settings. Its draws are
its own, so its seed 42 is not the published one; the published run is set beside all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from actscope.article.network import LOSS_EPSILON
from actscope.article.result import ArticleResult, Outcome
from actscope.errors import BadParameter

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.floating[Any]]
FEWEST, MOST = 20, 100_000


@dataclass(frozen=True, eq=False)
class SeedStudy:
    """One activation's run beside the same from many seeds.

    Attributes:
        outcome: the run whose place is asked for.
        losses: (seeds,) last running loss; NaN where training diverged.
        accuracies: (seeds,) test accuracy; 0 where training diverged.
    """

    outcome: Outcome
    losses: Floats
    accuracies: Floats

    @property
    def count(self) -> int:
        """How many seeds."""
        return len(self.losses)

    @property
    def diverged(self) -> int:
        """How many of them diverged."""
        return int(np.isnan(self.losses).sum())

    @property
    def loss_percentile(self) -> float:
        """The share of seeds that end with a lower loss than the run, ties counted half, in %."""
        return percentile(float(self.outcome.losses[-1]), self.losses)

    @property
    def accuracy_percentile(self) -> float:
        """The share of seeds with a lower test accuracy than the run, ties counted half, in %."""
        return percentile(self.outcome.test_accuracy, self.accuracies)

    def row(self) -> dict[str, float | int | str]:
        """The study in numbers: the run, its place, and the seeds with 95 % intervals.

        The interval of the median loss and of the mean accuracy is a bootstrap over seeds, that
        of the share of seeds at least as accurate as the run is Wilson's.
        """
        from actscope.maths.statistics import bootstrap, wilson

        good = self.losses[np.isfinite(self.losses)]
        whole = len(good) >= 2
        loss = bootstrap(good, np.median, rng=0, resamples=2000) if whole else None
        accuracy = bootstrap(self.accuracies, np.mean, rng=0, resamples=2000)
        right = self.accuracies >= self.outcome.test_accuracy - 1e-9
        share = wilson(int(right.sum()), self.count)
        return {
            "activation": self.outcome.label,
            "seeds": self.count,
            "diverged": self.diverged,
            "loss, this run": float(self.outcome.losses[-1]),
            "loss percentile": self.loss_percentile,
            "median loss": loss.value if loss else np.nan,
            "median loss, low": loss.low if loss else np.nan,
            "median loss, high": loss.high if loss else np.nan,
            "accuracy, this run": self.outcome.test_accuracy,
            "accuracy percentile": self.accuracy_percentile,
            "mean accuracy": accuracy.value,
            "mean accuracy, low": accuracy.low,
            "mean accuracy, high": accuracy.high,
            "share at least as accurate": share.value,
            "share, low": share.low,
            "share, high": share.high,
        }


def percentile(value: float, among: Floats) -> float:
    """Where a value stands among others: the share below it, ties counted half, in percent.

    Values that are no numbers do not count.

    Example:
        >>> percentile(2.0, np.array([1.0, 2.0, 3.0, 4.0]))
        37.5
    """
    known = among[~np.isnan(among)]
    if not len(known) or np.isnan(value):
        return float("nan")
    close = np.isclose(known, value, rtol=1e-9, atol=1e-12)
    return float(100 * (((known < value) & ~close).mean() + close.mean() / 2))


def seed_studies(
    result: ArticleResult,
    seeds: int = 1000,
    progress: Callable[[int], object] | None = None,
) -> tuple[SeedStudy, ...]:
    """Train every activation of a run again from many seeds.

    Args:
        result: the run; its data and settings are used.
        seeds: how many, 20 to 100,000: the engine's seeds 0, 1, 2, …
        progress: called with the number of networks done since the last call.

    Returns:
        One study for each activation, in the run's order.

    Raises:
        BadParameter: too few seeds for an interval, or too many.
    """
    check_seeds(seeds)
    return tuple(_study(result, outcome, seeds, progress) for outcome in result.outcomes)


def check_seeds(seeds: int) -> None:
    """Raise BadParameter unless so many seeds can be studied."""
    if not FEWEST <= seeds <= MOST:
        raise BadParameter(f"seeds = {seeds}: expected {FEWEST} to {MOST}, such as 1000")


def _study(
    result: ArticleResult,
    outcome: Outcome,
    seeds: int,
    progress: Callable[[int], object] | None,
) -> SeedStudy:
    from actscope.engine.api import train
    from actscope.engine.spec import Net, Training

    setup, last = result.setup, 0

    def step(done: int, _all: int) -> None:
        nonlocal last
        if progress is not None:
            progress(done - last)
        last = done

    trained = train(
        Net(2, hidden=setup.hidden, outputs=1, activations=outcome.network.activation),
        result.data,
        Training(lr=setup.lr, epochs=setup.epochs, batch=setup.batch, loss_epsilon=LOSS_EPSILON),
        seeds=range(seeds),
        init="article",
        progress=step,
    )
    diverged = trained.diverged_at >= 0
    tests = len(result.data.y_test)
    right = np.rint(np.where(diverged, 0.0, trained.test_accuracy[:, -1]) * tests)
    losses = np.where(diverged, np.nan, trained.loss[:, -1]).astype(float)
    return SeedStudy(outcome, losses, right / tests)


def seed_table(studies: Sequence[SeedStudy]) -> pd.DataFrame:
    """One row an activation: this run, its percentile, and the seeds with 95 % intervals."""
    import pandas as pd

    return pd.DataFrame([study.row() for study in studies]).set_index("activation")
