"""Identity: x."""

import math

import numpy as np

from actscope.activations._base import Activation, Floats, Interval, Onnx


def f(x: Floats) -> Floats:
    return 1.0 * x


def df(x: Floats) -> Floats:
    return np.where(x == x, 1.0, x)  # NaN stays NaN


RECORD = Activation(
    name="identity",
    label="Identity",
    formula="x",
    derivative="1",
    f=f,
    df=df,
    range=Interval(-math.inf, math.inf),
    zero_centred=True,
    monotonic=True,
    use_case="output of a regression; the linear baseline",
    source="Widrow & Hoff 1960, Adaptive switching circuits",
    torch=lambda torch, x: torch.nn.Identity()(x),
    onnx=Onnx("Identity"),
)
