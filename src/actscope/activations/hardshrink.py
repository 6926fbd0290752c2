"""Hard shrinkage: x, and 0 where |x| ≤ λ; it jumps at ±λ."""

import math

import numpy as np

from actscope.activations._base import Activation, Facts, Floats, Interval, Onnx, Param


def f(x: Floats, lambd: float) -> Floats:
    return np.where(np.abs(x) <= lambd, 0.0, x)


def df(x: Floats, lambd: float) -> Floats:
    return np.heaviside(np.abs(x) - lambd, 0.0)


def facts(lambd: float) -> Facts:
    return {"kinks": (-lambd, lambd)}


RECORD = Activation(
    name="hardshrink",
    label="Hard shrinkage",
    formula="where(abs(x) > lambd, x, 0)",
    derivative="where(abs(x) > lambd, 1, 0)",
    f=f,
    df=df,
    range=Interval(-math.inf, math.inf),
    kinks=(-0.5, 0.5),
    zero_centred=True,
    monotonic=True,
    facts=facts,
    use_case="sparse coding: the proximal step of an L0 penalty",
    source="Donoho & Johnstone 1994, Ideal spatial adaptation by wavelet shrinkage",
    torch=lambda torch, x, lambd: torch.nn.functional.hardshrink(x, lambd),
    onnx=Onnx("Shrink", attributes=lambda lambd: {"lambd": lambd, "bias": 0.0}),
    params=(Param("lambd", 0.5, Interval(1e-6, 1e6, True, True), "threshold λ"),),
)
