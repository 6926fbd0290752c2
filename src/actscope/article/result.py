"""What a run of the experiment gives back: the trained networks and every number about them."""

from __future__ import annotations

import functools
import importlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from actscope.article.data import Data
from actscope.article.network import STAGES, Network
from actscope.article.setup import Setup

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.floating[Any]]

LOSS_EPOCHS = (1, 2, 10, 50, 100, 200, 400, 600, 800)
GRID_STEP = 0.025  # of the probability map, in standard deviations of the data, as published
GRID_MARGIN = 0.5


class Number(NamedTuple):
    """One measured number: of which activation, what, where.

    `quantity` and `place` are: "loss" at "epoch 400"; "test accuracy" and "train accuracy" at
    "end"; "spread" at "layer 1" (standard deviation of the hidden outputs over all test points
    and units); "signal" at "class 0 z1" (mean magnitude at a stage, for the point that is
    followed).
    """

    activation: str
    quantity: str
    place: str
    value: float


class ProbabilityMap(NamedTuple):
    """The probability of class 1 over the plane: values (rows of y, columns of x)."""

    x: Floats
    y: Floats
    values: Floats


@dataclass(frozen=True, eq=False)
class Outcome:
    """One activation's part of the experiment.

    Attributes:
        network: after training.
        losses: the mean mini-batch loss of each epoch (epochs,).
        data: the points it was trained and is measured on.
    """

    network: Network
    losses: Floats
    data: Data

    @property
    def key(self) -> str:
        """The activation's name with the parameters that are not at their default."""
        return self.network.activation.key

    @property
    def label(self) -> str:
        """What figures and tables call it."""
        phi = self.network.activation
        changed = self.key[len(phi.name) :]
        return f"{phi.label} {changed}" if changed else phi.label

    @property
    def diverged_at(self) -> int | None:
        """The first epoch, from 1, whose loss is not a finite number; None for none."""
        bad = ~np.isfinite(self.losses)
        return int(bad.argmax()) + 1 if bad.any() else None

    @functools.cached_property
    def test_accuracy(self) -> float:
        """The share of test points whose class is right."""
        return self.network.accuracy(self.data.x_test, self.data.y_test)

    @functools.cached_property
    def train_accuracy(self) -> float:
        """The share of training points whose class is right."""
        return self.network.accuracy(self.data.x_train, self.data.y_train)

    @functools.cached_property
    def hidden(self) -> tuple[Floats, Floats]:
        """The outputs of both hidden layers on the test points, each (test points, units)."""
        return self.network.hidden(self.data.x_test)

    @property
    def spreads(self) -> tuple[float, float]:
        """The standard deviation of each hidden layer over all test points and units."""
        with np.errstate(all="ignore"):
            first, second = (float(h.std()) for h in self.hidden)
        return first, second

    @property
    def silent_units(self) -> tuple[int, int]:
        """In each hidden layer, how many units give the same output for every test point."""
        first, second = (int((h.max(axis=0) == h.min(axis=0)).sum()) for h in self.hidden)
        return first, second

    def trace(self, label: int) -> Floats:
        """The mean magnitude at z₁, a₁, z₂, a₂, z₃ for the far point of a class: (5,)."""
        return self.network.trace(self.data.far_point(label))

    @functools.cached_property
    def probability_map(self) -> ProbabilityMap:
        """The probability of class 1 over the test points' part of the plane."""
        low, high = self.data.x_test.min(axis=0), self.data.x_test.max(axis=0)
        x, y = (
            np.arange(a - GRID_MARGIN, b + GRID_MARGIN, GRID_STEP)
            for a, b in zip(low, high, strict=True)
        )
        points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
        return ProbabilityMap(x, y, self.network.probability(points).reshape(len(y), len(x)))

    def numbers(self) -> list[Number]:
        """Every number of this outcome."""
        epochs = [e for e in LOSS_EPOCHS if e < len(self.losses)] + [len(self.losses)]
        found = [("loss", f"epoch {e}", self.losses[e - 1]) for e in epochs]
        found += [("test accuracy", "end", self.test_accuracy)]
        found += [("train accuracy", "end", self.train_accuracy)]
        found += [("spread", f"layer {i + 1}", s) for i, s in enumerate(self.spreads)]
        for label in (0, 1):
            places = (f"class {label} {ascii_stage(stage)}" for stage in STAGES)
            found += [("signal", p, v) for p, v in zip(places, self.trace(label), strict=True)]
        return [Number(self.key, what, where, float(value)) for what, where, value in found]


@dataclass(frozen=True, eq=False, repr=False)
class ArticleResult:
    """The experiment, run.

    Attributes:
        setup: what was run.
        data: the points.
        outcomes: one for each activation, in the order asked for.

    Example:
        >>> from actscope.article.run import reproduce
        >>> result = reproduce(["relu"], setup=Setup(epochs=2))
        >>> result
        ArticleResult(seed 42: relu 44.0%)
        >>> result.table.loc["ReLU", "loss, epoch 2"].round(6)
        np.float64(0.620215)
    """

    setup: Setup
    data: Data
    outcomes: tuple[Outcome, ...]

    def __repr__(self) -> str:
        found = ", ".join(f"{o.key} {o.test_accuracy:.1%}" for o in self.outcomes)
        return f"ArticleResult(seed {self.setup.seed}: {found})"

    def __getitem__(self, key: str) -> Outcome:
        """The outcome of one activation, by its key ("relu")."""
        for outcome in self.outcomes:
            if outcome.key == key:
                return outcome
        raise KeyError(f"{key!r}: this run holds {', '.join(o.key for o in self.outcomes)}")

    def numbers(self) -> list[Number]:
        """Every measured number, activation by activation."""
        return [number for outcome in self.outcomes for number in outcome.numbers()]

    @property
    def table(self) -> pd.DataFrame:
        """One row an activation, one column a number."""
        import pandas as pd

        rows = {
            o.label: {
                n.quantity if n.place == "end" else f"{n.quantity}, {n.place}": n.value
                for n in o.numbers()
            }
            for o in self.outcomes
        }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("activation")

    @property
    def curves(self) -> pd.DataFrame:
        """The loss curves: one row an epoch (from 1), one column an activation."""
        import pandas as pd

        columns = {o.label: o.losses for o in self.outcomes}
        return pd.DataFrame(columns, index=np.arange(1, self.setup.epochs + 1)).rename_axis("epoch")

    def plot(self, name: str = "loss_curves") -> Any:
        """One of the five figures, as a matplotlib Figure.

        Args:
            name: "data_set", "loss_curves", "decision_boundaries", "signal_trace" or
                "hidden_space".
        """
        # by name, because figures stand on a floor above this one
        figures = importlib.import_module("actscope.figures.article")
        return figures.draw(self, name)

    def _repr_html_(self) -> str:
        s = self.setup
        head = f"<p>Two moons, {s.points} points, seed {s.seed}, {s.epochs} epochs.</p>"
        return head + str(self.table.T.to_html(float_format=lambda v: f"{v:.4g}", border=0))


def ascii_stage(stage: str) -> str:
    """A stage's name in plain letters: "z₁" becomes "z1"."""
    return stage.translate(str.maketrans("₁₂₃", "123"))


def finite(value: float) -> float | None:
    """The value, or None where it is no finite number (JSON has no other word for it)."""
    return value if math.isfinite(value) else None
