"""Tanhshrink: x − tanh x."""

import math

import numpy as np

from actscope.activations._base import Activation, Floats, Interval
from actscope.maths.special import poly

# Below 1, x − tanh x cancels. Lambert's continued fraction tanh x = x/(1 + s/(3 + s/(5 + …))) with
# s = x² gives x − tanh x = s·x·D/(N + s·D), where N and D are polynomials in s whose coefficients
# are all positive; these are its first 9 steps (the rest is below 1e-18).
_N = (55.0, 25740.0, 2837835.0, 91891800.0, 654729075.0)
_D = (1.0, 1430.0, 289575.0, 16081065.0, 218243025.0)


def f(x: Floats) -> Floats:
    a = np.abs(x)
    core = np.minimum(a, 1.0)
    s = core * core
    denominator = poly(s, _D)
    near = core * (s * denominator / (poly(s, _N) + s * denominator))
    # a − tanh a = (a − 1) + 2e/(1 + e), e = e^(−2a): a − 1 is exact, and nothing cancels from 1 on
    e = np.exp(-2.0 * np.minimum(a, 400.0))
    return np.copysign(np.where(a < 1.0, near, (a - 1.0) + 2.0 * e / (1.0 + e)), x)


def df(x: Floats) -> Floats:
    return np.square(np.tanh(x))


RECORD = Activation(
    name="tanhshrink",
    label="Tanhshrink",
    formula="x - tanh(x)",
    derivative="tanh(x)**2",
    f=f,
    df=df,
    range=Interval(-math.inf, math.inf),
    zero_centred=True,
    monotonic=True,
    use_case="sparse coding: a smooth shrinkage",
    source=(
        "Collobert, Kavukcuoglu & Farabet 2011, Torch7: a Matlab-like environment for machine "
        "learning"
    ),
    torch=lambda torch, x: torch.nn.functional.tanhshrink(x),
)
