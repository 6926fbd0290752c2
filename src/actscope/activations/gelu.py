"""GELU: x·Φ(x), with Φ the standard normal distribution function."""

import math

import numpy as np

from actscope.activations._base import Activation, Floats, Interval, Onnx
from actscope.maths.special import ROOT_2PI, gauss, mills

# With a = |x| and Q the upper tail of the normal distribution, x·Φ(x) = max(0, x) − a·Q(a): nothing
# cancels on either side. Q(a) = φ(a)·mills(a); φ is written as a square whose second factor comes
# last, so that a does not scale a subnormal.


def f(x: Floats) -> Floats:
    a = np.minimum(np.abs(x), 64.0)
    root = gauss(a, 0.25)
    return np.maximum(x, 0.0) - (a * root) * (mills(a) * (1.0 / ROOT_2PI)) * root


def df(x: Floats) -> Floats:
    a = np.minimum(np.abs(x), 64.0)
    root = gauss(a, 0.25)
    tail = ((mills(a) - a) * (1.0 / ROOT_2PI) * root) * root
    return np.where(x >= 0.0, 1.0 - tail, tail)


RECORD = Activation(
    name="gelu",
    label="GELU",
    formula="x*(1 + erf(x/sqrt(2)))/2",
    derivative="(1 + erf(x/sqrt(2)))/2 + x*exp(-x**2/2)/sqrt(2*pi)",
    f=f,
    df=df,
    range=Interval(-0.16997120747990366, math.inf, low_attained=True),
    zero_centred=False,
    monotonic=False,
    use_case="transformers (BERT, ViT)",
    source="Hendrycks & Gimpel 2016, Gaussian error linear units (GELUs)",
    torch=lambda torch, x: torch.nn.functional.gelu(x),
    onnx=Onnx("Gelu", attributes=lambda: {"approximate": "none"}),
)
