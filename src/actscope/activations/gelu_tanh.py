"""GELU by tanh: x/2·(1 + tanh(√(2/π)(x + 0.044715x³))), within 5e-4 of x·Φ(x)."""

import math

import numpy as np

from actscope.activations._base import Activation, Floats, Interval, Onnx

# u(a) = a(_LINEAR + _CUBIC·a²), the coefficients √(2/π) and 0.044715√(2/π). Each is also given as a
# head of few bits and the rest, because an error in u is multiplied by u.
_LINEAR = 0.7978845608028654
_LINEAR_HEAD = 817.0 / 1024.0
_LINEAR_REST = 3.299830286535588e-05
_CUBIC = 0.035677408136300125
_CUBIC_HEAD = 73.0 / 2048.0
_CUBIC_REST = 3.2876886300124385e-05


def f(x: Floats) -> Floats:
    a = np.minimum(np.abs(x), 40.0)
    root = _decay(a)
    return np.maximum(x, 0.0) - (a * root) / (1.0 + root * root) * root


def df(x: Floats) -> Floats:
    a = np.minimum(np.abs(x), 40.0)
    root = _decay(a)
    whole = 1.0 + root * root
    rise = 2.0 * a * (_LINEAR + 3.0 * _CUBIC * (a * a))
    tail = (((1.0 - rise) + root * root) / (whole * whole) * root) * root
    return np.where(x >= 0.0, 1.0 - tail, tail)


def _decay(a: Floats) -> Floats:
    """e^(−u(a)), u summed in two floats."""
    h = np.rint(a * 16.0) * 0.0625
    square = h * h  # exact
    weight_head = _LINEAR_HEAD + _CUBIC_HEAD * square  # exact
    weight_rest = _LINEAR_REST + _CUBIC_REST * square + _CUBIC * ((a - h) * (a + h))
    weight = np.rint((weight_head + weight_rest) * 64.0) * 0.015625
    big = h * weight  # exact
    small = (a - h) * weight + a * ((weight_head - weight) + weight_rest)
    total = big + small
    y: Floats = np.exp(-total) * (1.0 - (small - (total - big)))
    return y


RECORD = Activation(
    name="gelu_tanh",
    label="GELU (tanh)",
    formula="x/2*(1 + tanh(sqrt(2/pi)*(x + 0.044715*x**3)))",
    derivative=(
        "(1 + tanh(sqrt(2/pi)*(x + 0.044715*x**3)))/2"
        " + x/2*(1 - tanh(sqrt(2/pi)*(x + 0.044715*x**3))**2)*sqrt(2/pi)*(1 + 0.134145*x**2)"
    ),
    f=f,
    df=df,
    range=Interval(-0.17004075057125406, math.inf, low_attained=True),
    zero_centred=False,
    monotonic=False,
    use_case="transformers (GPT-2 and others that copied its approximation)",
    source="Hendrycks & Gimpel 2016, Gaussian error linear units (GELUs)",
    torch=lambda torch, x: torch.nn.functional.gelu(x, approximate="tanh"),
    onnx=Onnx("Gelu", attributes=lambda: {"approximate": "tanh"}),
)
