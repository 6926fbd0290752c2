"""Hard sigmoid: min(max(x + 3, 0), 6)/6, as in PyTorch and MobileNetV3.

Keras before version 3 used min(max(0.2x + 0.5, 0), 1) under this name.
"""

import numpy as np

from actscope.activations._base import Activation, Floats, Interval, Onnx


def f(x: Floats) -> Floats:
    y: Floats = np.minimum(np.maximum(x + 3.0, 0.0), 6.0) / 6.0
    return y


def df(x: Floats) -> Floats:
    return np.heaviside(3.0 - np.abs(x), 0.0) / 6.0


RECORD = Activation(
    name="hard_sigmoid",
    label="Hard sigmoid",
    formula="min(max(x + 3, 0), 6)/6",
    derivative="where(abs(x) < 3, 1/6, 0)",
    f=f,
    df=df,
    range=Interval(0.0, 1.0, True, True),
    kinks=(-3.0, 3.0),
    zero_centred=False,
    monotonic=True,
    use_case="gates on small devices and in quantised networks",
    source="Howard et al. 2019, Searching for MobileNetV3",
    torch=lambda torch, x: torch.nn.functional.hardsigmoid(x),
    onnx=Onnx("HardSigmoid", attributes=lambda: {"alpha": 1.0 / 6.0, "beta": 0.5}),
)
