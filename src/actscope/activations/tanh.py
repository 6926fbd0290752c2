"""Tanh: (eˣ − e⁻ˣ)/(eˣ + e⁻ˣ)."""

import numpy as np

from actscope.activations._base import Activation, Floats, Interval, Onnx


def f(x: Floats) -> Floats:
    return np.tanh(x)


def df(x: Floats) -> Floats:
    # 1 − tanh² cancels in the tail; 1/cosh² does not
    e = np.exp(-2.0 * np.minimum(np.abs(x), 400.0))
    return 4.0 * e / ((1.0 + e) * (1.0 + e))


RECORD = Activation(
    name="tanh",
    label="Tanh",
    formula="tanh(x)",
    derivative="1 - tanh(x)**2",
    f=f,
    df=df,
    range=Interval(-1.0, 1.0),
    zero_centred=True,
    monotonic=True,
    use_case="recurrent networks; hidden layers that need a zero mean",
    source="LeCun, Bottou, Orr & Müller 1998, Efficient BackProp",
    torch=lambda torch, x: torch.tanh(x),
    onnx=Onnx("Tanh"),
)
