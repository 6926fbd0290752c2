"""Erf: 2/√π ∫₀ˣ e^(−t²) dt."""

from actscope.activations._base import Activation, Floats, Interval, Onnx
from actscope.maths.special import TWO_OVER_ROOT_PI, gauss
from actscope.maths.special import erf as _erf


def f(x: Floats) -> Floats:
    return _erf(x)


def df(x: Floats) -> Floats:
    return TWO_OVER_ROOT_PI * gauss(x, 1.0)


RECORD = Activation(
    name="erf",
    label="Erf",
    formula="erf(x)",
    derivative="2/sqrt(pi)*exp(-x**2)",
    f=f,
    df=df,
    range=Interval(-1.0, 1.0),
    zero_centred=True,
    monotonic=True,
    use_case="theory of wide networks, where its averages have closed forms",
    source="Williams 1997, Computing with infinite networks",
    torch=lambda torch, x: torch.erf(x),
    onnx=Onnx("Erf"),
)
