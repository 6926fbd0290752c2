"""Hard swish: x·min(max(x + 3, 0), 6)/6."""

import math

import numpy as np

from actscope.activations._base import Activation, Floats, Interval, Onnx


def f(x: Floats) -> Floats:
    y: Floats = np.maximum(x, -3.0) * (np.minimum(np.maximum(x + 3.0, 0.0), 6.0) / 6.0)
    return y


def df(x: Floats) -> Floats:
    return np.where(x <= -3.0, 0.0, np.where(x >= 3.0, 1.0, x / 3.0 + 0.5))


RECORD = Activation(
    name="hard_swish",
    label="Hard swish",
    formula="x*min(max(x + 3, 0), 6)/6",
    derivative="where(x <= -3, 0, where(x >= 3, 1, x/3 + 1/2))",
    f=f,
    df=df,
    range=Interval(-0.375, math.inf, low_attained=True),
    kinks=(-3.0, 3.0),
    zero_centred=False,
    monotonic=False,
    use_case="mobile vision networks",
    source="Howard et al. 2019, Searching for MobileNetV3",
    torch=lambda torch, x: torch.nn.functional.hardswish(x),
    onnx=Onnx("HardSwish"),
)
