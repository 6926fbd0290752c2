"""What can be seen of a network before it is trained, from its first mini-batches.

Everything is measured on two halves of the first training points: one that the kernel flow learns
from, one that is held back. The test set plays no part.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

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

POINTS = 64  # that the flow learns from, and as many held back
NETWORKS = 3  # drawn for a cell
FLOOR = 1e-30  # under which a gradient is taken for gone: its logarithm stays a number
MOST = 1e6  # of a logarithm: what is not finite counts as that far from 1

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
    data, net, training = _data(cell), cell.net(), cell.training()
    count = min(points, len(data.y) // 2)
    x = data.x[: 2 * count]
    drawn = np.asarray(seeds, dtype=np.uint64)
    weights = draw(net, init(cell.init), drawn, data.x)
    found = _flow_signals(net, training, weights, x, data, count)
    found |= _layer_signals(net, training, weights, x, data)
    found["parameters"] = np.full(len(drawn), math.log10(net.parameters))
    return Seen({name: _mean(found[name]) for name in SIGNALS}, {n: found[n] for n in SIGNALS})


def _data(cell: Cell) -> Split:
    return split(cell.data, cell.points, cell.test_share, cell.data_seed)


def _mean(values: Floats) -> float:
    """The mean of what is not NaN; NaN where nothing is."""
    held = values[~np.isnan(values)]
    return float(held.mean()) if held.size else math.nan


def budget(training: Training, points: int, gradient_rms: float) -> float:
    """Learning rate × steps of a training: the time that a gradient flow has.

    Momentum carries every step 1/(1 − m) times. Adam divides by the root mean square of each
    gradient, which is taken for the one at the start.
    """
    steps = training.epochs * math.ceil(points / training.batch)
    time = training.lr * steps
    if training.optimiser == "momentum":
        return time / (1.0 - training.momentum)
    if training.optimiser in ("adam", "adamw"):
        return time / max(gradient_rms, training.eps)
    return time


def _flow_signals(
    net: Net, training: Training, weights: Weights, x: Floats, data: Split, count: int
) -> dict[str, Floats]:
    """Where the kernel flow ends in the training's budget, one value a network."""
    steps = walk.forward(net, weights, x)
    out = walk.logits(weights, steps[-1].h)
    readout = np.full(net.outputs, net.outputs**-0.5) * _signs(net.outputs)
    kernels = tangent_kernel(net, weights, x, readout, steps)
    y = targets(data.y[: 2 * count], training.loss, net.outputs)
    rows = [
        _one_flow(kernel, logits, y, training, len(data.y), net.parameters, count)
        for kernel, logits in zip(kernels, out, strict=True)
    ]
    names = ("ntk_accuracy", "ntk_loss", "step_size")
    return dict(zip(names, np.array(rows).T, strict=True))


def _signs(outputs: int) -> Floats:
    """Signs that weigh all outputs alike and add up to about nothing."""
    return np.where(np.arange(outputs) % 2 == 0, 1.0, -1.0)


def targets(y: NDArray[np.generic], loss: str, outputs: int) -> Floats:
    """(points, outputs): indicators of the class for cross_entropy, else y itself."""
    if loss == "cross_entropy":
        return np.eye(outputs)[np.asarray(y, dtype=np.int64)]
    return np.asarray(y, dtype=np.float64).reshape(len(y), outputs)


def _one_flow(
    kernel: Floats,
    logits: Floats,
    y: Floats,
    training: Training,
    points: int,
    parameters: int,
    n: int,
) -> tuple[float, float, float]:
    """Held-back accuracy, log10 of held-back loss, log10 of the step over the stable one."""
    if not (np.isfinite(kernel).all() and np.isfinite(logits).all()):
        return math.nan if training.loss == "mse" else 0.0, MOST, MOST
    first = slope(logits[:n], y[:n], training.loss)
    squared = float(np.einsum("io,ij,jo->", first, kernel[:n, :n], first)) / n**2
    rms = math.sqrt(max(squared, 0.0) / parameters)
    time = budget(training, points, rms)
    end = kernel_flow(
        kernel[:n, :n], kernel[n:, :n], logits[:n], logits[n:], y[:n], time, training.loss
    ).others
    largest = float(np.linalg.eigvalsh(kernel[:n, :n])[-1]) / n
    sharpness = CURVATURE.get(training.loss, 2.0) * largest * training.lr / 2.0
    return (
        accuracy(end, y[n:], training.loss),
        math.log10(max(mean_loss(end, y[n:], training.loss), FLOOR)),
        math.log10(max(sharpness, FLOOR)),
    )


def slope(f: Floats, y: Floats, loss: str) -> Floats:
    """The gradient of each point's own loss in its logits, (points, outputs)."""
    each = y.argmax(axis=-1) if loss == "cross_entropy" else y
    return np.asarray(walk.loss_slope(loss, f[None], each)[0] * len(f))


def accuracy(f: Floats, y: Floats, loss: str) -> float:
    """The share of points whose class is right; NaN for mse."""
    if loss == "mse":
        return math.nan
    if loss == "bce":
        return float(((f >= 0.0) == (y > 0.5)).all(axis=-1).mean())
    return float((f.argmax(axis=-1) == y.argmax(axis=-1)).mean())


def mean_loss(f: Floats, y: Floats, loss: str) -> float:
    """The loss of logits."""
    if loss == "mse":
        return float(((f - y) ** 2).mean())
    if loss == "bce":
        return float(np.mean(np.logaddexp(0.0, f) - y * f))
    top = f.max(axis=-1, keepdims=True)
    log = top[:, 0] + np.log(np.exp(f - top).sum(axis=-1))
    return float(np.mean(log - (f * y).sum(axis=-1)))


def _layer_signals(
    net: Net, training: Training, weights: Weights, x: Floats, data: Split
) -> dict[str, Floats]:
    """Gradients, the last layer's geometry and χ, one value a network."""
    y = data.y[: len(x)]
    steps = walk.forward(net, weights, x)
    out = walk.logits(weights, steps[-1].h)
    norms = walk.gradient_norms(net, weights, x, steps, walk.loss_slope(training.loss, out, y))
    logs = log10(norms)
    last = steps[-1].h
    spectrum, coordinates = decomposed(np.where(np.isfinite(last), last, 0.0))
    near = None if data.law.boundary is None else data.law.boundary(x)
    no = np.full(len(last), math.nan)
    known = {"spectrum": spectrum, "coordinates": coordinates}
    probe, rank, fidelity = map(metric, ("probe_accuracy", "effective_rank", "distance_fidelity"))
    return {
        "gradient_min": logs.min(axis=1),
        "gradient_ratio": np.abs(logs[:, 0] - logs[:, -1]),
        "effective_rank": np.nan_to_num(rank(x, last, **known), nan=0.0),
        "probe_accuracy": probe(x, last, labels=y, **known) if data.law.classes else no,
        "distance_fidelity": no if near is None else fidelity(x, last, distances=near, **known),
        "chi": chi(net, weights, steps),
    }


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
