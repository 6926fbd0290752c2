"""Mish: x·tanh(log(1 + eˣ))."""

import math

import numpy as np

from actscope.activations._base import Activation, Floats, Interval, Onnx

# With e = e^(−|x|), tanh(log(1 + eˣ)) is e(e + 2)/(e(e + 2) + 2) for x < 0 and
# (1 + 2e)/(1 + 2e + 2e²) for x ≥ 0. Beyond _FAR, e is e^(_FAR − |x|) times a factor that comes
# last, so that x does not scale a subnormal.
_FAR = 64.0
_FACTOR = 1.603810890548638e-28  # e^(−_FAR)


def f(x: Floats) -> Floats:
    a = np.abs(x)
    left = x < 0.0
    near = np.exp(-np.where(a > _FAR, a - _FAR, a))
    e = np.where(a > _FAR, near * _FACTOR, near)
    above = np.where(left, near * (e + 2.0), 1.0 + 2.0 * e)
    below = np.where(left, e * (e + 2.0) + 2.0, 1.0 + 2.0 * e * (1.0 + e))
    y = np.maximum(x, -2e3) * (above / below)
    return np.where(x < -_FAR, y * _FACTOR, y)


def df(x: Floats) -> Floats:
    z = np.minimum(np.maximum(x, -2e3), 2e3)
    a = np.abs(z)
    left = z < 0.0
    near = np.exp(-np.where(a > _FAR, a - _FAR, a))
    e = np.where(a > _FAR, near * _FACTOR, near)
    below = np.where(left, e * (e + 2.0) + 2.0, 1.0 + 2.0 * e * (1.0 + e))
    # e³ + 4e² + (6 + 4x)e + 4(1 + x) with e = eˣ; for x ≥ 0, that times e^(−3x)
    c, d = 4.0 + 4.0 * z, 6.0 + 4.0 * z
    above = np.where(left, ((e + 4.0) * e + d) * e + c, ((c * e + d) * e + 4.0) * e + 1.0)
    y: Floats = above / (below * below) * np.where(left, near, 1.0)
    return np.where(z < -_FAR, y * _FACTOR, y)


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
