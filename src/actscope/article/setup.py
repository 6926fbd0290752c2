"""What the published experiment fixes: every number of its data, its network and its training."""

from __future__ import annotations

from dataclasses import dataclass

from actscope.errors import BadSpec


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
        for name in ("seed", "data_seed", "split_seed"):
            if not 0 <= getattr(self, name) < 2**32:
                raise BadSpec(
                    f"Setup.{name}", getattr(self, name), "a whole number from 0 to 4294967295"
                )
        for name in ("epochs", "batch"):
            if getattr(self, name) < 1:
                raise BadSpec(f"Setup.{name}", getattr(self, name), "a whole number of at least 1")
        if self.points < 8:
            raise BadSpec("Setup.points", self.points, "at least 8, so that a split is possible")
        if not 0.0 < self.test_share < 1.0:
            raise BadSpec("Setup.test_share", self.test_share, "a share between 0 and 1")
        if not self.noise >= 0.0:
            raise BadSpec("Setup.noise", self.noise, "a standard deviation of at least 0")
        if not self.lr > 0.0:
            raise BadSpec("Setup.lr", self.lr, "a positive number")
        if min(self.hidden) < 2:
            raise BadSpec("Setup.hidden", self.hidden, "two widths of at least 2, such as (8, 8)")

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        """Units from the input to the output."""
        return (2, *self.hidden, 1)
