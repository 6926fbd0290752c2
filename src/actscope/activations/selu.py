"""SELU: λx where x > 0, else λα(eˣ − 1), with λ and α that keep mean 0 and variance 1."""

import math

import numpy as np

from actscope.activations._base import Activation, Floats, Interval, Onnx

ALPHA = 1.6732632423543772
SCALE = 1.0507009873554805


def f(x: Floats) -> Floats:
    return np.where(x > 0.0, SCALE * x, (SCALE * ALPHA) * np.expm1(np.minimum(x, 0.0)))


def df(x: Floats) -> Floats:
    return np.where(x > 0.0, SCALE, (SCALE * ALPHA) * np.exp(np.minimum(x, 0.0)))


RECORD = Activation(
    name="selu",
    label="SELU",
    formula="1.0507009873554805*where(x > 0, x, 1.6732632423543772*expm1(x))",
    derivative="1.0507009873554805*where(x > 0, 1, 1.6732632423543772*exp(x))",
    f=f,
    df=df,
    range=Interval(-SCALE * ALPHA, math.inf),
    kinks=(0.0,),
    zero_centred=True,
    monotonic=True,
    use_case="deep fully connected networks without normalisation, with LeCun's init",
    source="Klambauer, Unterthiner, Mayr & Hochreiter 2017, Self-normalizing neural networks",
    torch=lambda torch, x: torch.nn.functional.selu(x),
    onnx=Onnx("Selu", attributes=lambda: {"alpha": ALPHA, "gamma": SCALE}),
)
