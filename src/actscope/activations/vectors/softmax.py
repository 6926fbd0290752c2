"""Softmax: e^(xᵢ)/Σⱼ e^(xⱼ)."""

import numpy as np

from actscope.activations._base import Floats, Interval, Onnx
from actscope.activations.vectors._base import VectorActivation


def f(x: Floats) -> Floats:
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))  # the greatest is 1, so nothing overflows
    p: Floats = e / np.sum(e, axis=-1, keepdims=True)
    return p


def jacobian(x: Floats) -> Floats:
    p = f(x)
    # pᵢ(1 − pᵢ) cancels where pᵢ is nearly 1: there 1 − pᵢ is the sum of the others
    top = np.argmax(p, axis=-1, keepdims=True)
    others = np.sum(np.where(np.arange(p.shape[-1]) == top, 0.0, p), axis=-1, keepdims=True)
    rest = np.where(np.arange(p.shape[-1]) == top, others, 1.0 - p)
    unit = np.eye(p.shape[-1], dtype=p.dtype)
    j: Floats = p[..., :, None] * (unit * rest[..., None] - (1.0 - unit) * p[..., None, :])
    return j


def naive(x: Floats) -> Floats:
    e = np.exp(x)
    p: Floats = e / np.sum(e, axis=-1, keepdims=True)
    return p


def naive_jacobian(x: Floats) -> Floats:
    p = naive(x)
    j: Floats = p[..., :, None] * (np.eye(p.shape[-1], dtype=p.dtype) - p[..., None, :])
    return j


RECORD = VectorActivation(
    name="softmax",
    label="Softmax",
    formula="exp(x_i)/sum_j exp(x_j)",
    derivative="p_i*((i == j) - p_j), with p = softmax(x)",
    f=f,
    jacobian=jacobian,
    naive=naive,
    naive_jacobian=naive_jacobian,
    range=Interval(0.0, 1.0),
    use_case="output of a classifier of several classes; attention weights",
    source=(
        "Bridle 1990, Probabilistic interpretation of feedforward classification network outputs, "
        "with relationships to statistical pattern recognition"
    ),
    torch=lambda torch, x: torch.softmax(x, dim=-1),
    onnx=Onnx("Softmax", attributes=lambda: {"axis": -1}),
)
