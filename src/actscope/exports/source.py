"""From what people hand in (a net, a result, a study of one cell) to one network with weights."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from actscope.engine.checks import choice, whole
from actscope.engine.result import Result
from actscope.engine.spec import DTYPES, Net, Training, Weights
from actscope.errors import BadSpec, InputError

EXPECTED = "a Net, a Result of train(), or a study of one cell (a Study, its TOML file, a mapping)"


@dataclass(frozen=True, eq=False)
class Network:
    """One network, ready to leave the engine.

    Attributes:
        net: its shape.
        weights: float64 arrays without an axis of networks.
        dtype: the float type that it is to run in.
        about: where it comes from (init, seed, training), plain values for JSON.
    """

    net: Net
    weights: Weights
    dtype: str
    about: dict[str, Any]


def network_of(
    source: Any,
    *,
    network: int = 0,
    weights: Weights | None = None,
    seed: int = 0,
    init: str = "article",
    data: Any = None,
    dtype: str | None = None,
    trained: bool = False,
) -> Network:
    """The network that a source stands for.

    Args:
        source: a Net, a Result, or a study of one cell: a Study, a mapping of its fields, or the
            path of its TOML file.
        network: which one of a Result.
        weights: of a Net, instead of those that init and seed give.
        seed: of a Net and of a study: of the first weights, and of the order of the data.
        init: the rule for a Net's first weights.
        data: (points, inputs), for inits that look at points.
        dtype: "float32", "float64", or None for the one that it was trained in (a Net: float32).
        trained: train a study's network first; without it, its first weights are taken.

    Raises:
        InputError: the source is none of these, the network diverged, or weights do not fit.
        BadSpec: a study of several cells, or a seed that cannot be.
    """
    kind = None if dtype is None else choice("dtype", dtype, DTYPES)
    if isinstance(source, Result):
        return _of_result(source, network, kind)
    seed = whole("seed", seed, 0, 2**63 - 1)
    if isinstance(source, Net):
        if weights is not None:
            return Network(source, _fitting(source, weights), kind or "float32", {"init": "given"})
        return _first(source, init, seed, data, kind or "float32")
    cell = only_cell(source)
    if trained:
        return _of_result(train_cell(cell, seed), 0, kind)
    points = _split(cell).x if data is None else data
    return _first(cell.net(), cell.init, seed, points, kind or cell.dtype)


def _of_result(result: Result, network: int, dtype: str | None) -> Network:
    found = result.weights(network)
    training, net = result.trainings[network], result.nets[network]
    if result.diverged_at[network] >= 0:
        raise InputError(
            f"network {network} diverged in epoch {result.diverged_at[network]}, so its weights "
            "are no numbers: choose another with network=…, or a smaller learning rate"
        )
    about = {
        "init": result.init,
        "seed": int(result.seeds[network]),
        "training": {k: v for k, v in dataclasses.asdict(training).items() if k != "dtype"},
    }
    return Network(net, _fitting(net, found), dtype or training.dtype, about)


def _first(net: Net, init: str, seed: int, data: Any, dtype: str) -> Network:
    """The weights that training would start from, in the type that it would run in."""
    from actscope.engine.starts import draw
    from actscope.inits._lookup import init as find

    points = np.zeros((0, net.inputs)) if data is None else np.asarray(data, dtype=np.float64)
    drawn = draw(net, find(init), np.array([seed], dtype=np.uint64), points).network(0)
    kept = (tuple(a.astype(dtype) for a in part) for part in _parts(drawn))
    about = {"init": init, "seed": seed, "training": None}
    return Network(net, _fitting(net, Weights(*kept)), dtype, about)


def _parts(weights: Weights) -> tuple[tuple[Any, ...], ...]:
    return weights.W, weights.b, weights.gamma, weights.beta


def _fitting(net: Net, weights: Weights) -> Weights:
    """The weights as float64; refused where a shape is not the net's or a number is none."""
    pairs = list(zip(net.sizes, net.sizes[1:], strict=False))
    normed = [(h,) for h in net.hidden] if net.norm else []
    shapes = (pairs, [(o,) for o in net.sizes[1:]], normed, normed)
    parts = _parts(weights)
    for name, part, expected in zip(("W", "b", "gamma", "beta"), parts, shapes, strict=True):
        found = [np.shape(a) for a in part]
        if found != expected:
            raise InputError(f"weights.{name} has shapes {found}: expected {expected} for {net}")
    wide = Weights(*(tuple(np.asarray(a, dtype=np.float64) for a in part) for part in parts))
    if not all(np.isfinite(a).all() for a in wide.arrays()):
        raise InputError(f"the weights of {net} hold a NaN or an infinity: expected numbers")
    return wide


def only_cell(source: Any) -> Any:
    """The only cell of a study (a Study, a mapping of its fields, the path of its TOML file).

    Raises:
        InputError: the source is none of these.
        BadSpec: it has several cells.
    """
    # by name, because studies stand on a floor above this one
    if isinstance(source, (str, Path)):
        source = importlib.import_module("actscope.study.file").load(source)
    elif isinstance(source, Mapping):
        source = importlib.import_module("actscope.study.plan").Study(**source)
    if not hasattr(source, "plan"):
        raise InputError(f"cannot make a network of a {type(source).__name__}: expected {EXPECTED}")
    cells = source.plan().cells
    if len(cells) != 1:
        raise BadSpec(
            "Study", f"{len(cells):,} cells", "one cell: a single value for every field but seeds"
        )
    return cells[0]


def _split(cell: Any) -> Any:
    """The points that a cell is trained and tested on."""
    points = importlib.import_module("actscope.study.points")
    return points.split(cell.data, cell.points, cell.test_share, cell.data_seed)


def train_cell(cell: Any, seed: int) -> Result:
    """The network of a study's cell with this seed: bit for bit the one that the study trains."""
    from actscope.engine.api import train

    seed = whole("seed", seed, 0, 2**63 - 1)
    data = _split(cell)
    points = (data.x, data.y, data.x_test, data.y_test)
    training: Training = cell.training()
    return train(cell.net(), points, training, seeds=seed, init=cell.init)
