"""Leaky ReLU: x where x > 0, else slope·x."""

import math

import numpy as np

from actscope.activations._base import Activation, Floats, Interval, Onnx, Param


def f(x: Floats, slope: float) -> Floats:
    return np.where(x > 0.0, x, slope * x)


def df(x: Floats, slope: float) -> Floats:
    return np.where(x > 0.0, 1.0, np.where(x <= 0.0, slope, x))  # NaN stays NaN


RECORD = Activation(
    name="leaky_relu",
    label="Leaky ReLU",
    formula="where(x > 0, x, slope*x)",
    derivative="where(x > 0, 1, slope)",
    f=f,
    df=df,
    range=Interval(-math.inf, math.inf),
    kinks=(0.0,),
    zero_centred=False,
    monotonic=True,
    use_case="hidden layers where ReLU units die",
    source=(
        "Maas, Hannun & Ng 2013, Rectifier nonlinearities improve neural network acoustic models"
    ),
    torch=lambda torch, x, slope: torch.nn.functional.leaky_relu(x, slope),
    onnx=Onnx("LeakyRelu", attributes=lambda slope: {"alpha": slope}),
    params=(Param("slope", 0.01, Interval(1e-6, 1.0, True, False), "slope for x ≤ 0"),),
)
