"""Log-softmax: xᵢ − log Σⱼ e^(xⱼ)."""

import math

import numpy as np

from actscope.activations._base import Floats, Interval, Onnx
from actscope.activations.vectors import softmax
from actscope.activations.vectors._base import VectorActivation


def f(x: Floats) -> Floats:
    z = x - np.max(x, axis=-1, keepdims=True)
    # log Σ = log1p of all but the greatest, so that a nearly certain class keeps its digits
    top = np.arange(x.shape[-1]) == np.argmax(z, axis=-1, keepdims=True)
    rest = np.sum(np.where(top, z, np.exp(z)), axis=-1, keepdims=True)  # z is 0 (or NaN) at the top
    y: Floats = z - np.log1p(rest)
    return y


def jacobian(x: Floats) -> Floats:
    p = softmax.f(x)
    top = np.arange(p.shape[-1]) == np.argmax(p, axis=-1, keepdims=True)
    others = np.sum(np.where(top, 0.0, p), axis=-1, keepdims=True)  # 1 − p there, uncancelled
    unit = np.eye(p.shape[-1], dtype=p.dtype)
    rest = np.where(top, others, 1.0 - p)
    j: Floats = unit * rest[..., None] - (1.0 - unit) * p[..., None, :]
    return j


def naive(x: Floats) -> Floats:
    return np.log(softmax.naive(x))


def naive_jacobian(x: Floats) -> Floats:
    p = softmax.naive(x)
    j: Floats = np.eye(p.shape[-1], dtype=p.dtype) - p[..., None, :]
    return j


RECORD = VectorActivation(
    name="log_softmax",
    label="Log-softmax",
    formula="x_i - log(sum_j exp(x_j))",
    derivative="(i == j) - p_j, with p = softmax(x)",
    f=f,
    jacobian=jacobian,
    naive=naive,
    naive_jacobian=naive_jacobian,
    range=Interval(-math.inf, 0.0),
    use_case="losses: the logarithm of a classifier's output",
    source=(
        "Bridle 1990, Probabilistic interpretation of feedforward classification network outputs, "
        "with relationships to statistical pattern recognition"
    ),
    torch=lambda torch, x: torch.log_softmax(x, dim=-1),
    onnx=Onnx("LogSoftmax", attributes=lambda: {"axis": -1}),
)
