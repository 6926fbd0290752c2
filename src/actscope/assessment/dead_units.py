"""Dead units: which units of one layer still fire, and through which a gradient still passes.

Two senses of alive that agree for ReLU and for little else:

- a unit is **firing** if its pre-activation is above 0 at one input at least;
- a unit is **passing** if its slope is not exactly 0 at one input at least, so that a gradient
  can still move it. Every unit of a leaky ReLU is passing, whether it fires or not.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from actscope.activations._base import Activation
from actscope.activations._lookup import elementwise
from actscope.engine.checks import number, whole
from actscope.engine.session import Session
from actscope.engine.spec import Net, Training, Weights
from actscope.errors import BadSpec
from actscope.maths.blas import ONE_BLAS_THREAD

if TYPE_CHECKING:
    import pandas as pd

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

MOST_UNITS, MOST_POINTS, MOST_WIDTH, MOST_STEPS = 512, 10_000, 256, 100_000


@dataclass(frozen=True)
class Census:
    """One layer at one moment.

    Attributes:
        firing: (units,), at how many inputs the unit's pre-activation is above 0.
        passing: (units,), at how many inputs its slope is not exactly 0.
        points: how many inputs there are.
    """

    firing: Ints
    passing: Ints
    points: int

    @property
    def alive_firing(self) -> int:
        """How many units fire at one input at least."""
        return int((self.firing > 0).sum())

    @property
    def alive_passing(self) -> int:
        """Through how many units a gradient passes at one input at least."""
        return int((self.passing > 0).sum())


class UnitLayer:
    """One layer of units on random inputs, and its training, a step at a time.

    x ~ N(0, spread²) in `width` dimensions; W ~ N(0, 2/width), so that z = Wx + b has the variance
    2·spread² around the bias, which is the same for all units at first. Behind the layer stands
    one linear output. It learns by binary cross-entropy on all inputs at once whether the first
    two coordinates of an input have the same sign.

    Args:
        activation: a name, a typed expression or a record.
        units: how many, 1 to 512.
        points: how many inputs, 2 to 10,000.
        width: how many numbers an input has, 2 to 256.
        bias: of every unit at first.
        spread: standard deviation of an input's numbers, ≥ 0.
        seed: of inputs and weights.
        optimiser: "sgd", "momentum", "adam" or "adamw".
        lr: the learning rate.

    Raises:
        BadSpec: an argument that cannot be; the message names it.

    Example:
        >>> layer = UnitLayer("relu", bias=-3.0, spread=0.1)
        >>> layer.census().alive_firing
        0
    """

    def __init__(
        self,
        activation: str | Activation = "relu",
        *,
        units: int = 128,
        points: int = 512,
        width: int = 16,
        bias: float = 0.0,
        spread: float = 1.0,
        seed: int = 0,
        optimiser: str = "sgd",
        lr: float = 0.1,
    ) -> None:
        self.phi = elementwise(activation)
        units = whole("units", units, 1, MOST_UNITS)
        points = whole("points", points, 2, MOST_POINTS)
        width = whole("width", width, 2, MOST_WIDTH)
        number("spread", spread)
        if not np.isfinite(bias):
            raise BadSpec("bias", bias, "a finite number")
        rng = np.random.default_rng(whole("seed", seed, 0))
        signs = rng.standard_normal((points, width))
        self.x: Floats = spread * signs
        self.y = (signs[:, 0] * signs[:, 1] > 0.0).astype(np.float64)
        W = rng.standard_normal((width, units)) * (2.0 / width) ** 0.5
        out = rng.standard_normal((units, 1)) * units**-0.5
        self._start = Weights((W, out), (np.full(units, float(bias)), np.zeros(1)))
        self._net = Net(width, (units,), activations=self.phi)
        self._training = Training(optimiser=optimiser, lr=lr, batch=points, shuffle=False)
        self._seed = seed

    @functools.cached_property
    def _session(self) -> Session:
        data = (self.x, self.y)
        return Session(
            self._net, data, self._training, seeds=self._seed, weights=self._start, threads=1
        )

    @property
    def weights(self) -> tuple[Floats, Floats]:
        """W (width, units) and b (units,) of the layer as they are now, float64."""
        now = self._start if "_session" not in self.__dict__ else self._session.weights.network(0)
        return np.asarray(now.W[0], np.float64), np.asarray(now.b[0], np.float64)

    def census(self) -> Census:
        """Which units are alive now. One whose numbers are NaN is alive in neither sense."""
        W, b = self.weights
        with np.errstate(all="ignore"), ONE_BLAS_THREAD:
            z = self.x @ W + b
            slope = self.phi.slope_at(z)
        passing = (slope != 0.0) & ~np.isnan(slope)
        return Census((z > 0.0).sum(axis=0), passing.sum(axis=0), len(self.x))

    def step(self) -> float:
        """Train one step on all inputs; the loss before it, NaN or infinite after a divergence."""
        return float(self._session.run(1)[0, 0])


@dataclass(frozen=True, eq=False, repr=False)
class DeadUnits:
    """What `dead_units` found.

    Attributes:
        census: at the end.
        firing: (steps + 1,), how many units fired at one input at least, before training and
            after each step.
        passing: (steps + 1,), through how many a gradient passed.
        loss: (steps,), before each step.
        key: the activation.
    """

    census: Census
    firing: Ints
    passing: Ints
    loss: Floats
    key: str

    @property
    def table(self) -> pd.DataFrame:
        """One row for each step from 0: how many units were alive, in both senses."""
        import pandas as pd

        columns = {"firing": self.firing, "passing": self.passing}
        return pd.DataFrame(columns).rename_axis("step")

    def __repr__(self) -> str:
        units, steps = len(self.census.firing), len(self.loss)
        ends = f"{self.firing[-1]} of {units} firing, {self.passing[-1]} passing"
        return f"DeadUnits({self.key}: {ends} after {steps} steps)"

    def _repr_html_(self) -> str:
        import html

        return f"<p>{html.escape(repr(self))}</p>{self.table.to_html(max_rows=12)}"


def dead_units(
    activation: str | Activation = "relu",
    *,
    steps: int = 0,
    units: int = 128,
    points: int = 512,
    width: int = 16,
    bias: float = 0.0,
    spread: float = 1.0,
    seed: int = 0,
    optimiser: str = "sgd",
    lr: float = 0.1,
) -> DeadUnits:
    """Count the units of one layer that are alive, before and while it is trained.

    Args:
        activation: a name, a typed expression or a record.
        steps: of training, 0 to 100,000.
        units: how many, 1 to 512.
        points: how many inputs, 2 to 10,000.
        width: how many numbers an input has, 2 to 256.
        bias: of every unit at first.
        spread: standard deviation of an input's numbers, ≥ 0.
        seed: of inputs and weights.
        optimiser: "sgd", "momentum", "adam" or "adamw".
        lr: the learning rate.

    Returns:
        The census at the end and the curves in both senses of alive; the same seed gives the same.

    Raises:
        BadSpec: an argument that cannot be; the message names it.

    Example:
        >>> dead_units("relu", bias=-3.0, spread=0.1)
        DeadUnits(relu: 0 of 128 firing, 0 passing after 0 steps)
        >>> dead_units("leaky_relu", bias=-3.0, spread=0.1)
        DeadUnits(leaky_relu: 0 of 128 firing, 128 passing after 0 steps)
        >>> burnt = dead_units("relu", steps=20, lr=10.0)
        >>> int(burnt.firing[0]), bool(burnt.firing[-1] < 100)
        (128, True)

    Source: Maas, Hannun & Ng 2013, Rectifier nonlinearities improve neural network acoustic
    models; Lu, Shin, Su & Karniadakis 2020, Dying ReLU and initialization.
    """
    whole("steps", steps, 0, MOST_STEPS)
    one = UnitLayer(
        activation,
        units=units,
        points=points,
        width=width,
        bias=bias,
        spread=spread,
        seed=seed,
        optimiser=optimiser,
        lr=lr,
    )
    found = [one.census()]
    losses = []
    for _ in range(steps):
        losses.append(one.step())
        found.append(one.census())
    return DeadUnits(
        census=found[-1],
        firing=np.array([c.alive_firing for c in found]),
        passing=np.array([c.alive_passing for c in found]),
        loss=np.array(losses),
        key=one.phi.key,
    )
