"""Where everything of a block lies in memory: the frame, the layer table, the offsets.

A block is `lanes` networks of one shape that run side by side. All its arrays have the lane as
last axis, so an offset counts vectors of `lanes` floats. The emitted code knows the sizes of
each kind of layer; everything else (depth, offsets, rows, epochs) it reads from here, so one
program serves all networks made of the same kinds of layers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actscope.engine.spec import Net

# What the emitted code is handed: one int64 (an address or a number) for each name.
FRAME = (
    "weights",  # (parameters, lanes)
    "gradient",  # (parameters, lanes)
    "first",  # (parameters, lanes): momentum, or Adam's mean of g
    "second",  # (parameters, lanes): Adam's mean of g²
    "parameters",
    "lr",  # (lanes)
    "settings",  # scalars, see SETTINGS
    "powers",  # four float64: Adam's betas to the power of the steps so far, and the betas
    "layers",  # (layers, len(LAYER)) int64
    "count",  # layers, the output layer included
    "tile",  # the tile's arrays
    "tile_rows",  # points in a full tile
    "inputs",  # the tile's points: (tile_rows, inputs[, lanes])
    "targets",  # the tile's targets: (tile_rows, targets[, lanes])
    "logits",  # (tile_rows, outputs, lanes)
    "answers",  # (points, outputs, lanes): what `predict` writes
    "delta",  # three of (tile_rows, widest, lanes)
    "delta_size",  # vectors in each
    "sums",  # vectors, see SUMS
    "moments",  # (hidden layers, len(MOMENTS)) vectors
    "x",  # (points, inputs)
    "y",  # (points, targets)
    "points",
    "batch",
    "order",  # int32: (points) or (points, lanes), the order of this epoch
    "base",  # the epoch that comes first in `given` and in `loss`
    "given",  # int64 orders (epochs, points) of the first lane; 0: from seeds; −1: as it lies
    "given_step",  # from one lane's orders to the next's
    "seeds",  # uint64, one a lane
    "loss",  # (epochs, lanes)
    "diverged",  # (lanes): epoch, or −1
)
SETTINGS = (
    "momentum",
    "beta1",
    "rest1",
    "beta2",
    "rest2",
    "eps",
    "decay",
    "epsilon",
)  # rest: 1 − beta
SUMS = ("loss", "right", "scale")
MOMENTS = ("anchor", "magnitude", "sum", "squares")
LAYER = ("kind", "W", "b", "gamma", "beta", "h", "slope", "centred", "inverse", "moments")


@dataclass(frozen=True)
class Kind:
    """All that the emitted code of a layer depends on.

    Attributes:
        fan_in, fan_out: the shape of W.
        phi: which of the program's activations; −1 for the output layer.
        norm, skip: whether it normalises, whether its input is added to its output.
        first: whether its input are the points.
    """

    fan_in: int
    fan_out: int
    phi: int
    norm: bool
    skip: bool
    first: bool


@dataclass(frozen=True)
class Layout:
    """The offsets of one net, in vectors.

    Attributes:
        kinds: the distinct kinds of layers, the first layer's kind first.
        table: (layers, len(LAYER)).
        parameters: vectors of weights.
        tile: vectors of a tile's arrays.
        widest: the widest layer that a gradient passes through.
    """

    kinds: tuple[Kind, ...]
    table: NDArray[np.int64]
    parameters: int
    tile: int
    widest: int


def layout(net: Net, phis: tuple[int, ...], tile_rows: int) -> Layout:
    """Lay out a net whose hidden layer l uses activation phis[l].

    Weights lie layer by layer, W, b, gamma, beta. A tile keeps, for every hidden layer, h and
    the slope of the activation, with norm also the normalised z and the inverse deviation.
    """
    kinds: dict[Kind, int] = {}
    rows, weight, tile = [], 0, 0
    for l, (fan_in, fan_out) in enumerate(zip(net.sizes, net.sizes[1:], strict=False)):
        hidden = l < net.depth
        norm, skip = hidden and net.norm, hidden and net.skips[l]
        kind = Kind(fan_in, fan_out, phis[l] if hidden else -1, norm, skip, l == 0)
        at = {"kind": kinds.setdefault(kind, len(kinds)), "W": weight}
        at["b"] = at["W"] + fan_in * fan_out
        at["gamma"] = at["b"] + fan_out
        at["beta"] = at["gamma"] + (fan_out if norm else 0)
        weight = at["beta"] + (fan_out if norm else 0)
        size = tile_rows * fan_out if hidden else 0
        at["h"], at["slope"], at["centred"] = tile, tile + size, tile + 2 * size
        at["inverse"] = at["centred"] + (size if norm else 0)
        tile = at["inverse"] + (tile_rows if norm else 0)
        at["moments"] = len(MOMENTS) * l
        rows.append([at[name] for name in LAYER])
    return Layout(
        tuple(kinds), np.array(rows, dtype=np.int64), weight, tile, max(*net.hidden, net.outputs)
    )
