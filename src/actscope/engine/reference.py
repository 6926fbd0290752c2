"""The oracle: one network at a time in plain NumPy, float64, written to be read.

It trains what the SIMD engine trains, by the conventions of `spec`; tests hold the two
together. `gradients` and `update` are one training step, `run` is a whole training.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actscope.engine.spec import NORM_EPSILON, Data, Net, Raw, Schedule, Training, Weights
from actscope.engine.spec import Floats as Array


@dataclass(frozen=True, eq=False)
class Layer:
    """What one hidden layer leaves for the way back; every array is (points, width).

    Attributes:
        z: what the activation is applied to.
        h: what the layer hands on.
        centred: (x @ W + b − mean)/sqrt(var + eps) with norm, else None.
        inverse: 1/sqrt(var + eps), (points, 1), with norm, else None.
    """

    z: Array
    h: Array
    centred: Array | None = None
    inverse: Array | None = None


def forward(net: Net, weights: Weights, x: Array) -> tuple[list[Layer], Array]:
    """Every hidden layer's values, and the logits.

    Args:
        net: the shape.
        weights: of one network.
        x: (points, inputs).

    Returns:
        One Layer for each hidden layer; the logits (points, outputs).

    Example:
        >>> net = Net(1, hidden=(2,), activations="relu")
        >>> W = (np.array([[1.0, -1.0]]), np.array([[1.0], [2.0]]))
        >>> layers, logits = forward(net, Weights(W, (np.zeros(2), np.zeros(1))), np.array([[3.0]]))
        >>> layers[0].h, logits
        (array([[3., 0.]]), array([[3.]]))
    """
    layers: list[Layer] = []
    h = x
    for l, phi in enumerate(net.activations):
        z = h @ weights.W[l] + weights.b[l]
        centred = inverse = None
        if net.norm:
            inverse = 1.0 / np.sqrt(z.var(axis=1, keepdims=True) + NORM_EPSILON)
            centred = (z - z.mean(axis=1, keepdims=True)) * inverse
            z = weights.gamma[l] * centred + weights.beta[l]
        h = np.asarray(phi(z)) + (h if net.skips[l] else 0.0)
        layers.append(Layer(z, h, centred, inverse))
    return layers, h @ weights.W[-1] + weights.b[-1]


def gradients(
    net: Net, training: Training, weights: Weights, x: Array, y: NDArray[Any]
) -> tuple[float, Weights]:
    """The mean loss of some points, and its gradient.

    Args:
        net: the shape.
        training: says which loss.
        weights: of one network.
        x: (points, inputs).
        y: (points, outputs), or (points,) integer labels for cross_entropy.

    Returns:
        The loss as it is reported (with `loss_epsilon`), and the gradient of the loss without
        it, in the form of Weights.
    """
    layers, logits = forward(net, weights, x)
    loss = LOSS[training.loss](logits, y, training.loss_epsilon)
    d: Array = SLOPE[training.loss](logits, y)  # (points, outputs), then back through the layers
    dW, db = [layers[-1].h.T @ d], [d.sum(axis=0)]
    dgamma: list[Array] = []
    dbeta: list[Array] = []
    d = d @ weights.W[-1].T
    for l in reversed(range(net.depth)):
        layer, below = layers[l], (layers[l - 1].h if l else x)
        dz: Array = d * net.activations[l].slope_at(layer.z)
        if layer.centred is not None and layer.inverse is not None:
            dgamma.append((dz * layer.centred).sum(axis=0))
            dbeta.append(dz.sum(axis=0))
            dz = _norm_slope(dz * weights.gamma[l], layer.centred, layer.inverse)
        dW.append(below.T @ dz)
        db.append(dz.sum(axis=0))
        d = dz @ weights.W[l].T + (d if net.skips[l] else 0.0)
    turned = (tuple(part[::-1]) for part in (dW, db, dgamma, dbeta))
    return loss, Weights(*turned)


def _norm_slope(d: Array, centred: Array, inverse: Array) -> Array:
    """The gradient in z of sum(d · centred(z)): the parts along 1 and centred are taken out."""
    along = (d * centred).mean(axis=1, keepdims=True)
    return np.asarray(inverse * (d - d.mean(axis=1, keepdims=True) - centred * along))


def bce(logits: Array, y: Array, epsilon: float = 0.0) -> float:
    """Binary cross-entropy, −mean(y log(p + ε) + (1 − y) log(1 − p + ε)), p = sigmoid(logit).

    Without ε it is computed as log(1 + e^z) − y·z, which neither overflows nor loses digits.

    Example:
        >>> bce(np.array([[800.0], [-800.0]]), np.array([[1.0], [1.0]]))
        400.0
    """
    tail = np.exp(-np.abs(logits))
    if not epsilon:
        each = np.maximum(logits, 0.0) - y * logits + np.log1p(tail)
    else:
        p, q = _sigmoid(logits), _sigmoid(-logits)
        each = -(y * np.log(p + epsilon) + (1.0 - y) * np.log(q + epsilon))
    return float(np.mean(each))


def bce_slope(logits: Array, y: Array) -> Array:
    """The gradient of `bce` (ε = 0) in the logits, (points, outputs)."""
    return (_sigmoid(logits) - y) / logits.size


def cross_entropy(logits: Array, y: NDArray[np.int64], epsilon: float = 0.0) -> float:
    """Softmax cross-entropy: mean(log Σⱼ exp(zⱼ) − z_label), the largest logit taken out first.

    Example:
        >>> cross_entropy(np.array([[1000.0, 0.0]]), np.array([1]))
        1000.0
    """
    rows = np.arange(len(y))
    shifted = logits - logits.max(axis=1, keepdims=True)
    return float(np.mean(np.log(np.exp(shifted).sum(axis=1)) - shifted[rows, y]))


def cross_entropy_slope(logits: Array, y: NDArray[np.int64]) -> Array:
    """The gradient of `cross_entropy` in the logits, (points, outputs)."""
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    p[np.arange(len(y)), y] -= 1.0
    return np.asarray(p / len(y))


def mse(logits: Array, y: Array, epsilon: float = 0.0) -> float:
    """Mean squared error over points and outputs.

    Example:
        >>> mse(np.array([[1.0, 2.0]]), np.array([[1.0, 4.0]]))
        2.0
    """
    return float(np.mean((logits - y) ** 2))


def mse_slope(logits: Array, y: Array) -> Array:
    """The gradient of `mse` in the outputs, (points, outputs)."""
    return 2.0 * (logits - y) / logits.size


def _sigmoid(z: Array) -> Array:
    tail = np.exp(-np.abs(z))
    return np.asarray(np.where(z >= 0.0, 1.0, tail) / (1.0 + tail))


LOSS: dict[str, Callable[..., float]] = {"bce": bce, "cross_entropy": cross_entropy, "mse": mse}
SLOPE: dict[str, Callable[..., Array]] = {
    "bce": bce_slope,
    "cross_entropy": cross_entropy_slope,
    "mse": mse_slope,
}


def accuracy(loss: str, logits: Array, y: NDArray[Any]) -> float:
    """The share of points whose class is right; a NaN logit is wrong, mse has none (NaN).

    Example:
        >>> accuracy("bce", np.array([[0.0], [-1.0]]), np.array([[1.0], [1.0]]))
        0.5
    """
    if loss == "mse":
        return float("nan")
    if loss == "bce":
        right = np.where(y > 0.5, logits >= 0.0, logits < 0.0).all(axis=1)
    else:
        right = (np.argmax(logits, axis=1) == y) & ~np.isnan(logits).any(axis=1)
    return float(right.mean())


class Optimiser:
    """Steps of one of PyTorch's optimisers on a list of arrays, in place.

    Args:
        training: which optimiser, and its settings but for lr.
        lr: the learning rate.
        arrays: what is learnt.

    Example:
        >>> w = np.array([1.0])
        >>> Optimiser(Training(), 0.5, [w]).step([np.array([1.0])])
        >>> w
        array([0.5])
    """

    def __init__(self, training: Training, lr: float, arrays: Sequence[Array]) -> None:
        self.training, self.lr, self.arrays = training, lr, arrays
        self.first = [np.zeros_like(a) for a in arrays]  # momentum, or Adam's mean of g
        self.second = [np.zeros_like(a) for a in arrays]  # Adam's mean of g²
        self.count = 0

    def step(self, slopes: Sequence[Array]) -> None:
        """One step down `slopes`, one array for each that is learnt."""
        t, self.count = self.training, self.count + 1
        for w, g, m, v in zip(self.arrays, slopes, self.first, self.second, strict=True):
            if t.optimiser == "adamw":
                w *= 1.0 - self.lr * t.weight_decay
            else:
                g = g + t.weight_decay * w
            if t.optimiser == "sgd":
                w -= self.lr * g
            elif t.optimiser == "momentum":
                m[...] = t.momentum * m + g
                w -= self.lr * m
            else:
                b1, b2 = t.betas
                m[...] = b1 * m + (1.0 - b1) * g
                v[...] = b2 * v + (1.0 - b2) * g * g
                root = np.sqrt(v / (1.0 - b2**self.count))
                w -= self.lr / (1.0 - b1**self.count) * m / (root + t.eps)


def run(
    net: Net,
    training: Training,
    data: Data,
    weights: Weights,
    order: NDArray[np.integer[Any]],
    schedule: Schedule | None = None,
    dtype: str = "float64",
) -> Raw:
    """Train one network.

    Args:
        net: the shape.
        training: how; its `dtype` is not looked at.
        data: the points, in the form that `prepare.check_data` gives.
        weights: where to start, of one network; not changed.
        order: (epochs, points), the indices of the points, epoch by epoch.
        schedule: what is recorded when; nothing but the running loss by default.
        dtype: of all arithmetic; `data` has to be of this type too. The oracle is float64.

    Returns:
        What was recorded, with a leading axis of one network.
    """
    plan = Schedule() if schedule is None else schedule
    state = _copy(weights, dtype)
    optimiser = Optimiser(training, training.lr, state.arrays())
    record = _Record(net, training, data)
    running: list[float] = []
    diverged = -1
    with np.errstate(all="ignore"):
        record.at(0, plan, state)
        for epoch in range(1, training.epochs + 1):
            losses = []
            for start in range(0, len(data.x), training.batch):
                rows = order[epoch - 1, start : start + training.batch]
                loss, slope = gradients(net, training, state, data.x[rows], data.y[rows])
                optimiser.step(slope.arrays())
                losses.append(loss)
            running.append(float(np.mean(losses)))
            finite = np.isfinite(running[-1]) and all(np.isfinite(a).all() for a in state.arrays())
            diverged = epoch if diverged < 0 and not finite else diverged
            record.at(epoch, plan, state)
    return record.raw(state, running, diverged)


class _Record:
    """What `run` notes on the way."""

    def __init__(self, net: Net, training: Training, data: Data) -> None:
        self.net, self.training = net, training
        self.train, self.test = (data.x, data.y), (data.x_test, data.y_test)
        self.scores: list[tuple[float, float, float, float]] = []
        self.gradient_norm: list[list[float]] = []
        self.mean: list[list[float]] = []
        self.std: list[list[float]] = []
        self.snapshots: list[Weights] = []

    def at(self, epoch: int, plan: Schedule, weights: Weights) -> None:
        """Note what `plan` asks for at the end of this epoch."""
        if epoch in plan.losses_at:
            self.scores.append(
                (*self._score(weights, *self.train), *self._score(weights, *self.test))
            )
        if epoch in plan.traces_at:
            slope = gradients(self.net, self.training, weights, *self.train)[1]
            hs = [layer.h for layer in forward(self.net, weights, self.train[0])[0]]
            self.gradient_norm.append([float(np.sqrt((w * w).sum())) for w in slope.W])
            self.mean.append([float(np.abs(h).mean()) for h in hs])
            self.std.append([float(h.std()) for h in hs])
        if epoch in plan.snapshots_at:
            self.snapshots.append(_copy(weights, weights.W[0].dtype))

    def _score(self, weights: Weights, x: Any, y: Any) -> tuple[float, float]:
        if x is None:
            return float("nan"), float("nan")
        logits = forward(self.net, weights, x)[1]
        loss = LOSS[self.training.loss](logits, y, self.training.loss_epsilon)
        return loss, accuracy(self.training.loss, logits, y)

    def raw(self, weights: Weights, running: list[float], diverged: int) -> Raw:
        """All of it, with a leading axis of one network."""
        scores = np.array(self.scores).reshape(1, -1, 4)
        return Raw(
            weights=_lead(weights),
            loss=np.array([running]),
            train_loss=scores[..., 0],
            train_accuracy=scores[..., 1],
            test_loss=scores[..., 2],
            test_accuracy=scores[..., 3],
            gradient_norm=np.array(self.gradient_norm).reshape(1, -1, self.net.depth + 1),
            activation_mean=np.array(self.mean).reshape(1, -1, self.net.depth),
            activation_std=np.array(self.std).reshape(1, -1, self.net.depth),
            snapshots=tuple(_lead(s) for s in self.snapshots),
            diverged_at=np.array([diverged]),
        )


def _copy(weights: Weights, dtype: Any) -> Weights:
    parts = (weights.W, weights.b, weights.gamma, weights.beta)
    return Weights(*(tuple(np.array(a, dtype=dtype) for a in part) for part in parts))


def _lead(weights: Weights) -> Weights:
    parts = (weights.W, weights.b, weights.gamma, weights.beta)
    return Weights(*(tuple(a[None] for a in part) for part in parts))
