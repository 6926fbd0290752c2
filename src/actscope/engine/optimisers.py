"""One step of an optimiser, on one vector of weights. `reference.py` holds the same in NumPy."""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, no-any-return"
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from actscope.engine.emit import Code, Pointer
from actscope.engine.lanes import Lane, LaneType
from actscope.engine.layout import SETTINGS


@dataclass(frozen=True)
class Rates:
    """What a step needs beside the gradient: Lanes, the same for all weights of a step."""

    lr: Lane
    momentum: Lane
    beta1: Lane
    rest1: Lane  # 1 − beta1
    beta2: Lane
    rest2: Lane
    eps: Lane
    decay: Lane | None
    rise1: Lane | None = None  # 1 − beta1^t
    rise2: Lane | None = None


def rates(code: Code, lanes: LaneType, frame: Any, decay: bool, adaptive: bool) -> Rates:
    """Emit the reading of the settings; for Adam, count the step."""
    settings = frame.to("settings", lanes.broadcast)
    read = {name: settings[i] for i, name in enumerate(SETTINGS)}
    del read["epsilon"]
    if not decay:
        read["decay"] = None
    if adaptive:
        # the powers are kept in float64: a float32 product over thousands of steps would drift
        powers: Pointer = frame.to("powers", LaneType("float64", 1))
        for i in range(2):
            powers[i] = powers[i] * powers[i + 2]
            read[f"rise{i + 1}"] = (1.0 - powers[i]).spread(lanes)
    return Rates(lr=frame.to("lr", lanes)[0], **read)


def step(name: str, r: Rates, w: Lane, g: Lane, first: Pointer, second: Pointer, i: Any) -> Lane:
    """The new weights; `first[i]` and `second[i]` are the optimiser's memory."""
    if r.decay is not None:
        if name == "adamw":
            w = w * (1.0 - r.lr * r.decay)
        else:
            g = w.times_plus(r.decay, g)
    if name == "sgd":
        return g.times_plus(-r.lr, w)
    if name == "momentum":
        v = first[i].times_plus(r.momentum, g)
        first[i] = v
        return v.times_plus(-r.lr, w)
    m = first[i].times_plus(r.beta1, g * r.rest1)
    v = second[i].times_plus(r.beta2, g * g * r.rest2)
    first[i], second[i] = m, v
    return w - (r.lr / r.rise1) * m / ((v / r.rise2).sqrt() + r.eps)
