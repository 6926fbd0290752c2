"""Grids that several claims train, and the choice of each activation's own best settings.

A tuned comparison chooses settings on some draws of the data and reports on others, so that the
choice cannot flatter what is reported; its interval is over the draws, each the mean of its seeds.
300 points train and 3,700 test: as many to train as the article has, and a test set that is large
enough to be no source of chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

    from actscope.study.plan import Study

Floats = NDArray[np.float64]
CHOOSING, REPORTING = tuple(range(4)), tuple(range(4, 12))  # data seeds
RATES = (0.05, 0.15, 0.5, 1.5, 5.0, 15.0)
ADAM_RATES = (0.001, 0.003, 0.01, 0.03, 0.1)
CENTRED_SIGMOID = "4*sigmoid(x) - 2"  # twice tanh(x/2): slope 1 at 0, mean 0
WORST = 10.0  # of a training loss: that of a diverged network


def grid(**fields: Any) -> Study:
    """A grid on all draws of the two moons: 300 training and 3,700 test points.

    Args:
        fields: of `Study`, over the defaults.
    """
    from actscope.study.plan import Study

    known: dict[str, Any] = {
        "name": "claims",
        "points": 4000,
        "test_share": 0.925,
        "data_seed": [*CHOOSING, *REPORTING],
        "seeds": 8,
        "curve": 0,
    }
    return Study(**{**known, **fields})


def rescue() -> Study:
    """The article's network with other rates and inits."""
    return grid(
        activation=["sigmoid", "relu", "tanh", CENTRED_SIGMOID],
        lr=list(RATES),
        init=["article", "critical"],
    )


def rescue_adam() -> Study:
    """The same with Adam."""
    return grid(
        activation=["sigmoid", "relu"],
        optimiser="adam",
        lr=list(ADAM_RATES),
        init=["article", "critical"],
    )


@dataclass(frozen=True, eq=False)
class Cell:
    """One cell of a grid on the reporting draws.

    Attributes:
        settings: in words.
        accuracy: (draws,), the mean of the seeds; a diverged network counts 0.
        loss: (draws,), the mean of the seeds' training losses, each at most 10.
        failed: (draws × seeds,), diverged or no better than a straight line.
        floor: (draws,), a straight line's accuracy.
    """

    settings: str
    accuracy: Floats
    loss: Floats
    failed: NDArray[np.bool_]
    floor: Floats

    @property
    def lead(self) -> Floats:
        """Accuracy over a straight line's, (draws,)."""
        return self.accuracy - self.floor


def cell(frame: pd.DataFrame, **settings: Any) -> Cell:
    """The cell with these settings.

    Args:
        frame: trials of a grid.
        settings: columns and their values; what varies besides must be the draw and the seed.
    """
    rows = _of(frame, settings, REPORTING)
    assert len(rows) and not rows.duplicated(["data_seed", "seed"]).any(), settings
    draws = _graded(rows).groupby(rows.data_seed)
    words = ", ".join(f"{k} {v:g}" if isinstance(v, float) else str(v) for k, v in settings.items())
    return Cell(
        words,
        draws.right.mean().to_numpy(),
        draws.lost.mean().to_numpy(),
        rows.failed.to_numpy(dtype=bool),
        rows.groupby("data_seed").linear_floor.first().to_numpy(dtype=float),
    )


def best(frame: pd.DataFrame, over: Sequence[str] = ("lr", "init"), **settings: Any) -> Cell:
    """The cell whose mean accuracy is best on the choosing draws, as the reporting ones see it.

    Args:
        frame: trials of a grid, or of several put together.
        over: the settings that are chosen.
        settings: those that are fixed.
    """
    rows = _of(frame, settings, CHOOSING)
    means = _graded(rows).right.groupby([rows[name] for name in over]).mean()
    top = means.idxmax()
    chosen = dict(zip(over, top if isinstance(top, tuple) else (top,), strict=True))
    return cell(frame, **settings, **chosen)


def _of(frame: pd.DataFrame, settings: dict[str, Any], draws: Sequence[int]) -> pd.DataFrame:
    """The rows of these settings and draws, by draw and seed."""
    wanted = frame.data_seed.isin(draws)
    for name, value in settings.items():
        wanted &= frame[name] == value
    rows: pd.DataFrame = frame[wanted].sort_values(["data_seed", "seed"])
    return rows


def _graded(rows: pd.DataFrame) -> pd.DataFrame:
    """Accuracy and training loss, a diverged network counted as one that knows nothing."""
    fine = rows.diverged_at.isna()
    right = rows.test_accuracy.astype(float).where(fine, 0.0).fillna(0.0)
    lost = rows.train_loss.astype(float).where(fine, WORST).fillna(WORST).clip(upper=WORST)
    return rows.assign(right=right, lost=lost)[["right", "lost"]]
