"""Gradient through depth: the product of slopes, beside what a real untrained network does."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from actscope.activations._base import Activation
from actscope.app.panels._base import Panel, Reply
from actscope.app.panels.activation import catalogue, chosen
from actscope.app.request import Request
from actscope.app.styles import series
from actscope.assessment.deep_gradients import deep_gradients
from actscope.assessment.slopes import SlopeProduct, slope_product, slope_product_of_normal
from actscope.errors import ActscopeError, BadSpec
from actscope.inits._lookup import SHELF as INITS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DEFAULT = ("sigmoid", "relu", "tanh")
DEEPEST = 600
WIDTHS = (4, 8, 16, 32, 64)
SEEDS = (0, 1, 2)
MODES = ("x", "normal")


def inits(request: Request) -> Reply:
    """The inits by name and label, and the widths there are."""
    rules = [{"name": rule.name, "label": rule.label, "about": rule.summary} for rule in INITS]
    return {"inits": rules, "widths": list(WIDTHS), "networks": len(SEEDS)}


def products(request: Request) -> Reply:
    """The product of slopes by layer for each activation, from log10; at a kink, of both sides."""
    names, found = chosen(request, default=DEFAULT)
    depth = request.whole("depth", 1, DEEPEST, 10)
    if request.choice("mode", MODES, "x") == "normal":
        mean, std = request.number("mean", -20, 20, 0.0), request.number("std", 1e-3, 20, 1.0)
        rows = [_row(slope_product_of_normal(phi, depth, mean, std)) for phi in found]
    else:
        x = request.number("x", -50, 50, 0.0)
        rows = [_at_x(phi, depth, x) for phi in found]
    return {
        "depth": depth,
        "functions": [{**s, **row} for s, row in zip(series(found, names), rows, strict=True)],
    }


def _at_x(phi: Activation, depth: int, x: float) -> dict[str, Any]:
    """The product at one x; `left` and `right` where the slope jumps there."""
    row = _row(slope_product(phi, depth, x))
    left, right = (slope_product(phi, depth, x, side) for side in ("left", "right"))
    if x not in phi.kinks or left.slope == right.slope:
        return row
    return {**row, "left": _row(left), "right": _row(right)}


def _row(product: SlopeProduct) -> dict[str, Any]:
    return {
        "slope": product.slope,
        "log10": product.log10,
        "value": product.value,
        "power": float(product.log10[-1]),
        "zero_share": product.zero_share,
    }


def measured(request: Request) -> Reply:
    """The gradient of untrained networks by layer, over the output layer's, for each activation.

    Entry l of a line is the layer whose gradient has passed l activations on its way down.
    """
    names, found = chosen(request, default=DEFAULT)
    depth = request.whole("depth", 1, DEEPEST, 10)
    rule = request.choice("init", INITS.names(), "article")
    width = request.whole("width", WIDTHS[0], WIDTHS[-1], 16)
    if width not in WIDTHS:
        raise BadSpec("width", width, f"one of {', '.join(map(str, WIDTHS))}")
    rows = []
    for name, phi in zip(names, found, strict=True):
        try:
            rows.append({"name": name, **_measured(phi, rule, depth, width)})
        except ActscopeError as error:
            rows.append({"name": name, "error": str(error)})
    return {"depth": depth, "functions": rows}


@functools.lru_cache(maxsize=512)
def _measured(phi: Activation, rule: str, depth: int, width: int) -> dict[str, Any]:
    """Median, smallest and largest over the networks, log10, from the output layer down."""
    norms = deep_gradients(phi, rule, depth=depth, width=width, seeds=SEEDS)
    with np.errstate(invalid="ignore"):
        ratios = (norms - norms[:, -1:])[:, ::-1]  # NaN where the output layer's is 0 too
        median = np.median(ratios, axis=0)
    return {
        "median": median,
        "low": ratios.min(axis=0),
        "high": ratios.max(axis=0),
        "power": float(median[-1]),
        "value": float(10.0 ** median[-1]),
    }


def picture(request: Request) -> Figure:
    """Both charts, where no kernel runs."""
    from actscope.figures.depth import depth_figure

    left, right = products(request), measured(request)
    lines = [(f["label"], f["log10"]) for f in left["functions"]]
    below = [f.get("median") for f in right["functions"]]
    _, found = chosen(request, default=DEFAULT)
    return depth_figure([phi.key for phi in found], lines, below)


RECORD = Panel(
    name="depth",
    label="Gradient through depth",
    order=2,
    lead=(
        "On its way down a gradient is multiplied by one slope a layer. Left: the product of those "
        "slopes alone. Right: what arrives in a real untrained network, weights included."
    ),
    questions={
        "catalogue": catalogue,
        "inits": inits,
        "products": products,
        "measured": measured,
    },
    picture=picture,
    warm=lambda: measured(Request()),
)
