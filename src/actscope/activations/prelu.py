"""PReLU: x where x > 0, else slope·x, with a slope that training finds (here it is given)."""

import math

import numpy as np

from actscope.activations._base import Activation, Facts, Floats, Interval, Onnx, Param, Rule


def f(x: Floats, slope: float) -> Floats:
    return np.where(x > 0.0, x, slope * x)


def df(x: Floats, slope: float) -> Floats:
    return np.where(x > 0.0, 1.0, np.where(x <= 0.0, slope, x))  # NaN stays NaN


def facts(slope: float) -> Facts:
    return {
        "range": Interval(-math.inf if slope > 0.0 else 0.0, math.inf, slope < 0.0),
        "kinks": () if slope == 1.0 else (0.0,),
        "zero_centred": slope == 1.0,
        "monotonic": slope > 0.0,
    }


RECORD = Activation(
    name="prelu",
    label="PReLU",
    formula="where(x > 0, x, slope*x)",
    derivative="where(x > 0, 1, slope)",
    f=f,
    df=df,
    range=Interval(-math.inf, math.inf),
    kinks=(0.0,),
    zero_centred=False,
    monotonic=True,
    facts=facts,
    use_case="deep vision networks; the slope is learnt with the weights",
    source=(
        "He, Zhang, Ren & Sun 2015, Delving deep into rectifiers: surpassing human-level "
        "performance on ImageNet classification"
    ),
    torch=lambda torch, x, slope: torch.nn.functional.prelu(x, x.new_tensor([slope])),
    onnx=Onnx("PRelu", inputs=lambda slope: (slope,)),
    params=(Param("slope", 0.25, Interval(-10.0, 10.0, True, True), "slope for x ≤ 0"),),
    rule=Rule("|slope| ≥ 1e-06 (a slope of 0 is relu)", lambda slope: abs(slope) >= 1e-6),
)
