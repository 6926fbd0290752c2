"""Mish: x·tanh(log(1 + eˣ))."""

import math

import numpy as np

from actscope.activations._base import Activation, Floats, Interval, Onnx

# With e = e^(−|x|), tanh(log(1 + eˣ)) is e(e + 2)/(e(e + 2) + 2) for x < 0 and
# (1 + 2e)/(1 + 2e + 2e²) for x ≥ 0. e is written as a square whose second factor comes last, so
# that x does not scale a subnormal.


def f(x: Floats) -> Floats:
    root = np.exp(-0.5 * np.abs(x))
    e = root * root
    left = x < 0.0
    above = np.where(left, root * (e + 2.0), 1.0 + 2.0 * e)
    below = np.where(left, e * (e + 2.0) + 2.0, 1.0 + 2.0 * e * (1.0 + e))
    return np.maximum(x, -2e3) * (above / below) * np.where(left, root, 1.0)


def df(x: Floats) -> Floats:
    z = np.minimum(np.maximum(x, -2e3), 2e3)
    root = np.exp(-0.5 * np.abs(z))
    e = root * root
    left = z < 0.0
    above = np.where(left, e + 2.0, 1.0 + 2.0 * e)
    below = np.where(left, e * (e + 2.0) + 2.0, 1.0 + 2.0 * e * (1.0 + e))
    bend = 4.0 * z * (1.0 + e) * np.where(left, 1.0, e * e)
    lead = np.where(left, root, 1.0)
    return ((above + bend / below) / below * lead) * lead


RECORD = Activation(
    name="mish",
    label="Mish",
    formula="x*tanh(softplus(x))",
    derivative="tanh(softplus(x)) + x*sigmoid(x)*(1 - tanh(softplus(x))**2)",
    f=f,
    df=df,
    range=Interval(-0.30884341301725043, math.inf, low_attained=True),
    zero_centred=False,
    monotonic=False,
    use_case="object detection (YOLOv4)",
    source="Misra 2020, Mish: a self regularized non-monotonic activation function",
    torch=lambda torch, x: torch.nn.functional.mish(x),
    onnx=Onnx("Mish"),
)
