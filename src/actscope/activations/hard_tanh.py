"""Hard tanh: min(max(x, −1), 1)."""

import numpy as np

from actscope.activations._base import Activation, Floats, Interval, Onnx


def f(x: Floats) -> Floats:
    return np.minimum(np.maximum(x, -1.0), 1.0)


def df(x: Floats) -> Floats:
    return np.heaviside(1.0 - np.abs(x), 0.0)


RECORD = Activation(
    name="hard_tanh",
    label="Hard tanh",
    formula="max(-1, min(1, x))",
    derivative="where(abs(x) < 1, 1, 0)",
    f=f,
    df=df,
    range=Interval(-1.0, 1.0, True, True),
    kinks=(-1.0, 1.0),
    zero_centred=True,
    monotonic=True,
    use_case="binarised networks; tanh without an exponential",
    source="Collobert 2004, Large scale machine learning",
    torch=lambda torch, x: torch.nn.functional.hardtanh(x),
    onnx=Onnx("Clip", inputs=lambda: (-1.0, 1.0)),
)
