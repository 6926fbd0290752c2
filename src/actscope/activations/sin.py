"""Sine: sin x. At ±∞, where it has no limit, f and df are NaN."""

import math

import numpy as np

from actscope.activations._base import Activation, Floats, Interval, Onnx


def f(x: Floats) -> Floats:
    return np.sin(np.where(np.abs(x) < math.inf, x, math.nan))


def df(x: Floats) -> Floats:
    return np.cos(np.where(np.abs(x) < math.inf, x, math.nan))


RECORD = Activation(
    name="sin",
    label="Sine",
    formula="sin(x)",
    derivative="cos(x)",
    f=f,
    df=df,
    range=Interval(-1.0, 1.0, True, True),
    zero_centred=True,
    monotonic=False,
    use_case="networks that represent images, sounds and fields (SIREN)",
    source=(
        "Sitzmann, Martel, Bergman, Lindell & Wetzstein 2020, Implicit neural representations "
        "with periodic activation functions"
    ),
    torch=lambda torch, x: torch.sin(x),
    onnx=Onnx("Sin"),
)
