"""`trace`: every layer of many networks measured, at the start or after training."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from actscope.engine import walk
from actscope.engine.points import Points, look
from actscope.engine.spec import Net, Weights
from actscope.engine.starts import draw
from actscope.errors import InputError
from actscope.inits import Init, init
from actscope.maths.formats import round_int8, round_to
from actscope.metrics import SHELF, Metric, metric
from actscope.metrics._base import decomposed
from actscope.metrics._pieces import Layer, Pieces, piecewise_linear

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
CHUNK_BYTES = 1 << 26  # of layer outputs held at once, in each thread
JACOBIAN_POINTS, CURVE_POINTS = 16, 256


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
    parts = [(kind, rows) for kind in formats for rows in _chunks(shape, len(given.x), count)]
    roundings = {kind: _rounding(kind) for kind in formats}

    def measure(kind: str, rows: slice) -> None:
        part = _Part(shape, weights.network(rows), given, loss, roundings[kind], hand_on)
        for m in records:
            values[m.name, kind][rows] = part.measure(m, wanted)

    with ThreadPoolExecutor(min(len(parts), os.cpu_count() or 1)) as pool:
        for done in [pool.submit(measure, kind, rows) for kind, rows in parts]:
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
        kind = loss or _loss(net, given)
        if kind not in ("bce", "cross_entropy", "mse"):
            return f"a loss out of bce, cross_entropy and mse, not {kind!r}"
        fits = given.classes <= net.outputs if kind == "cross_entropy" else net.outputs == 1
        if not fits or (kind == "cross_entropy" and given.classes < 2):
            return f"outputs that fit {kind} and y: {net!r} has {net.outputs}"
    return None


def _loss(net: Net, given: Points) -> str:
    """The loss that fits the data."""
    if given.classes < 2:
        return "mse"
    return "bce" if given.classes == 2 and net.outputs == 1 else "cross_entropy"


def _wanted(layers: Iterable[int] | None, depth: int) -> frozenset[int]:
    """The layers to measure."""
    wanted = frozenset(range(depth + 1) if layers is None else layers)
    if not wanted <= set(range(depth + 1)):
        raise InputError(f"trace: layers = {sorted(wanted)!r}: expected numbers from 0 to {depth}")
    return wanted


def _rounding(kind: str) -> Any:
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


class _Part:
    """Some networks in one number format, and what their metrics need, computed when asked."""

    def __init__(
        self,
        net: Net,
        weights: Weights,
        given: Points,
        loss: str | None,
        rounding: Any,
        hand_on: bool,
    ) -> None:
        self.net, self.weights, self.given = net, weights, given
        self.loss = loss or _loss(net, given)
        self.rounding, self.hand_on = rounding, hand_on
        self.count = len(weights.W[0])
        self._spectra: dict[int, tuple[Floats, Floats]] = {}

    def measure(self, m: Metric, wanted: frozenset[int]) -> Floats:
        """(networks, depth + 1); column 0 is the input; NaN for layers that are not wanted."""
        x, layers = self._clouds(m)
        columns = []
        for l, h in enumerate(layers):
            if l not in wanted:
                columns.append(np.full(self.count, np.nan))
                continue
            if l == 0:  # one cloud for all networks, but a gradient of each
                h = h if m.needs & {"gradient"} else h[:1]
            context = {n: self._need(n, l, len(h)) for n in m.needs - {"curve", "ladder"}}
            if not m.needs & {"curve", "ladder"}:
                context["finite"] = self._finite[l][: len(h)]
            columns.append(np.broadcast_to(m(x, h, **context), self.count))
        return np.stack(columns, axis=1)

    def _clouds(self, m: Metric) -> tuple[Floats, list[Floats]]:
        """The points that the metric looks at, and what each layer makes of them."""
        if "curve" in m.needs:
            return self._curve
        if "ladder" in m.needs:
            assert self.given.ladder is not None
            return self.given.ladder, self._outputs(self.given.ladder)
        return self.given.x, self._data

    @functools.cached_property
    def _steps(self) -> list[walk.Step]:
        carry = self.rounding if self.hand_on else None
        return walk.forward(self.net, self.weights, self.given.x, carry)

    @functools.cached_property
    def _data(self) -> list[Floats]:
        return self._rounded(self.given.x, self._steps)

    @functools.cached_property
    def _finite(self) -> list[NDArray[np.bool_]]:
        return [np.asarray(np.isfinite(h).all(axis=(-2, -1))) for h in self._data]

    def _decomposed(self, l: int) -> tuple[Floats, Floats]:
        """Singular values and coordinates of a layer, made once for all metrics."""
        if l not in self._spectra:
            h = self._data[l] if l else self._data[l][:1]
            h = np.where(self._finite[l][: len(h), None, None], h, 0.0)
            self._spectra[l] = decomposed(h)
        return self._spectra[l]

    @functools.cached_property
    def _curve(self) -> tuple[Floats, list[Floats]]:
        """A circle through the data: its first two principal directions, of their mean spread."""
        x = self.given.x
        mean = x.mean(axis=0)
        _, s, directions = np.linalg.svd(x - mean, full_matrices=False)
        plane = directions[:2] if len(directions) > 1 else np.eye(2, x.shape[1])
        radius = float(np.linalg.norm(s[:2]) / np.sqrt(len(x))) or 1.0
        angle = np.linspace(0.0, 2.0 * np.pi, CURVE_POINTS + 1)
        curve = mean + radius * np.stack([np.cos(angle), np.sin(angle)], axis=1) @ plane
        curve[-1] = curve[0]
        return curve, self._outputs(curve)

    def _outputs(self, x: Floats) -> list[Floats]:
        carry = self.rounding if self.hand_on else None
        return self._rounded(x, walk.forward(self.net, self.weights, x, carry, slopes=False))

    def _rounded(self, x: Floats, steps: list[walk.Step]) -> list[Floats]:
        clouds = [np.broadcast_to(x, (self.count, *x.shape)), *(s.h for s in steps)]
        if self.rounding is None:
            return clouds
        return [np.asarray(self.rounding(c), dtype=np.float64) for c in clouds]

    def _need(self, name: str, l: int, networks: int) -> Any:
        """What a metric asks for at layer l (0: the input)."""
        if name == "labels":
            return self.given.y
        if name == "distances":
            return self.given.distances
        if name == "slopes":
            return self._steps[l - 1].slopes if l else np.ones((networks, *self.given.x.shape))
        if name == "steepest":
            return steepest(self.net.activations[l - 1]) if l else 1.0
        if name in ("spectrum", "coordinates"):
            both = self._decomposed(l)
            return (both[0] if name == "spectrum" else both[1])[:networks]
        if name == "gradient":  # of the weights that make this layer; the input has none
            return self._gradients[:, l - 1] if l else np.full(self.count, np.nan)
        if name == "last_gradient":
            return self._gradients[:, -1]
        if name == "jacobian":
            return self._jacobians[l][:networks]
        return self._pieces(l, networks) if name == "network" else None

    @functools.cached_property
    def _gradients(self) -> Floats:
        assert self.given.y is not None
        out = walk.logits(self.weights, self._steps[-1].h)
        slope = walk.loss_slope(self.loss, out, self.given.y)
        return walk.gradient_norms(self.net, self.weights, self.given.x, self._steps, slope)

    @functools.cached_property
    def _jacobians(self) -> list[Floats]:
        points = min(JACOBIAN_POINTS, len(self.given.x))
        first = np.broadcast_to(
            np.eye(self.net.inputs), (self.count, points, self.net.inputs, self.net.inputs)
        )
        return [first, *walk.jacobians(self.net, self.weights, self._steps, points)]

    def _pieces(self, l: int, networks: int) -> NDArray[Any]:
        """The first l layers of each network, with a segment and a box that the data span."""
        x = self.given.x
        mean = x.mean(axis=0)
        _, s, directions = np.linalg.svd(x - mean, full_matrices=False)
        reach = 2.0 * float(s[0]) / np.sqrt(len(x)) * directions[0]
        bent = any(
            not piecewise_linear(phi.slope_at, phi.kink_points) for phi in self.net.activations[:l]
        )
        smooth = bool(l) and (self.net.norm or bent)
        result = np.empty(networks, dtype=object)
        for i in range(networks):
            layers = tuple(
                Layer(self.weights.W[j][i], self.weights.b[j][i], phi, phi.kink_points, skip)
                for j, (phi, skip) in enumerate(
                    zip(self.net.activations[:l], self.net.skips, strict=False)
                )
            )
            box = x.min(axis=0), x.max(axis=0)
            result[i] = Pieces(layers, mean - reach, mean + reach, *box, smooth)
        return result


@functools.lru_cache(maxsize=256)
def steepest(phi: Any) -> float:
    """The largest |φ'| over −50 … 50, on a grid that is fine around 0 and at the kinks.

    Example:
        >>> from actscope.activations import activation
        >>> steepest(activation("sigmoid"))
        0.25
    """
    fine = np.concatenate([np.linspace(-10.0, 10.0, 20_001), np.linspace(-50.0, 50.0, 10_001)])
    beside = [k + s for k in phi.kink_points for s in (-1e-6, 1e-6)]
    return float(np.abs(phi.slope_at(np.concatenate([fine, beside]))).max())
