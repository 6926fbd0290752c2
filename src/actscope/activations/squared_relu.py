"""Squared ReLU: max(0, x)²."""

import math

import numpy as np

from actscope.activations._base import Activation, Floats, Interval


def f(x: Floats) -> Floats:
    return np.square(np.maximum(x, 0.0))


def df(x: Floats) -> Floats:
    return 2.0 * np.maximum(x, 0.0)


RECORD = Activation(
    name="squared_relu",
    label="Squared ReLU",
    formula="max(0, x)**2",
    derivative="2*max(0, x)",
    f=f,
    df=df,
    range=Interval(0.0, math.inf, low_attained=True),
    zero_centred=False,
    monotonic=True,
    use_case="feed-forward layers of language models that want sparse activity",
    source="So et al. 2021, Primer: searching for efficient transformers for language modeling",
    torch=lambda torch, x: torch.square(torch.nn.functional.relu(x)),
)
