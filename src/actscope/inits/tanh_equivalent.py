"""Tanh equivalent: a sigmoid network that computes what a critical tanh network computes.

σ(y) = (1 + tanh(y/2))/2, so tanh(z) = 2σ(2z) − 1. With y = 2z in every layer:

- first layer: y = x @ (2W) + 2b;
- later hidden layers: z = (2σ − 1) @ W + b, so y = σ @ (4W) + 2b − 2ΣW, which is 2b − ΣW_σ/2
  for W_σ = 4W;
- output layer, where nothing is halved: σ @ (2W) + b − ΣW, which is b − ΣW_σ/2 for W_σ = 2W.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from actscope.errors import InputError
from actscope.inits import critical
from actscope.inits._base import Drawn, Floats, Init, Phi, Sizes


class _Tanh:
    """The hyperbolic tangent, as `critical` asks for an activation."""

    name = "tanh"
    kinks: tuple[float, ...] = ()

    def __call__(self, x: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        return np.asarray(np.tanh(x))

    def slope_at(self, x: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        return np.asarray(1.0 / np.cosh(np.clip(x, -300.0, 300.0)) ** 2)


TANH = _Tanh()


def carried(weights: list[Floats], biases: list[Floats]) -> Drawn:
    """The sigmoid network of a tanh network: the same function, to rounding.

    Args:
        weights: W of the tanh network, (fan_in, fan_out) each.
        biases: b of the tanh network, (fan_out,) each.

    Example:
        >>> W, b = carried([np.ones((1, 1))] * 2, [np.zeros(1)] * 2)
        >>> [float(w[0, 0]) for w in W], [float(v[0]) for v in b]
        ([2.0, 2.0], [0.0, -1.0])
    """
    last = len(weights) - 1
    new_weights, new_biases = [], []
    for layer, (w, b) in enumerate(zip(weights, biases, strict=True)):
        scale = 2.0 if layer < last else 1.0  # y = 2z, but the output is the output
        turned = w * scale * (2.0 if layer else 1.0)
        shift = 0.5 * turned.sum(axis=0) if layer else 0.0
        new_weights.append(turned)
        new_biases.append(scale * b - shift)
    return new_weights, new_biases


def draw(
    sizes: Sizes, activations: tuple[Phi, ...], rng: np.random.Generator, data: Floats | None
) -> Drawn:
    """A critical tanh network, carried over.

    Raises:
        InputError: a hidden layer's activation is not the sigmoid.
    """
    for layer, phi in enumerate(activations, start=1):
        if phi.name != "sigmoid":
            raise InputError(
                f"init 'tanh_equivalent' carries a tanh network over to the sigmoid; hidden layer "
                f"{layer} has {phi.name!r}: choose 'critical', or the activation 'sigmoid'"
            )
    return carried(*critical.draw(sizes, (TANH,) * len(activations), rng, data))


RECORD = Init(
    name="tanh_equivalent",
    label="Tanh equivalent",
    summary="for the sigmoid: the weights of a critical tanh network, carried over exactly",
    rule=draw,
    source="the identity σ(z) = (1 + tanh(z/2))/2; LeCun et al. 1998, Efficient BackProp",
)
