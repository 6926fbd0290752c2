"""Everything that a search is: the space, the training of a candidate, the budget, the seeds."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from actscope.datasets._base import Dataset
from actscope.engine.checks import choice as one_of
from actscope.engine.checks import whole
from actscope.engine.spec import OPTIMISERS
from actscope.errors import BadSpec
from actscope.searches.space import Choice, Space
from actscope.study import fields
from actscope.study.cell import Cell
from actscope.study.plan import Study

SAMPLERS = ("tpe", "random", "nsga2")
LRS = {
    "sgd": (0.01, 0.03, 0.1, 0.3, 1.0),
    "momentum": (0.001, 0.003, 0.01, 0.03, 0.1),
    "adam": (0.0003, 0.001, 0.003, 0.01, 0.03),
    "adamw": (0.0003, 0.001, 0.003, 0.01, 0.03),
}
# first seeds of what must not share any: candidates, the ranking, the final figures
RANKING_SEED, FINAL_SEED = 1_000_000, 2_000_000


@dataclass(frozen=True)
class Setup:
    """A search, checked.

    Every candidate gets the same fair learning rate: all of `lrs` are tried side by side, each
    rung of the halving keeps the better half of them, and the best one on the validation data
    counts.

    Attributes:
        space: what may be tried.
        data: a data set, by name or as {"name": …, parameters}.
        width: units in each hidden layer.
        optimiser: of `Training`.
        lrs: learning rates that every candidate is tried at; empty for the optimiser's of LRS.
        epochs: of a whole training.
        batch: points in a step.
        weight_decay: of `Training`.
        points: how many are drawn, or "all".
        test_share: of them, for the final figures alone.
        validation_share: of the rest, for choosing.
        data_seed: of the draw and the split.
        seeds: networks for each candidate and learning rate.
        final_seeds: networks for each finalist in the ranking, and as many again in the test.
        trials: candidates.
        together: candidates that are asked for and halved together.
        rungs: of the successive halving; the last one has all epochs.
        keep: the share of candidates, and of learning rates, that a rung hands on is 1/keep.
        finalists: candidates that are ranked and tested.
        sampler: "tpe", "random" or "nsga2"; the last one weighs accuracy, latency and bits needed.
        seed: of the sampler.
        baseline: an activation whose uniform plain network is ranked and tested too, or None.
    """

    space: Space
    data: Any = "moons"
    width: int = 16
    optimiser: str = "sgd"
    lrs: tuple[float, ...] = ()
    epochs: int = 100
    batch: int = 32
    weight_decay: float = 0.0
    points: int | str = 1000
    test_share: float = 0.25
    validation_share: float = 0.25
    data_seed: int = 0
    seeds: int = 8
    final_seeds: int = 20
    trials: int = 96
    together: int = 32
    rungs: int = 3
    keep: int = 2
    finalists: int = 5
    sampler: str = "tpe"
    seed: int = 0
    baseline: str | None = "relu"

    def __post_init__(self) -> None:
        bounds = {
            "seeds": 1024, "final_seeds": 100_000, "trials": 100_000, "together": 1024,
            "rungs": 10, "finalists": 1000,
        }  # fmt: skip
        for name, most in bounds.items():
            whole(name, getattr(self, name), 2 if name == "final_seeds" else 1, most)
        whole("keep", self.keep, 2, 16)
        whole("seed", self.seed, 0, 2**32 - 1)
        one_of("sampler", self.sampler, SAMPLERS)
        one_of("optimiser", self.optimiser, OPTIMISERS)
        try:
            lrs = fields.reals("lrs", self.lrs or LRS[self.optimiser])
            share = fields.share("validation_share", self.validation_share)
            object.__setattr__(self, "lrs", tuple(sorted(lrs)))
            object.__setattr__(self, "validation_share", share)
            if not self.lrs[0]:
                raise BadSpec("lrs", lrs, "learning rates above 0")
            cells = self.study(self._any).plan().cells
        except BadSpec as error:  # a study's fields are a search's too
            error.args = (str(error).removeprefix("Study."),)
            raise
        if len(cells) != 1:
            raise BadSpec("data, width, batch, …", f"{len(cells)} cells", "one value for each")

    @property
    def _any(self) -> Choice:
        """A point of the space, to try the rest of the settings with."""
        phi = self.space.variables()[self.space.layers[0]][0]
        return self.space.choice(self.space.uniform(str(phi)))

    @property
    def law(self) -> Dataset:
        """The data set."""
        return self.study(self._any).laws()[0]

    def study(self, choice: Choice, lr: float | None = None, **more: Any) -> Study:
        """The study of one cell that trains this choice: what a spec says."""
        named = {
            name: getattr(self, name)
            for name in ("data", "width", "optimiser", "epochs", "batch", "weight_decay",
                         "points", "test_share", "data_seed")
        }  # fmt: skip
        rate = self.lrs[0] if lr is None else lr
        return Study(**{**named, **choice.fields(), "lr": rate, "curve": 0, **more})

    def cell(self, choice: Choice, lr: float | None = None) -> Cell:
        """The choice as a cell of that study."""
        return self.study(choice, lr).plan().cells[0]

    @property
    def epochs_at(self) -> tuple[int, ...]:
        """The epochs of each rung: the last one has all of them, one before it a keep-th."""
        parts = [self.keep**i for i in reversed(range(self.rungs))]
        return tuple(max(1, -(-self.epochs // part)) for part in parts)

    def content(self) -> dict[str, Any]:
        """What decides which candidates are tried and how they fare, as plain values."""
        plain = dataclasses.asdict(self)
        for later in ("trials", "finalists", "final_seeds"):  # these may grow
            del plain[later]
        return {**plain, "space": {k: _plain(v) for k, v in plain["space"].items()},
                "lrs": list(self.lrs)}  # fmt: skip


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
