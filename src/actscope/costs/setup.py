"""What `cost` searches over and holds fixed, each setting checked where it comes in."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from actscope.datasets._base import Dataset
from actscope.datasets._lookup import dataset
from actscope.engine.checks import choice, flag, number, whole
from actscope.engine.spec import MAX_DEPTH, MAX_WIDTH, OPTIMISERS
from actscope.errors import BadSpec, InputError
from actscope.study.cell import Cell
from actscope.study.plan import Study
from actscope.study.points import Split, split

LEAST_SEEDS = 48
TRAINING, TEST = 300, 1000  # points of a data set that draws as many as one likes
LR = (0.015, 0.05, 0.15, 0.5, 1.5, 5.0)
INITS = ("article", "gain", "critical")
TUNED, ARTICLE = "tuned", "article settings"
ARTICLE_LR, ARTICLE_INIT = 0.05, "article"
FIRST_TRY = 1_000_000  # the seeds that choose lr and init are none of those that judge


@dataclass(frozen=True)
class Setup:
    """The settings of a search for equal accuracy.

    Attributes:
        data: the name of a data set, or a mapping of its name and settings.
        target: test accuracy to reach, in (0, 1].
        share: of the seeds that have to reach it, in (0, 1].
        seeds: networks that judge a size, at least 48.
        tries: networks that choose among learning rates and inits, other seeds than those.
        lr, init: the grid; each activation takes the pair that serves it best at each width.
        depths: numbers of hidden layers.
        most: the largest width.
        optimiser, epochs, batch: of the training, the same for all.
        norm, residual: of the networks.
        points: training points; None for 300, or all of a set of fixed size.
        tests: test points; None for 1,000, or a quarter of a set of fixed size.

    Raises:
        BadSpec: a setting that cannot be; the message names it.

    Example:
        >>> Setup(target=1.2)
        Traceback (most recent call last):
        ...
        actscope.errors.BadSpec: target = 1.2: expected a test accuracy above 0, at most 1
    """

    data: Any = "moons"
    target: float = 0.96
    share: float = 0.8
    seeds: int = LEAST_SEEDS
    tries: int = 16
    lr: tuple[float, ...] = LR
    init: tuple[str, ...] = INITS
    depths: tuple[int, ...] = (2,)
    most: int = 64
    optimiser: str = "sgd"
    epochs: int = 800
    batch: int = 64
    norm: bool = False
    residual: bool = False
    points: int | None = None
    tests: int | None = None

    def __post_init__(self) -> None:
        for name, words in (("target", "a test accuracy"), ("share", "a share of the seeds")):
            value = getattr(self, name)
            if not number(name, value) or value > 1.0:
                raise BadSpec(name, value, f"{words} above 0, at most 1")
        whole("seeds", self.seeds, LEAST_SEEDS, 10_000)
        whole("tries", self.tries, 1, 10_000)
        whole("most", self.most, 1, MAX_WIDTH)
        choice("optimiser", self.optimiser, OPTIMISERS)
        whole("epochs", self.epochs, 1)
        whole("batch", self.batch, 1)
        flag("norm", self.norm)
        flag("residual", self.residual)
        for name in ("lr", "init", "depths"):
            value = getattr(self, name)
            several = isinstance(value, (list, tuple)) and value
            if not several:
                raise BadSpec(name, value, "a list of at least one")
            object.__setattr__(self, name, tuple(value))
        for depth in self.depths:
            whole("depths", depth, 1, MAX_DEPTH)
        for name, least in (("points", 8), ("tests", 1)):
            if getattr(self, name) is not None:
                whole(name, getattr(self, name), least, 1_000_000)

    def law(self) -> Dataset:
        """The data set.

        Raises:
            UnknownName, BadParameter: there is no such data set or setting.
            InputError: it is no classification, or no classifier can reach the target.
        """
        given = {"name": self.data} if isinstance(self.data, str) else dict(self.data)
        law = dataset(given.pop("name"), **given)
        if law.classes == 0:
            raise InputError(
                f"{law.key} is a regression: an accuracy can be reached on classes only; expected "
                "a classification, such as moons or digits"
            )
        best = law.bayes_accuracy() if law.bayes_accuracy is not None else None
        if best is not None and self.target > best.accuracy + best.error:
            raise InputError(
                f"target {self.target:g} is more than any classifier reaches on {law.key}: the "
                f"Bayes classifier has {best.accuracy:.4g}; give a lower --target"
            )
        return law

    def _points(self) -> dict[str, Any]:
        """`points` and `test_share` as a Study takes them."""
        fixed = _size(self.law())
        if fixed is None:
            train, test = self.points or TRAINING, self.tests or TEST
        else:
            test = self.tests or round(fixed / 4)
            train = self.points or fixed - test
            if train + test > fixed:
                raise BadSpec("points", train + test, f"training and test points of its {fixed}")
        total = train + test
        return {"points": "all" if total == fixed else total, "test_share": test / total}

    def cells(self, activation: Any, settings: str, depth: int, width: int) -> tuple[Cell, ...]:
        """The grid of one size: every learning rate with every init, all else fixed."""
        tuned = settings == TUNED
        study = Study(
            activation=activation, depth=depth, width=width, data=self.data,
            lr=list(self.lr) if tuned else ARTICLE_LR,
            init=list(self.init) if tuned else ARTICLE_INIT,
            optimiser=self.optimiser if tuned else "sgd",
            epochs=self.epochs if tuned else Study.epochs,
            batch=self.batch if tuned else Study.batch,
            norm=self.norm, residual=self.residual, curve=0, seeds=1, **self._points(),
        )  # fmt: skip
        return study.plan().cells

    def split(self) -> Split:
        """The points of every network."""
        cell = self.cells("relu", TUNED, self.depths[0], 1)[0]
        return points_of(cell)

    def record(self) -> Iterator[tuple[str, Any]]:
        """Every setting with its value, for reports."""
        for f in dataclasses.fields(self):
            value = getattr(self, f.name)
            yield f.name, ", ".join(map(str, value)) if isinstance(value, tuple) else value


def points_of(cell: Cell) -> Split:
    """The points that a cell is trained and tested on."""
    return split(cell.data, cell.points, cell.test_share, cell.data_seed)


def _size(law: Dataset) -> int | None:
    """How many points a set of fixed size has; None where it draws as many as one likes."""
    import numpy as np

    try:
        return len(law.draw(None, np.random.default_rng(0))[1])
    except InputError:
        return None
