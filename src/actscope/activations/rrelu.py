"""Randomised leaky ReLU as evaluated: x where x > 0, else (lower + upper)/2·x.

In training the slope is drawn from [lower, upper] for every element; evaluation takes its mean.
"""

import math

import numpy as np

from actscope.activations._base import Activation, Floats, Interval, Onnx, Param, Rule


def f(x: Floats, lower: float, upper: float) -> Floats:
    return np.where(x > 0.0, x, 0.5 * (lower + upper) * x)


def df(x: Floats, lower: float, upper: float) -> Floats:
    return np.where(x > 0.0, 1.0, np.where(x <= 0.0, 0.5 * (lower + upper), x))  # NaN stays NaN


RECORD = Activation(
    name="rrelu",
    label="RReLU (evaluation)",
    formula="where(x > 0, x, (lower + upper)/2*x)",
    derivative="where(x > 0, 1, (lower + upper)/2)",
    f=f,
    df=df,
    range=Interval(-math.inf, math.inf),
    kinks=(0.0,),
    zero_centred=False,
    monotonic=True,
    use_case="small data sets, where the random slope regularises",
    source=(
        "Xu, Wang, Chen & Li 2015, Empirical evaluation of rectified activations in "
        "convolutional network"
    ),
    torch=lambda torch, x, lower, upper: torch.nn.functional.rrelu(x, lower, upper),
    onnx=Onnx("LeakyRelu", attributes=lambda lower, upper: {"alpha": 0.5 * (lower + upper)}),
    params=(
        Param("lower", 1.0 / 8.0, Interval(1e-6, 1.0, True, False), "least slope for x ≤ 0"),
        Param("upper", 1.0 / 3.0, Interval(1e-6, 1.0, True, False), "greatest slope for x ≤ 0"),
    ),
    rule=Rule("lower ≤ upper", lambda lower, upper: lower <= upper),
)
