"""ReLU: max(0, x)."""

import math

import numpy as np

from actscope.activations._base import Activation, Floats, Interval, Onnx


def f(x: Floats) -> Floats:
    return np.maximum(x, 0.0)


def df(x: Floats) -> Floats:
    return np.heaviside(x, 0.0)


RECORD = Activation(
    name="relu",
    label="ReLU",
    formula="max(0, x)",
    derivative="where(x > 0, 1, 0)",
    f=f,
    df=df,
    range=Interval(0.0, math.inf, low_attained=True),
    kinks=(0.0,),
    zero_centred=False,
    monotonic=True,
    use_case="hidden layers: the default",
    source="Nair & Hinton 2010, Rectified linear units improve restricted Boltzmann machines",
    torch=lambda torch, x: torch.nn.functional.relu(x),
    onnx=Onnx("Relu"),
)
