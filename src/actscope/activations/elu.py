"""ELU: x where x > 0, else α(eˣ − 1)."""

import math

import numpy as np

from actscope.activations._base import Activation, Facts, Floats, Interval, Onnx, Param

# the α with which the mean over N(0, 1) is 0: selu's
_CENTRED = 1.6732632423543772


def f(x: Floats, alpha: float) -> Floats:
    return np.where(x > 0.0, x, alpha * np.expm1(np.minimum(x, 0.0)))


def df(x: Floats, alpha: float) -> Floats:
    half = np.exp(0.5 * np.minimum(x, 0.0))  # squared last, so that α does not scale a subnormal
    return np.where(x > 0.0, 1.0, (alpha * half) * half)


def facts(alpha: float) -> Facts:
    return {
        "range": Interval(-alpha, math.inf),
        "kinks": () if alpha == 1.0 else (0.0,),
        "zero_centred": math.isclose(alpha, _CENTRED, rel_tol=1e-12),
    }


RECORD = Activation(
    name="elu",
    label="ELU",
    formula="where(x > 0, x, alpha*expm1(x))",
    derivative="where(x > 0, 1, alpha*exp(x))",
    f=f,
    df=df,
    range=Interval(-1.0, math.inf),
    kinks=(),
    zero_centred=False,
    monotonic=True,
    facts=facts,
    use_case="hidden layers that want a mean near zero without normalisation",
    source=(
        "Clevert, Unterthiner & Hochreiter 2016, Fast and accurate deep network learning by "
        "exponential linear units (ELUs)"
    ),
    torch=lambda torch, x, alpha: torch.nn.functional.elu(x, alpha),
    onnx=Onnx("Elu", attributes=lambda alpha: {"alpha": alpha}),
    params=(Param("alpha", 1.0, Interval(1e-3, 1e3, True, True), "−f at −∞"),),
)
