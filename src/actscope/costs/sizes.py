"""The smallest network of each activation that reaches the target, and what was seen on the way."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actscope.costs.setup import ARTICLE, FIRST_TRY, TUNED, Setup, points_of
from actscope.costs.smallest import Found, smallest
from actscope.errors import InputError
from actscope.maths.statistics import Interval, wilson
from actscope.study.cell import Cell

Floats = NDArray[np.float64]
# test accuracies of cells that differ in lr and init, (cells, seeds); a row of NaN: cannot be
Trials = Callable[[Sequence[Cell], range], Floats]
MEMORY = "accuracies.json"


@dataclass(frozen=True, eq=False)
class Size:
    """One size of one activation, judged.

    Attributes:
        cell: the network and its training, with the learning rate and init that served it best.
        accuracies: of the judging seeds, (seeds,); 0 for a network that diverged.
        level: the accuracy that the asked share of the seeds reaches.
        rate: share of the seeds that reach the target, with its Wilson interval.
        left_out: inits that do not apply to the activation.
    """

    cell: Cell
    accuracies: Floats
    level: float
    rate: Interval
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Row:
    """One activation with one kind of settings at one depth.

    Attributes:
        activation: its key.
        settings: "tuned" or "article settings".
        depth: hidden layers.
        found: the search.
        sizes: what each width did, by width.
    """

    activation: str
    settings: str
    depth: int
    found: Found
    sizes: dict[int, Size]

    @property
    def size(self) -> Size | None:
        """The smallest size that reaches the target, or None."""
        return None if self.found.width is None else self.sizes[self.found.width]

    @property
    def best(self) -> Size:
        """The size whose share of the seeds reaches most."""
        return max(self.sizes.values(), key=lambda size: size.level)


def level_of(accuracies: Floats, share: float) -> float:
    """The accuracy that at least this share of the seeds reaches.

    Example:
        >>> level_of(np.array([0.9, 1.0, 0.8, 0.7, 0.95]), 0.8)
        0.8
    """
    falling = np.sort(accuracies)[::-1]
    return float(falling[math.ceil(share * len(falling) - 1e-9) - 1])


def judge(cells: Sequence[Cell], trials: Trials, setup: Setup) -> Size:
    """Choose the best of the grid on seeds of its own, and judge it on others.

    Raises:
        InputError: no init of the grid applies to the activation.
    """
    kept, best = list(cells), 0
    left_out: tuple[str, ...] = ()
    if len(cells) > 1:
        tried = trials(cells, range(FIRST_TRY, FIRST_TRY + setup.tries))
        fits = [not np.isnan(row).any() for row in tried]
        left_out = tuple(sorted({c.init for c, ok in zip(cells, fits, strict=True) if not ok}))
        kept = [c for c, ok in zip(cells, fits, strict=True) if ok]
        scores = [_score(row, setup) for row, ok in zip(tried, fits, strict=True) if ok]
        best = max(range(len(scores)), key=scores.__getitem__) if scores else 0
    rows = trials(kept[best : best + 1], range(setup.seeds)) if kept else np.empty((0, 0))
    if not rows.size or np.isnan(rows).any():
        inits = ", ".join(dict.fromkeys(c.init for c in cells))
        raise InputError(
            f"none of the inits {inits} applies to {cells[0].activation}: add one to --init that "
            "does, such as lecun"
        )
    reached = int((rows[0] >= setup.target).sum())
    rate = wilson(reached, setup.seeds)
    return Size(kept[best], rows[0], level_of(rows[0], setup.share), rate, left_out)


def _score(accuracies: Floats, setup: Setup) -> tuple[float, float, float]:
    """What makes one member of the grid better: seeds that reach it, then how far all get."""
    rate = float((accuracies >= setup.target).mean())
    return rate, level_of(accuracies, setup.share), float(accuracies.mean())


def search(
    activations: Sequence[Any],
    setup: Setup,
    trials: Trials,
    progress: Callable[[str], object] | None = None,
) -> list[Row]:
    """For each activation, kind of settings and depth the smallest width.

    Args:
        activations: what a Study takes as an activation, one each.
        setup: the rest.
        trials: trains.
        progress: called with a line of words before each size.
    """
    rows = []
    for activation, settings, depth in itertools.product(
        activations, (TUNED, ARTICLE), setup.depths
    ):
        sizes: dict[int, Size] = {}

        def reaches(
            width: int, key: Any = (activation, settings, depth), sizes: dict[int, Size] = sizes
        ) -> bool:
            cells = setup.cells(key[0], key[1], key[2], width)
            if progress is not None:
                progress(f"{cells[0].activation}, {key[1]}: {key[2]} × {width}")
            sizes[width] = judge(cells, trials, setup)
            return sizes[width].level >= setup.target

        found = smallest(reaches, setup.most)
        name = next(iter(sizes.values())).cell.activation
        rows.append(Row(name, settings, depth, found, sizes))
    return rows


class Trainer:
    """Trains cells on the engine; keeps every accuracy, in a file too if asked.

    Args:
        folder: where the accuracies are kept, or None. A search that was stopped goes on there.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.path = None if folder is None else folder / MEMORY
        self.known: dict[str, dict[str, float | None]] = {}
        if self.path is not None and self.path.is_file():
            self.known = _read(self.path)

    def __call__(self, cells: Sequence[Cell], seeds: range) -> Floats:
        """Test accuracies, (cells, seeds): 0 where a network diverged, NaN where an init fails."""
        missing = [c for c in cells if not all(str(s) in self._of(c) for s in seeds)]
        for init in dict.fromkeys(c.init for c in missing):
            same = [c for c in missing if c.init == init]
            for cell, row in zip(same, _trained(same, seeds), strict=True):
                self._of(cell).update(zip(map(str, seeds), row, strict=True))
        if missing and self.path is not None:
            self._write(self.path)
        table = [[self._of(c)[str(s)] for s in seeds] for c in cells]
        return np.array(table, dtype=np.float64)  # None becomes NaN

    def _of(self, cell: Cell) -> dict[str, float | None]:
        return self.known.setdefault(cell.id, {})

    def _write(self, path: Path) -> None:
        from actscope.study.store import write_whole

        write_whole(path, json.dumps(self.known).encode())


def _read(path: Path) -> dict[str, dict[str, float | None]]:
    try:
        held = json.loads(path.read_text("utf8"))
    except (OSError, ValueError):
        held = None
    if not isinstance(held, dict) or not all(isinstance(v, dict) for v in held.values()):
        raise InputError(
            f"{path} does not hold the accuracies of an earlier search: delete it, or name "
            "another folder"
        )
    return held


def _trained(cells: Sequence[Cell], seeds: range) -> list[list[float | None]]:
    """Accuracies of cells that differ in lr alone; None where their init does not apply."""
    from actscope.engine.api import train

    data, count = points_of(cells[0]), len(seeds)
    trainings = [c.training() for c in cells]
    try:
        result = train(
            cells[0].net(),
            (data.x, data.y, data.x_test, data.y_test),
            [t for t in trainings for _ in seeds],
            seeds=list(seeds) * len(cells),
            init=cells[0].init,
        )
    except InputError:  # the points were looked at before; what is left is the init
        return [[None] * count for _ in cells]
    tests = len(data.y_test)
    right = np.rint(result.test_accuracy[:, -1].astype(np.float64) * tests) / tests
    right = np.where(result.diverged_at >= 0, 0.0, np.nan_to_num(right))
    return [list(row) for row in right.reshape(len(cells), count).tolist()]
