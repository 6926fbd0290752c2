"""What can be seen of a network before it is trained, from its first mini-batches.

Everything is measured on two halves of the first training points: one that the kernel flow learns
from, one that is held back. The test set plays no part.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actscope.engine import walk
from actscope.engine.spec import Net, Training, Weights
from actscope.engine.starts import draw
from actscope.inits._lookup import init
from actscope.metrics._base import decomposed
from actscope.metrics._lookup import metric
from actscope.searches.flow import CURVATURE, kernel_flow
from actscope.searches.ntk import tangent_kernel
from actscope.study.cell import Cell
from actscope.study.points import Split, split

Floats = NDArray[np.float64]

POINTS = 128  # that the flow learns from, and as many held back
NETWORKS = 3  # drawn for a cell
FLOOR = 1e-30  # under which a number is taken for gone: its logarithm stays one
HUGE = 1e100  # from which a product may be no number
MOST = 30.0  # the logarithm of what is not finite

# name -> what it says, and whether more is better (+1) or worse (−1)
SIGNALS = {
    "ntk_accuracy": ("held-back accuracy of the kernel flow", 1),
    "ntk_loss": ("log10 of its held-back loss", -1),
    "step_size": ("log10 of lr × curvature × largest kernel eigenvalue / 2", -1),
    "gradient_min": ("log10 of the smallest layer's gradient norm", 1),
    "gradient_ratio": ("|log10| of first layer's over last layer's gradient norm", -1),
    "effective_rank": ("effective rank of the last hidden layer", 1),
    "probe_accuracy": ("linear probe of the classes at the last hidden layer", 1),
    "distance_fidelity": ("R² of the distance to the boundary there", 1),
    "chi": ("Σ |ln χ| over the hidden layers", -1),
    "parameters": ("log10 of the number of parameters", 1),
}


@dataclass(frozen=True, eq=False)
class Seen:
    """The signals of one cell.

    Attributes:
        values: by name, means over the networks; NaN where a signal has no meaning.
        networks: by name, (networks,).
    """

    values: dict[str, float]
    networks: dict[str, Floats]


def signals(cell: Cell, seeds: Sequence[int] = range(NETWORKS), points: int = POINTS) -> Seen:
    """Look at untrained networks of a cell.

    Args:
        cell: a network, its init, data and training, lr and epochs included.
        seeds: of the networks' weights; as in training, a seed alone decides them.
        points: that the flow learns from; as many more are held back.

    Raises:
        InputError: the init does not apply, or the data set has no such points.
    """
    data, net, training = data_of(cell), cell.net(), cell.training()
    x = data.x[: shown(len(data.y), points)]
    drawn = np.asarray(seeds, dtype=np.uint64)
    weights = draw(net, init(cell.init), drawn, data.x)
    steps = walk.forward(net, weights, x)
    found = _flow_signals(net, training, weights, steps, x, data)
    found |= _layer_signals(net, training, weights, steps, x, data)
    found["parameters"] = np.full(len(drawn), math.log10(net.parameters))
    return Seen({name: _mean(found[name]) for name in SIGNALS}, {n: found[n] for n in SIGNALS})


def data_of(cell: Cell) -> Split:
    """The points that a cell is trained on."""
    return split(cell.data, cell.points, cell.test_share, cell.data_seed)


def shown(training: int, points: int = POINTS) -> int:
    """How many training points are looked at, an even number: half of them are held back."""
    return 2 * min(points, training // 2)


def _mean(values: Floats) -> float:
    """The mean of what is not NaN; NaN where nothing is."""
    held = values[~np.isnan(values)]
    return float(held.mean()) if held.size else math.nan


def budget(training: Training, points: int, gradient_rms: Floats) -> Floats | float:
    """Learning rate × steps of a training: the time that a gradient flow has.

    Momentum carries every step 1/(1 − m) times. Adam divides by the root mean square of each
    gradient, which is taken for the one at the start.
    """
    steps = training.epochs * math.ceil(points / training.batch)
    time = training.lr * steps
    if training.optimiser == "momentum":
        return time / (1.0 - training.momentum)
    if training.optimiser in ("adam", "adamw"):
        return np.asarray(time / np.maximum(gradient_rms, training.eps))
    return time


def _flow_signals(
    net: Net, training: Training, weights: Weights, steps: list[walk.Step], x: Floats, data: Split
) -> dict[str, Floats]:
    """Where the kernel flow ends in the training's budget, one value a network."""
    n, loss = len(x) // 2, training.loss
    out = walk.logits(weights, steps[-1].h)
    readout = np.full(net.outputs, net.outputs**-0.5) * _signs(net.outputs)
    kernel = tangent_kernel(net, weights, x, readout, steps)
    kernels, outs = ((np.abs(a) < HUGE).all(axis=(-2, -1)) for a in (kernel, out))
    finite: NDArray[np.bool_] = np.asarray(kernels & outs)
    kernel = np.where(finite[:, None, None], kernel, 0.0)  # a network of no numbers learns nothing
    out = np.where(finite[:, None, None], out, 0.0)
    y = targets(data.y[: len(x)], loss, net.outputs)
    first = slope(out[:, :n], data.y[:n], loss)
    squared = np.einsum("kio,kij,kjo->k", first, kernel[:, :n, :n], first) / n**2
    rms = np.sqrt(np.maximum(squared, 0.0) / net.parameters)
    end = kernel_flow(
        kernel[:, :n, :n], kernel[:, n:, :n], out[:, :n], out[:, n:], y[:n],
        budget(training, len(data.y), rms), loss,
    )  # fmt: skip
    steepest = CURVATURE.get(loss, 2.0) * end.values[:, -1] / n
    return {
        "ntk_accuracy": np.where(finite, accuracy(end.others, y[n:], loss), 0.0),
        "ntk_loss": np.where(finite, log10(mean_loss(end.others, y[n:], loss)), MOST),
        "step_size": np.where(finite, log10(steepest * training.lr / 2.0), MOST),
    }


def _signs(outputs: int) -> Floats:
    """Signs that weigh all outputs alike and add up to about nothing."""
    return np.where(np.arange(outputs) % 2 == 0, 1.0, -1.0)


def targets(y: NDArray[np.generic], loss: str, outputs: int) -> Floats:
    """(points, outputs): indicators of the class for cross_entropy, else y itself."""
    if loss == "cross_entropy":
        return np.eye(outputs)[np.asarray(y, dtype=np.int64)]
    return np.asarray(y, dtype=np.float64).reshape(len(y), outputs)


def slope(f: Floats, y: NDArray[Any], loss: str) -> Floats:
    """The gradient of each point's own loss in its logits, (networks, points, outputs)."""
    return np.asarray(walk.loss_slope(loss, f, y) * f.shape[-2])


def accuracy(f: Floats, y: Floats, loss: str) -> Floats:
    """The share of points whose class is right, (networks,); NaN for mse."""
    if loss == "mse":
        return np.full(len(f), math.nan)
    if loss == "bce":
        return np.asarray(((f >= 0.0) == (y > 0.5)).all(axis=-1).mean(axis=-1))
    return np.asarray((f.argmax(axis=-1) == y.argmax(axis=-1)).mean(axis=-1))


def mean_loss(f: Floats, y: Floats, loss: str) -> Floats:
    """The loss of logits, (networks,)."""
    if loss == "mse":
        return np.asarray(((f - y) ** 2).mean(axis=(-2, -1)))
    if loss == "bce":
        return np.asarray((np.logaddexp(0.0, f) - y * f).mean(axis=(-2, -1)))
    top = f.max(axis=-1, keepdims=True)
    log = top[..., 0] + np.log(np.exp(f - top).sum(axis=-1))
    return np.asarray((log - (f * y).sum(axis=-1)).mean(axis=-1))


def _layer_signals(
    net: Net, training: Training, weights: Weights, steps: list[walk.Step], x: Floats, data: Split
) -> dict[str, Floats]:
    """Gradients, the last layer's geometry and χ, one value a network."""
    y, last = data.y[: len(x)], steps[-1].h
    slopes = walk.loss_slope(training.loss, walk.logits(weights, last), y)
    logs = log10(walk.gradient_norms(net, weights, x, steps, slopes))
    spectrum, coordinates = decomposed(np.where(np.isfinite(last), last, 0.0))
    no = np.full(len(last), math.nan)
    known = {"spectrum": spectrum, "coordinates": coordinates}
    probe, rank, fidelity = map(metric, ("probe_accuracy", "effective_rank", "distance_fidelity"))
    near = _distances(data, len(x))
    return {
        "gradient_min": logs.min(axis=1),
        "gradient_ratio": np.abs(logs[:, 0] - logs[:, -1]),
        "effective_rank": np.nan_to_num(rank(x, last, **known), nan=0.0),
        "probe_accuracy": probe(x, last, labels=y, **known) if data.law.classes else no,
        "distance_fidelity": no if near is None else fidelity(x, last, distances=near, **known),
        "chi": chi(net, weights, steps),
    }


@functools.lru_cache(maxsize=16)
def _distances(data: Split, count: int) -> Floats | None:
    """Of the first points from the true boundary, if it is known."""
    if data.law.boundary is None:
        return None
    return np.asarray(data.law.boundary(data.x[:count]), dtype=np.float64)


def log10(values: Floats) -> Floats:
    """log10, kept a number: 0 is FLOOR, what is not finite is its inverse."""
    with np.errstate(invalid="ignore"):
        clipped = np.clip(np.nan_to_num(values, nan=1 / FLOOR, posinf=1 / FLOOR), FLOOR, 1 / FLOOR)
    return np.asarray(np.log10(clipped))


def chi(net: Net, weights: Weights, steps: list[walk.Step]) -> Floats:
    """Σ |ln χ_l| over the hidden layers that follow one another, (networks,).

    χ_l = fan_in · mean(W_l²) · mean(φ'(z_l)²), the factor of a squared gradient in layer l: of
    mean-field theory, with the weights that were drawn and the slopes that the points meet. With
    layer normalisation times mean(1/σ²); with a residual plus 1.
    """
    total = np.zeros(len(weights.W[0]))
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for l in range(1, net.depth):
            step = steps[l]
            factor = net.hidden[l - 1] * (weights.W[l] ** 2).mean(axis=(-2, -1))
            factor = factor * (step.slopes**2).mean(axis=(-2, -1))
            if step.inverse is not None:
                factor = factor * (step.inverse**2).mean(axis=(-2, -1))
            total += np.abs(math.log(10.0) * log10(factor + net.skips[l]))
    return total
