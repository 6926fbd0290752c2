"""Many networks of one shape walked at once, with all that a layer leaves to be measured.

The plain NumPy forward and backward of `reference`, with one leading axis of networks, and the
Jacobians from input to layer. Tests hold the two together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actscope.engine.spec import NORM_EPSILON, Net, Weights

Floats = NDArray[np.float64]
Round = Callable[[Floats], Floats]


@dataclass(frozen=True, eq=False)
class Step:
    """One hidden layer of many networks; every array is (networks, points, width).

    Attributes:
        z: what the activation is applied to.
        h: what the layer hands on.
        slopes: φ'(z).
        centred, inverse: as in `reference.Layer`, with norm.
    """

    z: Floats
    h: Floats
    slopes: Floats
    centred: Floats | None = None
    inverse: Floats | None = None


def forward(
    net: Net, weights: Weights, x: Floats, hand_on: Round | None = None, *, slopes: bool = True
) -> list[Step]:
    """Every hidden layer of every network.

    Args:
        net: the shape.
        weights: leading axis networks, float64.
        x: (points, inputs).
        hand_on: rounds a layer's output before the next layer sees it; None hands on float64.
        slopes: False leaves the slopes out, as empty arrays.

    Returns:
        One Step a hidden layer. Overflow gives infinities and NaN, as data.
    """
    steps: list[Step] = []
    h = np.broadcast_to(x, (len(weights.W[0]), *x.shape))
    with np.errstate(over="ignore", invalid="ignore"):
        for l, phi in enumerate(net.activations):
            z = h @ weights.W[l] + weights.b[l][:, None, :]
            centred = inverse = None
            if net.norm:
                inverse = 1.0 / np.sqrt(z.var(axis=-1, keepdims=True) + NORM_EPSILON)
                centred = (z - z.mean(axis=-1, keepdims=True)) * inverse
                z = weights.gamma[l][:, None, :] * centred + weights.beta[l][:, None, :]
            out: Floats = np.asarray(phi(z), dtype=np.float64) + (h if net.skips[l] else 0.0)
            h = out if hand_on is None else hand_on(out)
            slope = np.asarray(phi.slope_at(z) if slopes else np.empty(0), dtype=np.float64)
            steps.append(Step(z, h, slope, centred, inverse))
    return steps


def logits(weights: Weights, last: Floats) -> Floats:
    """The output layer, (networks, points, outputs)."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(last @ weights.W[-1] + weights.b[-1][:, None, :])


def gradient_norms(
    net: Net, weights: Weights, x: Floats, steps: list[Step], slope: Floats
) -> Floats:
    """Frobenius norms of the loss's gradient in every W.

    Args:
        net: the shape.
        weights: leading axis networks.
        x: (points, inputs).
        steps: of `forward`.
        slope: (networks, points, outputs), the gradient of the mean loss in the logits.

    Returns:
        (networks, depth + 1).
    """
    norms = []
    with np.errstate(over="ignore", invalid="ignore"):
        d = slope
        for l in reversed(range(net.depth + 1)):
            below = steps[l - 1].h if l else np.broadcast_to(x, (len(d), *x.shape))
            dz = _through(net, weights, l, steps[l], d) if l < net.depth else d
            norms.append(np.linalg.norm(below.swapaxes(-1, -2) @ dz, axis=(-2, -1)))
            skip = d if l < net.depth and net.skips[l] else 0.0
            d = dz @ weights.W[l].swapaxes(-1, -2) + skip
    return np.stack(norms[::-1], axis=1)


def _through(net: Net, weights: Weights, l: int, step: Step, d: Floats) -> Floats:
    """From a gradient in φ(z) to the gradient in x @ W + b."""
    dz = d * step.slopes
    if step.centred is None or step.inverse is None:
        return dz
    return norm_slope(dz * weights.gamma[l][:, None, :], step.centred, step.inverse)


def norm_slope(d: Floats, centred: Floats, inverse: Floats) -> Floats:
    """The symmetric derivative of layer normalisation, applied to the last axis of d."""
    along = (d * centred).mean(axis=-1, keepdims=True)
    return np.asarray(inverse * (d - d.mean(axis=-1, keepdims=True) - centred * along))


def jacobians(net: Net, weights: Weights, steps: list[Step], points: int) -> list[Floats]:
    """The derivative of every hidden layer's output in the input, at the first few points.

    Returns:
        One (networks, points, width, inputs) a hidden layer.
    """
    networks = len(weights.W[0])
    turned = np.broadcast_to(np.eye(net.inputs), (networks, points, net.inputs, net.inputs))
    result = []
    with np.errstate(over="ignore", invalid="ignore"):
        for l, step in enumerate(steps):
            move = turned @ weights.W[l][:, None]  # (networks, points, inputs, width)
            if step.centred is not None and step.inverse is not None:
                centred, inverse = step.centred[:, :points, None], step.inverse[:, :points, None]
                move = norm_slope(move, centred, inverse) * weights.gamma[l][:, None, None, :]
            move = move * step.slopes[:, :points, None, :]
            turned = move + turned if net.skips[l] else move
            result.append(turned.swapaxes(-1, -2))
    return result


def loss_slope(loss: str, out: Floats, y: NDArray[Any]) -> Floats:
    """The gradient of the mean loss in the logits, (networks, points, outputs).

    Args:
        loss: "bce", "cross_entropy" or "mse", as in Training.
        out: (networks, points, outputs).
        y: (points, outputs), or (points,) labels for cross_entropy.
    """
    points, outputs = out.shape[-2:]
    with np.errstate(over="ignore", invalid="ignore"):
        if loss == "cross_entropy":
            e = np.exp(out - out.max(axis=-1, keepdims=True))
            p = e / e.sum(axis=-1, keepdims=True)
            return np.asarray((p - np.eye(outputs)[y]) / points)
        target = np.asarray(y, dtype=np.float64).reshape(points, outputs)
        if loss == "mse":
            return np.asarray(2.0 * (out - target) / (points * outputs))
        tail = np.exp(-np.abs(out))
        p = np.where(out >= 0.0, 1.0, tail) / (1.0 + tail)
        return np.asarray((p - target) / (points * outputs))
