"""`trace`: every layer of many networks measured, at the start or after training."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from actscope.engine.part import Part
from actscope.engine.points import Points, look, loss_of
from actscope.engine.spec import Net, Weights
from actscope.engine.starts import draw
from actscope.errors import InputError
from actscope.inits import Init, init
from actscope.maths.blas import ONE_BLAS_THREAD
from actscope.maths.formats import round_int8, round_to
from actscope.metrics import SHELF, Metric, metric

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
CHUNK_BYTES = 1 << 26  # of layer outputs held at once, in each thread


@dataclass(frozen=True, eq=False)
class Trace:
    """What a trace found.

    Attributes:
        values: (metric, format) to (networks, layers), one column for the input and each hidden
            layer: column 0 is the input itself, column l the output of hidden layer l.
        seeds: (networks,), or None where the weights were given.
        net: the shape.
        init: the name of the rule that drew the weights, or "given".
        skipped: why a metric that was asked for by a group's name is not in `values`, by name.
    """

    values: dict[tuple[str, str], Floats]
    seeds: NDArray[np.uint64] | None
    net: Net
    init: str
    skipped: dict[str, str]

    @property
    def table(self) -> pd.DataFrame:
        """One row for each network, layer, format and metric.

        Columns: network (from 0), seed (where there is one), layer (0 is the input), activation
        ("" for the input), metric, format, value.
        """
        import pandas as pd

        phi = ["", *(a.key for a in self.net.activations)]
        parts = []
        for (name, kind), values in self.values.items():
            networks, layers = values.shape
            columns = {
                "network": np.repeat(np.arange(networks), layers),
                "layer": np.tile(np.arange(layers), networks),
                "activation": np.tile(phi, networks),
                "metric": np.full(values.size, name),
                "format": np.full(values.size, kind),
                "value": values.ravel(),
            }
            if self.seeds is not None:
                columns["seed"] = np.repeat(self.seeds, layers)
            parts.append(pd.DataFrame(columns))
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()

    @property
    def summary(self) -> pd.DataFrame:
        """Mean over the networks: one row a layer, one column a metric (and format)."""
        import pandas as pd

        columns = {
            name if kind == "float64" else f"{name}, {kind}": _means(values)
            for (name, kind), values in self.values.items()
        }
        return pd.DataFrame(columns).rename_axis("layer")

    def _repr_html_(self) -> str:
        return str(self.summary.to_html())

    def __repr__(self) -> str:
        networks = len(next(iter(self.values.values()), ()))
        return f"Trace({self.net!r}, {networks} networks, {len(self.values)} measures)"


def _means(values: Floats) -> Floats:
    """The mean of each column over what is not NaN; NaN where nothing is."""
    held = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        total = np.where(held, values, 0.0).sum(axis=0)
    count = held.sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def trace(
    net_or_weights: Net | Weights,
    data: Any,
    metrics: str | Metric | Iterable[str | Metric] = "cheap",
    *,
    net: Net | None = None,
    init: str | Init = "article",
    seeds: int | Iterable[int] = 0,
    formats: Sequence[str] = ("float64",),
    layers: Iterable[int] | None = None,
    hand_on: bool = False,
    loss: str | None = None,
    points: int = 400,
    data_seed: int = 0,
) -> Trace:
    """Measure every layer of one network or of many.

    Args:
        net_or_weights: a Net, whose first weights are drawn here, or Weights after training (one
            network, or many with a leading axis), whose shape `net` then says.
        data: a data set or its name, of which `points` are drawn and standardised, with its true
            boundary in the standardised space; or (x, y) or (x, y, distances), taken as they are:
            x (n, inputs), y (n,) labels or targets, distances (n,) to the true boundary.
        metrics: names or records; or "cheap" or "all", which leave out what the data cannot
            answer (no boundary, no labels) and say so in `skipped`.
        net: the shape of given weights.
        init: what draws the first weights.
        seeds: one a network; as in `train`, the weights follow from a network's seed alone.
        formats: number formats to round every layer's output to before it is measured:
            float64, float32, bfloat16, float16, fp8_e4m3, fp8_e5m2, int8.
        layers: which to measure, 0 being the input; by default all. The rest are NaN.
        hand_on: whether the next layer sees the rounded output too, as in inference in that
            format, rather than the float64 one.
        loss: whose gradient is meant: "bce", "cross_entropy" or "mse"; by default what fits y and
            the number of outputs.
        points: how many points are drawn from a data set. The probes are NaN for layers of more
            units than about four fifths of the points: an affine-invariant reader could then say
            anything.
        data_seed: the seed of that draw.

    Returns:
        A Trace: `.table` has one row for each network, layer and metric, `.summary` one a layer.

    Raises:
        InputError: the data do not fit the network or lack what a named metric needs.
        UnknownName: no such metric, init, data set or format.

    Example:
        >>> t = trace(Net(2, (8, 8)), "moons", ("effective_rank",), seeds=range(3), points=100)
        >>> t.table.shape, t.values["effective_rank", "float64"].shape
        ((9, 7), (3, 3))

    Source: each metric's record names its own; docs/mathematics.md lists them.
    """
    shape, weights, seen, rule = _networks(net_or_weights, net, init, seeds)
    given = look(data, shape, points, data_seed)
    named = not (isinstance(metrics, str) and metrics in ("cheap", "all"))
    records = _chosen(metrics)
    why = {m.name: lack for m in records if (lack := _lacks(m, shape, given, loss))}
    if named and why:
        name, reason = next(iter(why.items()))
        raise InputError(f"trace: metric {name!r} needs {reason}")
    records = [m for m in records if m.name not in why]
    if weights is None:
        assert seen is not None
        weights = draw(shape, rule, seen, given.x)
    count = len(weights.W[0])
    wanted = _wanted(layers, shape.depth)
    values = {
        (m.name, kind): np.full((count, shape.depth + 1), np.nan)
        for kind in formats
        for m in records
    }
    roundings = {kind: rounding_to(kind) for kind in formats}

    def measure(rows: slice) -> None:
        whole = Part(shape, weights.network(rows), given, loss, None, hand_on)
        for kind, rounding in roundings.items():
            part = whole if rounding is None else whole.rounded(rounding)
            for m in records:
                values[m.name, kind][rows] = part.measure(m, wanted)

    with ONE_BLAS_THREAD, ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for done in [pool.submit(measure, rows) for rows in _chunks(shape, len(given.x), count)]:
            done.result()
    return Trace(values, seen, shape, getattr(rule, "name", "given"), why if not named else {})


def _networks(
    given: Any, net: Net | None, rule: str | Init, seeds: int | Iterable[int]
) -> tuple[Net, Weights | None, NDArray[np.uint64] | None, Any]:
    """The shape, and either weights with a leading axis or seeds and the rule."""
    if isinstance(given, Net):
        listed: list[Any] = [seeds] if isinstance(seeds, int) else list(seeds)
        if not listed or any(not isinstance(s, int | np.integer) or s < 0 for s in listed):
            raise InputError(f"trace: seeds = {seeds!r}: expected whole numbers of at least 0")
        return given, None, np.array(listed, dtype=np.uint64), init(rule)
    if not isinstance(given, Weights) or net is None:
        raise InputError(
            "trace: expected a Net, or Weights together with net=Net(…), which says the shape and "
            "the activations"
        )
    many = given if given.W[0].ndim == 3 else Weights(*(_lead(p) for p in _parts(given)))
    shapes = [w.shape[1:] for w in many.W]
    if shapes != list(zip(net.sizes, net.sizes[1:], strict=False)):
        raise InputError(f"trace: weights of shapes {shapes} do not fit {net!r}")
    wide = Weights(*(tuple(np.asarray(a, dtype=np.float64) for a in p) for p in _parts(many)))
    return net, wide, None, None


def _parts(weights: Weights) -> tuple[tuple[Any, ...], ...]:
    return weights.W, weights.b, weights.gamma, weights.beta


def _lead(arrays: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(a[None] for a in arrays)


def _chosen(metrics: Any) -> list[Metric]:
    """The records asked for, each once."""
    if isinstance(metrics, str) and metrics in ("cheap", "all"):
        return [m for m in SHELF if m.cheap or metrics == "all"]
    listed = [metrics] if isinstance(metrics, str | Metric) else list(metrics)
    return list({m.name: m for m in map(metric, listed)}.values())


def _lacks(m: Metric, net: Net, given: Points, loss: str | None) -> str | None:
    """What the metric needs and the data do not have, or None."""
    if "labels" in m.needs and (given.y is None or given.classes < 2):
        return "labels: pass (x, y) with whole-numbered classes"
    if "distances" in m.needs and given.distances is None:
        return "distances: pass (x, y, distances), or a data set whose boundary is known"
    if "ladder" in m.needs and given.ladder is None:
        return "a data set whose boundary is known, to walk away from it"
    if {"gradient", "last_gradient"} & m.needs:
        if given.y is None:
            return "targets for the loss: pass (x, y)"
        kind = loss or loss_of(net, given)
        if kind not in ("bce", "cross_entropy", "mse"):
            return f"a loss out of bce, cross_entropy and mse, not {kind!r}"
        fits = given.classes <= net.outputs if kind == "cross_entropy" else net.outputs == 1
        if not fits or (kind == "cross_entropy" and given.classes < 2):
            return f"outputs that fit {kind} and y: {net!r} has {net.outputs}"
    return None


def _wanted(layers: Iterable[int] | None, depth: int) -> frozenset[int]:
    """The layers to measure."""
    wanted = frozenset(range(depth + 1) if layers is None else layers)
    if not wanted <= set(range(depth + 1)):
        raise InputError(f"trace: layers = {sorted(wanted)!r}: expected numbers from 0 to {depth}")
    return wanted


def rounding_to(kind: str) -> Any:
    """The rounding of a format, or None for float64; int8 has one scale for each network."""
    if kind == "float64":
        return None
    if kind == "int8":
        return lambda h: round_int8(h, axes=(-2, -1))
    round_to(np.zeros(1), kind)  # an unknown format is refused before any work
    return lambda h: round_to(h, kind)


def _chunks(net: Net, points: int, networks: int) -> Iterator[slice]:
    """Slices of networks whose layers fit in the memory set aside."""
    each = 8 * 4 * points * (sum(net.hidden) + net.inputs)  # z, h, slopes, and a copy
    size = max(1, CHUNK_BYTES // each)
    yield from (slice(i, min(i + size, networks)) for i in range(0, networks, size))
