"""Draw a model's weights anew so that its signal neither grows nor dies: `reinit="critical"`."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from actscope.activations import Activation
from actscope.errors import InputError
from actscope.inits.critical import Point, edge
from actscope.maths.lengths import gain
from actscope.probe.discovering import Found, Place
from actscope.probe.identity import GRID, STEP, Identity

NONE = Point(0.0, 1.0, 0.0)  # in front of the first activation, or behind a normalisation


def redraw(model: Any, found: Found, new: dict[str, Activation], seed: int) -> None:
    """Draw every weight in front of an activation anew, in place.

    Args:
        model: whose parameters are drawn.
        found: its sites and layers.
        new: {site: activation} of the sites that were swapped.
        seed: of the weights.
    """
    rng = torch.Generator().manual_seed(seed)
    parameters = dict(model.named_parameters(remove_duplicate=False))
    done: set[str] = set()
    for place in found.places:
        layer = found.layers.get(place.weight)
        if layer is None or place.weight in done:
            continue
        done.add(place.weight)
        above = found.site_of(layer.above)
        bias = parameters.get(layer.bias)
        point = point_of(above, new, bias is not None)
        _draw(parameters[place.weight], bias, layer.kind, point, rng)


def point_of(above: Place | None, new: dict[str, Activation], biased: bool) -> Point:
    """What the layer behind a site has to be drawn with.

    Args:
        above: the site, or None.
        new: {site: activation} of those swapped.
        biased: whether the layer has a bias to take the mean away with; without one its weights
            keep the mean square, σw² = 1/E[φ²].
    """
    if above is None:
        return NONE
    record = new.get(above.name, above.identity.record)
    if record is None:
        return _numerical(above.identity, biased)
    if biased:
        try:
            return edge(record)
        except InputError:  # it jumps: its slope says nothing
            pass
    return Point(0.0, gain(record, record.kinks) ** 2, 0.0)


def _numerical(identity: Identity, biased: bool) -> Point:
    """The same for a function outside the catalogue, from its table."""
    if identity.table is None:
        return NONE
    weight = np.exp(-0.5 * GRID**2) * STEP / np.sqrt(2.0 * np.pi)
    y = identity.table
    mean, second = float(weight @ y), float(weight @ y**2)
    slope = float(weight @ np.gradient(y, STEP) ** 2)
    if biased and np.isfinite(slope) and slope > 0.0:
        sigma_w2 = 1.0 / slope
        return Point(mean, sigma_w2, max(0.0, 1.0 - sigma_w2 * (second - mean**2)))
    return Point(0.0, 1.0 / second, 0.0) if np.isfinite(second) and second > 0.0 else NONE


def _draw(weight: Any, bias: Any, kind: str, point: Point, rng: Any) -> None:
    """W ~ N(0, σw²/fan_in), b ~ N(0, σb²) − m·ΣW."""
    into = 0 if kind in ("matrix", "transposed") else 1  # the dimension of the inputs
    out = 1 - into
    fan_in = weight.numel() // weight.shape[out]
    drawn = torch.randn(weight.shape, generator=rng, dtype=torch.float32)
    drawn *= (point.sigma_w2 / fan_in) ** 0.5
    with torch.no_grad():
        weight.copy_(drawn)
        if bias is not None:
            noise = point.sigma_b2**0.5 * torch.randn(bias.shape, generator=rng)
            sums = drawn.sum([d for d in range(drawn.ndim) if d != out])
            groups = bias.numel() // sums.numel()  # of a transposed convolution
            bias.copy_(noise - point.mean * sums.repeat(groups))
