"""Absolute value: |x|."""

import math

import numpy as np

from actscope.activations._base import Activation, Floats, Interval, Onnx


def f(x: Floats) -> Floats:
    return np.abs(x)


def df(x: Floats) -> Floats:
    return np.sign(x)


RECORD = Activation(
    name="abs",
    label="Absolute value",
    formula="abs(x)",
    derivative="sign(x)",
    f=f,
    df=df,
    range=Interval(0.0, math.inf, low_attained=True),
    kinks=(0.0,),
    zero_centred=False,
    monotonic=False,
    use_case="scattering networks; features that should not depend on sign",
    source="Bruna & Mallat 2013, Invariant scattering convolution networks",
    torch=lambda torch, x: torch.abs(x),
    onnx=Onnx("Abs"),
)
