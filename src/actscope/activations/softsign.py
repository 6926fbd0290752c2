"""Softsign: x/(1 + |x|)."""

import numpy as np

from actscope.activations._base import Activation, Floats, Interval, Onnx


def f(x: Floats) -> Floats:
    z = np.minimum(np.maximum(x, -1e30), 1e30)  # so that ∞/∞ does not arise
    return z / (1.0 + np.abs(z))


def df(x: Floats) -> Floats:
    root = 1.0 / (1.0 + np.abs(x))
    return root * root


RECORD = Activation(
    name="softsign",
    label="Softsign",
    formula="x/(1 + abs(x))",
    derivative="1/(1 + abs(x))**2",
    f=f,
    df=df,
    range=Interval(-1.0, 1.0),
    zero_centred=True,
    monotonic=True,
    use_case="hidden layers that should saturate slower than tanh",
    source="Turian, Bergstra & Bengio 2009, Quadratic features and deep architectures for chunking",
    torch=lambda torch, x: torch.nn.functional.softsign(x),
    onnx=Onnx("Softsign"),
)
