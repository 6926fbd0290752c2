"""Sigmoid: 1/(1 + e⁻ˣ)."""

import numpy as np

from actscope.activations._base import Activation, Floats, Interval, Onnx


def f(x: Floats) -> Floats:
    e = np.exp(-np.abs(x))  # at most 1, so nothing overflows
    r = 1.0 / (1.0 + e)
    return np.where(x >= 0.0, r, e * r)


def df(x: Floats) -> Floats:
    e = np.exp(-np.abs(x))
    p = e * (1.0 / (1.0 + e))  # the smaller of σ and 1 − σ; the engine divides once, as in f
    return p * (1.0 - p)  # never above 1/4, and nothing cancels, as p is at most 1/2


RECORD = Activation(
    name="sigmoid",
    label="Sigmoid",
    formula="1/(1 + exp(-x))",
    derivative="sigmoid(x)*(1 - sigmoid(x))",
    f=f,
    df=df,
    range=Interval(0.0, 1.0),
    zero_centred=False,
    monotonic=True,
    use_case="output of a binary classifier; gates",
    source="Cox 1958, The regression analysis of binary sequences",
    torch=lambda torch, x: torch.sigmoid(x),
    onnx=Onnx("Sigmoid"),
)
