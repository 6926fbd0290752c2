"""CELU: x where x > 0, else α(e^(x/α) − 1); its slope is continuous for every α."""

import math

import numpy as np

from actscope.activations._base import Activation, Facts, Floats, Interval, Onnx, Param
from actscope.maths.special import exp_quotient


def f(x: Floats, alpha: float) -> Floats:
    return np.where(x > 0.0, x, alpha * np.expm1(np.minimum(x, 0.0) / alpha))


def df(x: Floats, alpha: float) -> Floats:
    return exp_quotient(np.minimum(np.maximum(x, -1e4), 0.0), alpha)  # 1 for x ≥ 0


def facts(alpha: float) -> Facts:
    return {"range": Interval(-alpha, math.inf)}


RECORD = Activation(
    name="celu",
    label="CELU",
    formula="where(x > 0, x, alpha*expm1(x/alpha))",
    derivative="where(x > 0, 1, exp(x/alpha))",
    f=f,
    df=df,
    range=Interval(-1.0, math.inf),
    zero_centred=False,
    monotonic=True,
    facts=facts,
    use_case="ELU with a tunable floor and no kink",
    source="Barron 2017, Continuously differentiable exponential linear units",
    torch=lambda torch, x, alpha: torch.nn.functional.celu(x, alpha),
    onnx=Onnx("Celu", attributes=lambda alpha: {"alpha": alpha}),
    params=(Param("alpha", 1.0, Interval(0.1, 10.0, True, True), "−f at −∞, and the scale of x"),),
)
