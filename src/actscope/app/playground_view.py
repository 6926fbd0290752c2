"""What the playground shows of one side: the plane, a hidden space, and every layer in numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actscope.app.playground_points import Points
from actscope.app.playground_run import Run
from actscope.engine import walk
from actscope.engine.part import Part
from actscope.engine.points import Points as Looked
from actscope.engine.spec import Net, Weights
from actscope.engine.trace import rounding_to
from actscope.metrics import metric

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]

FORMATS = ("float64", "float32", "bfloat16", "float16", "fp8_e4m3", "int8")
NOTHING = 255  # of a map whose values go from 0 to 254
GRID_LINES, GRID_POINTS, GRID_COARSE = 13, 49, 21  # of the input's grid; points while it runs
AWAY = ("planes", "hidden", "layers")
LEVELS = (0.05, 0.5, 0.95)
CHEAP = ("gradient_ratio", "spread", "dead_fraction", "saturated_fraction")
INPUT_HAS_NONE = ("gradient_ratio", "dead_fraction", "saturated_fraction")


@dataclass(frozen=True)
class View:
    """What the user looks at.

    Attributes:
        layer: whose space is shown; 0 is the input.
        mode: "units" or "pca".
        first, second: which units, from 0.
        point: whose signal is followed, (x₁, x₂).
        away: what is out of sight, out of AWAY, and waits for a pause.
    """

    layer: int = 2
    mode: str = "pca"
    first: int = 0
    second: int = 1
    point: tuple[float, float] | None = None
    away: frozenset[str] = frozenset()


def plane(points: Points, size: int) -> Floats:
    """The middles of the pixels of the plane, row by row from below, (size², 2)."""
    at = (np.arange(size) + 0.5) / size
    x, y = (low + at * (high - low) for low, high in zip(points.low, points.high, strict=True))
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


def probabilities(logits: Floats) -> Floats:
    """(networks, points, outputs) to (networks, points, classes)."""
    with np.errstate(all="ignore"):
        if logits.shape[-1] == 1:
            tail = np.exp(-np.abs(logits[..., 0]))
            p = np.where(logits[..., 0] >= 0.0, 1.0, tail) / (1.0 + tail)
            return np.stack([1.0 - p, p], axis=-1)
        e = np.exp(logits - logits.max(axis=-1, keepdims=True))
        return np.asarray(e / e.sum(axis=-1, keepdims=True))


def drawn_map(run: Run, size: int) -> dict[str, Any]:
    """The decision over the plane: the mean of the networks' probabilities.

    Returns:
        size; `map` (size, size) uint8, row 0 below: of two classes 254·p of class 1, of more
        254 times the largest probability; 255 is NaN. Of more than two classes also `class`.
    """
    logits = np.asarray(run.session.predict(plane(run.points, size)), dtype=np.float64)
    p = probabilities(logits).mean(axis=0)
    if run.points.classes == 2:
        return {"size": size, "map": _bytes(p[:, 1]).reshape(size, size)}
    best = np.where(np.isnan(p).any(axis=-1), 0, np.argmax(p, axis=-1)).astype(np.uint8)
    shown = _bytes(p.max(axis=-1)).reshape(size, size)
    return {"size": size, "map": shown, "class": best.reshape(size, size)}


def _bytes(p: Floats) -> Bytes:
    good = np.isfinite(p)
    return np.where(good, np.rint(254.0 * np.where(good, p, 0.0)), NOTHING).astype(np.uint8)


# --- a hidden space


@dataclass(eq=False)
class Space:
    """The space of a layer as it was drawn last, which the next drawing is turned towards."""

    key: tuple[Any, ...] = ()
    places: Floats | None = None


def grid_lines(points: Points, count: int = GRID_POINTS) -> Floats:
    """Lines across the plane, (2 · GRID_LINES, count, 2): columns, then rows."""
    low, high = points.low, points.high
    along = np.linspace(0.0, 1.0, count)
    across = np.linspace(0.0, 1.0, GRID_LINES)
    x, y = np.meshgrid(across, along, indexing="ij")
    unit = np.concatenate([np.stack([x, y], axis=-1), np.stack([y, x], axis=-1)])
    return low + unit * (high - low)


def hidden(run: Run, view: View, space: Space, fine: bool = True) -> dict[str, Any]:
    """The training points and the input's grid as a layer of the first network has them.

    Args:
        run: whose.
        view: which layer, which axes.
        space: what was drawn before; kept up to date.
        fine: whether the grid's lines have many points.

    Returns:
        places (points, 2); lines (2 · GRID_LINES, 49 or 21, 2); kept, the share of the
        layer's variance that the two axes show; spread, the standard deviation of its outputs;
        axes, what they are.
    """
    layer = min(view.layer, run.net.depth)
    lines = grid_lines(run.points, GRID_POINTS if fine else GRID_COARSE)
    x = np.concatenate([run.points.x, lines.reshape(-1, 2)])
    weights = first_network(run)
    h = x
    if layer:
        h = walk.forward(up_to(run.net, layer), weights, x, slopes=False)[-1].h[0]
    cloud, rest = h[: len(run.points.x)], h[len(run.points.x) :]
    with np.errstate(all="ignore"):
        flat, kept, axes = _flattened(cloud, rest, layer, view)
        places, moved = _aligned(flat, space, (layer, view.mode, view.first, view.second))
        spread = float(metric("spread")(run.points.x, cloud))
    return {
        "layer": layer,
        "places": places.astype(np.float32),
        "lines": moved.reshape(lines.shape).astype(np.float32),
        "kept": kept,
        "spread": spread,
        "axes": axes,
    }


def first_network(run: Run) -> Weights:
    """Of the first seed, with a leading axis of one, float64."""
    return run.weights.network(slice(0, 1))


def up_to(net: Net, layer: int) -> Net:
    """The first layers of a net, so that no more is computed than is shown."""
    hidden, phi = net.hidden[:layer], net.activations[:layer]
    return Net(net.inputs, hidden, net.outputs, phi, net.norm, net.residual)


def _flattened(
    cloud: Floats, rest: Floats, layer: int, view: View
) -> tuple[tuple[Floats, Floats], float, tuple[str, str]]:
    """Cloud and grid in two dimensions, the share of the variance kept, and the axes' names."""
    total = float(cloud.var(axis=0).sum())
    if layer == 0:
        return (cloud, rest), 1.0, ("x₁", "x₂")
    if view.mode == "units":
        width = cloud.shape[1]
        pick = [min(view.first, width - 1), min(view.second, width - 1)]
        kept = float(cloud[:, pick].var(axis=0).sum()) / total if total > 0.0 else np.nan
        names = (f"unit {pick[0] + 1}", f"unit {pick[1] + 1}")
        return (cloud[:, pick], rest[:, pick]), kept, names
    finite = bool(np.isfinite(cloud).all())
    mean = cloud.mean(axis=0)
    centred = cloud - mean if finite else np.zeros_like(cloud)
    # the small matrix's eigenvectors: ten times as quick as the cloud's singular vectors
    power, directions = np.linalg.eigh(centred.T @ centred)
    axes = directions[:, :-3:-1]
    if axes.shape[1] < 2:
        axes = np.concatenate([axes, np.zeros_like(axes)], axis=1)
    whole = float(power.sum())
    kept = float(power[-2:].sum()) / whole if finite and whole > 0.0 else np.nan
    names = ("principal plane", "principal plane")
    return ((cloud - mean) @ axes, (rest - mean) @ axes), kept, names


def _aligned(
    flat: tuple[Floats, Floats], space: Space, key: tuple[Any, ...]
) -> tuple[Floats, Floats]:
    """On principal axes, turned or mirrored towards the last drawing: orthogonal Procrustes."""
    cloud, rest = flat
    before, same = space.places, space.key == key
    if key[1] == "pca" and key[0] and same and before is not None and before.shape == cloud.shape:
        with np.errstate(all="ignore"):
            product = cloud.T @ before
        if np.isfinite(product).all():
            u, _, v = np.linalg.svd(product)
            cloud, rest = cloud @ (u @ v), rest @ (u @ v)
    space.key, space.places = key, cloud
    return cloud, rest


# --- every layer in numbers


def looked_at(points: Points, distances: bool) -> Looked:
    """What the metrics look at: the training set."""
    far = points.distances if distances else None
    return Looked(points.x, points.y, far, points.classes)


def layers(run: Run) -> dict[str, Any]:
    """Gradient, spread, dead and saturated share by layer: (levels, depth + 1) each.

    Column 0 is the input, which has a spread only. Of many networks the 5 %, 50 % and 95 %
    levels, of one the number itself.
    """
    weights = run.weights
    part = Part(run.net, weights, looked_at(run.points, False), run.points.loss, None, False)
    wanted = frozenset(range(run.net.depth + 1))
    result = {}
    for name in CHEAP:
        values = part.measure(metric(name), wanted)
        if name in INPUT_HAS_NONE:
            values[:, 0] = np.nan
        result[name] = levels(values)
    return result


def fidelity(run: Run, rows: slice) -> tuple[str, Floats]:
    """What a linear reader recovers of each layer, after rounding to each format.

    Returns:
        The metric: "distance_fidelity", where the true boundary is known, else
        "probe_accuracy"; and its values (formats, networks, depth + 1).
    """
    known = run.points.distances is not None
    name = "distance_fidelity" if known else "probe_accuracy"
    weights = run.weights.network(rows)
    whole = Part(run.net, weights, looked_at(run.points, known), run.points.loss, None, False)
    wanted = frozenset(range(run.net.depth + 1))
    found = []
    for kind in FORMATS:
        rounding = rounding_to(kind)
        part = whole if rounding is None else whole.rounded(rounding)
        found.append(part.measure(metric(name), wanted))
    return name, np.stack(found)


def signal(run: Run, point: tuple[float, float]) -> dict[str, Any]:
    """The mean magnitude of a point's signal at every stage, and what the networks say of it.

    Returns:
        stages: "x", "z₁", "h₁", …, "logit"; magnitude (levels, stages); said (classes,), the
        mean probability of each class.
    """
    x = np.array([point], dtype=np.float64)
    weights = run.weights
    steps = walk.forward(run.net, weights, x, slopes=False)
    out = walk.logits(weights, steps[-1].h)
    clouds = [np.broadcast_to(x, (len(out), 1, 2))]
    names = ["x"]
    for l, step in enumerate(steps, 1):
        clouds += [step.z, step.h]
        names += [f"z{_low(l)}", f"h{_low(l)}"]
    size = metric("mean_magnitude").f  # without its checks, which take longer than the mean
    values = np.stack([size(x, cloud) for cloud in [*clouds, out]], axis=1)
    said = probabilities(out).mean(axis=0)[0]
    return {"stages": [*names, "logit"], "magnitude": levels(values), "said": said}


def _low(number: int) -> str:
    """A number in subscript digits."""
    return "".join(chr(0x2080 + int(digit)) for digit in str(number))


def levels(values: Floats) -> Floats:
    """Of many networks the 5 %, 50 % and 95 % levels, of one the number: (1 | 3, …)."""
    if len(values) == 1:
        return values
    ranked = np.where(np.isnan(values), np.inf, values)  # what is lost counts as worst
    found = np.quantile(ranked, LEVELS, axis=0, method="inverted_cdf")
    return np.where(np.isfinite(found), found, np.nan)
