"""Softplus: log(1 + e^(βx))/β."""

import math

import numpy as np

from actscope.activations._base import Activation, Facts, Floats, Interval, Onnx, Param
from actscope.maths.special import exp_product

_ONNX = Onnx("Softplus")


def f(x: Floats, beta: float) -> Floats:
    e = exp_product(np.minimum(np.abs(x), 1e4), -beta)
    return np.maximum(x, 0.0) + np.log1p(e) / beta


def df(x: Floats, beta: float) -> Floats:
    e = exp_product(np.minimum(np.abs(x), 1e4), -beta)
    y: Floats = np.where(x >= 0.0, 1.0, e) / (1.0 + e)
    return y


def facts(beta: float) -> Facts:
    return {"onnx": _ONNX if beta == 1.0 else None}


RECORD = Activation(
    name="softplus",
    label="Softplus",
    formula="log1p(exp(beta*x))/beta",
    derivative="sigmoid(beta*x)",
    f=f,
    df=df,
    range=Interval(0.0, math.inf),
    zero_centred=False,
    monotonic=True,
    facts=facts,
    use_case="outputs that must be positive (scales, variances); smooth ReLU",
    source=(
        "Dugas, Bengio, Bélisle, Nadeau & Garcia 2001, Incorporating second-order functional "
        "knowledge for better option pricing"
    ),
    # beyond the threshold PyTorch returns x; its own 20 would be off by 2e-9
    torch=lambda torch, x, beta: torch.nn.functional.softplus(x, beta, threshold=50.0),
    onnx=_ONNX,
    params=(Param("beta", 1.0, Interval(0.1, 1e3, True, True), "sharpness: ∞ would be ReLU"),),
)
