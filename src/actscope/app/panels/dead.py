"""Dead units: the cells of one layer, before training and while it trains."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from actscope.activations._lookup import elementwise
from actscope.app.panels._base import Panel, Reply
from actscope.app.panels.activation import catalogue
from actscope.app.request import Request
from actscope.app.styles import series
from actscope.assessment.dead_units import Census, UnitLayer, dead_units

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STEPS = (200, 2000)
OPTIMISERS = ("sgd", "adam")
MOST_WIDTH = 128
MOST_SEED = 2**32 - 1
WHILE = 0.03  # seconds of training between two frames


def layer_of(request: Request) -> UnitLayer:
    """The layer that was asked for."""
    return UnitLayer(**settings(request))


def settings(request: Request) -> dict[str, Any]:
    """What a page may ask of `dead_units`."""
    return {
        "activation": elementwise(request.text("f", default="relu").strip()),
        "width": request.whole("width", 2, MOST_WIDTH, 16),
        "bias": request.number("bias", -20.0, 20.0, 0.0),
        "spread": request.number("spread", 0.0, 20.0, 1.0),
        "seed": request.whole("seed", 0, MOST_SEED, 0),
        "optimiser": request.choice("optimiser", OPTIMISERS, "sgd"),
        "lr": request.number("lr", 0.0, 1e6, 10.0),
    }


def layer(request: Request) -> Reply:
    """The layer before training."""
    one = layer_of(request)
    name = request.text("f", default="relu").strip()
    return {"style": series([one.phi], [name])[0], **_shown(one.census())}


def _shown(census: Census) -> dict[str, Any]:
    """A census as the page draws it."""
    return {
        "firing": census.firing,
        "passing": census.passing,
        "points": census.points,
        "alive_firing": census.alive_firing,
        "alive_passing": census.alive_passing,
    }


class Training:
    """A layer in training, a few steps a frame; it stops by itself after the last one."""

    def __init__(self, request: Request) -> None:
        self.layer = layer_of(request)
        self.steps = request.whole("steps", 1, max(STEPS), STEPS[0])
        self.done = -1  # nothing is shown yet

    def frame(self) -> Reply | None:
        """The cells now, and the curve since the last frame."""
        if self.done >= self.steps:
            return None
        until = time.perf_counter() + WHILE
        curve: list[tuple[int, int, float]] = []
        while self.done < self.steps and (not curve or time.perf_counter() < until):
            loss = self.layer.step() if self.done >= 0 else math.nan
            self.done += 1
            census = self.layer.census()
            curve.append((census.alive_firing, census.alive_passing, loss))
        firing, passing, loss_before = (np.array(column) for column in zip(*curve, strict=True))
        return {
            "step": self.done,
            "steps": self.steps,
            "curve_firing": firing,
            "curve_passing": passing,
            "loss": loss_before,
            **_shown(census),
        }

    def tell(self, name: str, request: Request) -> Reply:
        """It takes no commands; to cancel it is to close it."""
        return {}


def picture(request: Request) -> Figure:
    """The cells and the curve, where no kernel runs."""
    from actscope.figures.dead_units import dead_units_figure

    asked = settings(request)
    phi = asked.pop("activation")
    return dead_units_figure(dead_units(phi, steps=STEPS[0], **asked), phi)


def warm() -> None:
    """Compile what the panel trains first."""
    UnitLayer("relu").step()


RECORD = Panel(
    name="dead",
    label="Dead units",
    order=3,
    lead=(
        "One layer of 128 units on 512 random inputs. A unit that fires on none of them is silent; "
        "one whose slope is 0 on all of them is dead, because no gradient can bring it back."
    ),
    questions={"catalogue": catalogue, "layer": layer},
    streams={"train": Training},
    picture=picture,
    warm=warm,
)
