"""SiLU, or swish with β: x/(1 + e^(−βx))."""

import math

import numpy as np

from actscope.activations._base import Activation, Facts, Floats, Interval, Param
from actscope.maths.special import exp_product

_LEAST = -0.2784645427610738  # of x/(1 + e⁻ˣ)

# With a = |x| and e = e^(−βa), f = max(0, x) − a·e/(1 + e): nothing cancels on either side. e is
# written as a square whose second factor comes last, so that a does not scale a subnormal.


def f(x: Floats, beta: float) -> Floats:
    a = np.minimum(np.abs(x), 1e4)
    root = exp_product(a, -0.5 * beta)
    return np.maximum(x, 0.0) - (a * root) / (1.0 + root * root) * root


def df(x: Floats, beta: float) -> Floats:
    a = np.minimum(np.abs(x), 1e4)
    root = exp_product(a, -0.5 * beta)
    whole = 1.0 + root * root
    tail = (((1.0 - beta * a) + root * root) / (whole * whole) * root) * root
    return np.where(x >= 0.0, 1.0 - tail, tail)


def facts(beta: float) -> Facts:
    return {"range": Interval(_LEAST / beta, math.inf, low_attained=True)}


RECORD = Activation(
    name="silu",
    label="SiLU",
    formula="x*sigmoid(beta*x)",
    derivative="sigmoid(beta*x)*(1 + beta*x*(1 - sigmoid(beta*x)))",
    f=f,
    df=df,
    range=Interval(_LEAST, math.inf, low_attained=True),
    zero_centred=False,
    monotonic=False,
    facts=facts,
    use_case="EfficientNet; gated feed-forward layers of language models",
    source=(
        "Elfwing, Uchibe & Doya 2018, Sigmoid-weighted linear units for neural network function "
        "approximation in reinforcement learning; with β: Ramachandran, Zoph & Le 2017, Searching "
        "for activation functions"
    ),
    torch=lambda torch, x, beta: torch.nn.functional.silu(beta * x) / beta,
    params=(Param("beta", 1.0, Interval(0.1, 1e3, True, True), "sharpness: ∞ would be ReLU"),),
)
