"""How far a study is: counted while its rows come in."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from actscope.study.cell import Cell
from actscope.study.plan import Plan

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Progress:
    """A moment of a run.

    Attributes:
        cells_done, cells: cells of which every trial is stored, and all cells.
        trials_done, trials: trials that are stored, and all trials.
        errors: stored trials that are errors.
        new: trials that this run has stored.
        seconds: since the run began.
        best: the cell with the best mean so far, in words; "" before there is one.
        best_score: its mean test accuracy, or for regressions its mean test loss.
    """

    cells_done: int
    cells: int
    trials_done: int
    trials: int
    errors: int
    new: int
    seconds: float
    best: str
    best_score: float

    @property
    def rate(self) -> float:
        """Trials a second in this run."""
        return self.new / self.seconds if self.seconds > 0 else 0.0

    @property
    def left(self) -> float:
        """Seconds that the rest takes at this rate; NaN while there is none."""
        rest = self.trials - self.trials_done
        return rest / self.rate if self.rate else (0.0 if not rest else float("nan"))


class Tally:
    """Which trials are stored, and how the cells do; memory is one byte a trial.

    Args:
        plan: whose trials are counted.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan, self.began, self.new, self.errors = plan, time.perf_counter(), 0, 0
        self.number = {cell.id: i for i, cell in enumerate(plan.cells)}
        seeds = plan.seeds
        self.place = seeds if isinstance(seeds, range) else {s: i for i, s in enumerate(seeds)}
        self.stored = np.zeros((len(plan.cells), len(seeds)), dtype=bool)
        self.sums = np.zeros((len(plan.cells), 2))  # of scores, and how many

    def count(self, rows: pa.Table, new: bool) -> int:
        """Take note of rows; how many of them are not of the plan."""
        strangers = 0
        columns = ("cell", "seed", "test_accuracy", "test_loss", "error")
        for cell, seed, right, loss, error in zip(
            *(rows.column(c).to_pylist() for c in columns), strict=True
        ):
            at = self.number.get(cell)
            if at is None or seed not in self.place:
                strangers += 1
                continue
            place = self.place.index(seed) if isinstance(self.place, range) else self.place[seed]
            self.stored[at, place] = True
            self.errors += error is not None
            self.new += new
            score = -loss if right is None and loss is not None else right
            if score is not None and np.isfinite(score):
                self.sums[at] += (score, 1.0)
        return strangers

    def missing(self, at: int) -> tuple[int, ...]:
        """The seeds of cell number `at` that are not stored."""
        return tuple(self.plan.seeds[i] for i in np.flatnonzero(~self.stored[at]))

    def now(self) -> Progress:
        """The moment."""
        best, score = "", float("nan")
        if self.sums[:, 1].any():
            with np.errstate(invalid="ignore", divide="ignore"):
                means = np.where(self.sums[:, 1] > 0, self.sums[:, 0] / self.sums[:, 1], -np.inf)
            at = int(means.argmax())
            best, score = in_words(self.plan.cells[at], self.plan), abs(float(means[at]))
        return Progress(
            cells_done=int(self.stored.all(axis=1).sum()),
            cells=len(self.plan.cells),
            trials_done=int(self.stored.sum()),
            trials=self.plan.trials,
            errors=self.errors,
            new=self.new,
            seconds=time.perf_counter() - self.began,
            best=best,
            best_score=score,
        )


def in_words(cell: Cell, plan: Plan) -> str:
    """What tells a cell from the others of its plan: "relu, depth 2, lr 0.5"."""
    words = [cell.activation]
    for name in ("depth", "width", "init", "optimiser", "lr", "epochs", "batch", "weight_decay"):
        if name in plan.varying:
            value = getattr(cell, name)
            words.append(value if isinstance(value, str) else f"{name} {value:g}")
    if "data" in plan.varying:
        words.append(cell.data.label)
    words += [name for name in ("norm", "residual") if name in plan.varying and getattr(cell, name)]
    words += [f"{name} {getattr(cell, name)}" for name in ("points", "data_seed", "dtype")
              if name in plan.varying]  # fmt: skip
    return ", ".join(words)
