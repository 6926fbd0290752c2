"""What the published experiment fixes: every number of its data, its network and its training."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from actscope.errors import BadSpec

MOST_POINTS, MOST_UNITS = 1_000_000, 512
SEEDS = ("seed", "data_seed", "split_seed")
WHOLE = "a whole number from 0 to {}"


@dataclass(frozen=True)
class Setup:
    """The settings of the two-moons experiment; the defaults are the published ones.

    Attributes:
        seed: of the networks: their weights, then the order of the training points.
        data_seed: of the points' noise.
        split_seed: of the choice of test points.
        points: how many points both moons hold together.
        noise: standard deviation of the noise, in units of a moon's radius.
        test_share: share of the points held back for testing.
        hidden: units per hidden layer.
        epochs: passes over the training points.
        batch: points per step; the last, smaller batch of an epoch is kept.
        lr: learning rate of plain gradient descent.

    Raises:
        BadSpec: a setting that cannot be; the message names it.

    Example:
        >>> Setup().sizes
        (2, 8, 8, 1)
        >>> Setup(seed=-1)
        Traceback (most recent call last):
        actscope.errors.BadSpec: Setup.seed = -1: expected a whole number from 0 to 4294967295
    """

    seed: int = 42
    data_seed: int = 42
    split_seed: int = 42
    points: int = 400
    noise: float = 0.18
    test_share: float = 0.25
    hidden: tuple[int, int] = (8, 8)
    epochs: int = 800
    batch: int = 64
    lr: float = 0.05

    def __post_init__(self) -> None:
        for name in SEEDS:
            self._need(name, _is_whole(getattr(self, name), 0, 2**32 - 1), WHOLE.format(2**32 - 1))
        for name in ("epochs", "batch"):
            self._need(name, _is_whole(getattr(self, name), 1), "a whole number of at least 1")
        self._need("points", _is_whole(self.points, 8, MOST_POINTS), f"8 to {MOST_POINTS}")
        self._need("test_share", _is_real(self.test_share, 0.0, 1.0), "a share between 0 and 1")
        noise = self.noise == 0.0 or _is_real(self.noise, 0.0)
        self._need("noise", noise, "a standard deviation of at least 0")
        self._need("lr", _is_real(self.lr, 0.0), "a positive number")
        hidden: Any = self.hidden
        pair = isinstance(hidden, tuple) and len(hidden) == 2
        wide = pair and all(_is_whole(width, 2, MOST_UNITS) for width in hidden)
        self._need("hidden", wide, f"two widths from 2 to {MOST_UNITS}, such as (8, 8)")

        for name in (*SEEDS, "epochs", "batch", "points"):  # NumPy's integers are no JSON
            object.__setattr__(self, name, int(getattr(self, name)))

    def _need(self, name: str, holds: bool, expected: str) -> None:
        if not holds:
            raise BadSpec(f"Setup.{name}", getattr(self, name), expected)

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        """Units from the input to the output."""
        return (2, *self.hidden, 1)


def _is_whole(value: Any, low: int, high: float = math.inf) -> bool:
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    return whole and low <= int(value) <= high


def _is_real(value: Any, low: float, high: float = math.inf) -> bool:
    """Whether it is a number strictly between both."""
    number = isinstance(value, Real) and not isinstance(value, bool)
    return number and low < value < high
