"""Log-sigmoid: −log(1 + e⁻ˣ)."""

import math

import numpy as np

from actscope.activations._base import Activation, Floats, Interval


def f(x: Floats) -> Floats:
    return np.minimum(x, 0.0) - np.log1p(np.exp(-np.abs(x)))


def df(x: Floats) -> Floats:
    e = np.exp(-np.abs(x))
    return np.where(x >= 0.0, e, 1.0) / (1.0 + e)


RECORD = Activation(
    name="log_sigmoid",
    label="Log-sigmoid",
    formula="-softplus(-x)",
    derivative="sigmoid(-x)",
    f=f,
    df=df,
    range=Interval(-math.inf, 0.0),
    zero_centred=False,
    monotonic=True,
    use_case="losses: the logarithm of a binary classifier's output",
    source=(
        "Mikolov, Sutskever, Chen, Corrado & Dean 2013, Distributed representations of words and "
        "phrases and their compositionality"
    ),
    torch=lambda torch, x: torch.nn.functional.logsigmoid(x),
)
