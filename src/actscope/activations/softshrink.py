"""Soft shrinkage: x moved towards 0 by λ, and 0 where |x| ≤ λ."""

import math

import numpy as np

from actscope.activations._base import Activation, Facts, Floats, Interval, Onnx, Param


def f(x: Floats, lambd: float) -> Floats:
    y: Floats = np.maximum(x - lambd, 0.0) + np.minimum(x + lambd, 0.0)
    return y


def df(x: Floats, lambd: float) -> Floats:
    return np.heaviside(np.abs(x) - lambd, 0.0)


def facts(lambd: float) -> Facts:
    return {"kinks": (-lambd, lambd)}


RECORD = Activation(
    name="softshrink",
    label="Soft shrinkage",
    formula="sign(x)*max(abs(x) - lambd, 0)",
    derivative="where(abs(x) > lambd, 1, 0)",
    f=f,
    df=df,
    range=Interval(-math.inf, math.inf),
    kinks=(-0.5, 0.5),
    zero_centred=True,
    monotonic=True,
    facts=facts,
    use_case="sparse coding: the proximal step of an L1 penalty (LISTA)",
    source="Donoho 1995, De-noising by soft-thresholding",
    torch=lambda torch, x, lambd: torch.nn.functional.softshrink(x, lambd),
    onnx=Onnx("Shrink", attributes=lambda lambd: {"lambd": lambd, "bias": lambd}),
    params=(Param("lambd", 0.5, Interval(1e-6, 1e6, True, True), "threshold λ"),),
)
