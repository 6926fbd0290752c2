"""Gradient ratio: a layer's weight gradient over the output layer's."""

from __future__ import annotations

from typing import Any

import numpy as np

from actscope.metrics._base import Bounds, Floats, Metric


def f(x: Floats, h: Floats, gradient: Floats, last_gradient: Floats) -> Any:
    """|∂L/∂W of this layer|/|∂L/∂W of the output layer|, in Frobenius norms.

    At layer 1 it is the number that vanishing and exploding gradients show in.
    """
    return np.asarray(gradient) / np.asarray(last_gradient)


RECORD = Metric(
    name="gradient_ratio",
    label="Gradient ratio",
    summary="norm of the layer's weight gradient over that of the output layer",
    account="optimiser",
    f=f,
    needs=frozenset({"gradient", "last_gradient"}),
    bounds=Bounds(0.0),
    perfect=None,
    blind_to=frozenset({"rotation", "scaling", "shift", "permutation"}),
    source="Hochreiter 1991; Glorot & Bengio 2010, Understanding the difficulty of training",
)
