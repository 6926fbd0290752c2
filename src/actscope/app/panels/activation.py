"""The activation panel: values and slopes of up to five functions, read off anywhere."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from actscope.activations._base import Activation
from actscope.activations._lookup import SHELF, elementwise
from actscope.activations._table import facts, readings
from actscope.app.panels._base import Panel, Reply
from actscope.app.request import Request
from actscope.app.styles import series
from actscope.errors import ActscopeError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 5
LONGEST = 20_000  # characters; the parser says at which length it stops itself
POINTS = 401
SPANS = (2.0, 50.0)
DEFAULT = ("sigmoid", "relu", "tanh")
FAR = 1e6


def chosen(
    request: Request, default: Sequence[str] = DEFAULT
) -> tuple[list[str], list[Activation]]:
    """The names asked for, at most five, and what they stand for."""
    names = [name.strip() for name in request.texts("f", MOST, LONGEST, default)]
    return names, [elementwise(name) for name in names]


def catalogue(request: Request) -> Reply:
    """Every activation by name and label, and what it takes."""
    return {"known": [{"name": one.name, "label": one.label} for one in SHELF], "most": MOST}


def curves(request: Request) -> Reply:
    """Values and slopes over [-span, span], and what the records say."""
    from actscope.figures.activations import broken_axis

    names, found = chosen(request)
    span = request.number("span", *SPANS, default=5.0)
    rows = []
    for style, phi in zip(series(found, names), found, strict=True):
        kinks = [k for k in phi.kinks if abs(k) < span]
        x = broken_axis(span, kinks)
        rows.append(
            {
                **style,
                "x": x,
                "value": phi(x),
                "slope": phi.slope_at(x),
                "kinks": np.array(kinks),
                "at_kinks": phi(np.array(kinks)),
                "properties": properties_of(phi),
            }
        )
    return {"functions": rows, "span": span}


def read(request: Request) -> Reply:
    """Value and slopes at x; at a kink both one-sided slopes."""
    names, found = chosen(request)
    x = request.number("x", -FAR, FAR, default=0.0)
    rows = []
    for name, phi in zip(names, found, strict=True):
        row = readings(phi, [x]).iloc[0]
        kink = x in phi.kinks and row.slope_left != row.slope_right
        rows.append(
            {
                "name": name,
                "value": row.value,
                "slope": row.slope,
                "left": row.slope_left if kink else None,
                "right": row.slope_right if kink else None,
            }
        )
    return {"x": x, "readings": rows}


@functools.lru_cache(maxsize=256)
def properties_of(phi: Activation) -> dict[str, Any]:
    """What the record says of an activation, and its mean-field numbers at the fixed-point gain."""
    from actscope.maths.meanfield import mean_field

    known = facts(phi)
    shown: dict[str, Any] = {
        name: known[name] for name in ("formula", "derivative", "range", "kinks", "source")
    }
    shown |= {"zero_centred": phi.zero_centred, "monotonic": phi.monotonic, "why": ""}
    numbers = ("gain", "chi_1", "chi_1_centred")
    try:
        field = mean_field(phi, phi.slope_at, phi.kinks)
        shown |= {name: getattr(field, name) for name in numbers}
    except ActscopeError as error:
        shown |= dict.fromkeys(numbers, math.nan) | {"why": str(error)}
    return shown


def picture(request: Request) -> Figure:
    """The curves, where no kernel runs."""
    from actscope.figures.activations import activation_grid

    _, found = chosen(request)
    return activation_grid(found, request.number("span", *SPANS, default=5.0))


def warm() -> None:
    """Import what a first typed expression needs."""
    elementwise("x*sigmoid(1.702*x)")
    for name in DEFAULT:
        properties_of(elementwise(name))


RECORD = Panel(
    name="activation",
    label="Activation",
    order=1,
    lead=(
        "Drag x over the curves, or type a function of your own, and read off its value and its "
        "slope; where the slope jumps, both one-sided slopes."
    ),
    questions={"catalogue": catalogue, "curves": curves, "read": read},
    picture=picture,
    warm=warm,
)
