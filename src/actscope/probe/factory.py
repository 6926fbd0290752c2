"""Make PyTorch modules of plain arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from actscope.activations import Activation
from actscope.probe.twins import Elementwise


class Layer(nn.Module):  # type: ignore[misc]
    """A hidden layer: φ(x @ W + b), normalised before φ, x added after it, where it has these."""

    def __init__(self, linear: Any, norm: Any, phi: Any, skip: bool) -> None:
        super().__init__()
        self.linear, self.norm, self.activation, self.skip = linear, norm, phi, skip

    def forward(self, x: Any) -> Any:
        """The layer's output, (…, width)."""
        z = self.linear(x)
        if self.norm is not None:
            z = self.norm(z)
        h = self.activation(z)
        return h + x if self.skip else h

    def extra_repr(self) -> str:
        """Whether the input is added."""
        return "residual" if self.skip else ""


class Perceptron(nn.Module):  # type: ignore[misc]
    """A multi-layer perceptron of given weights.

    Args:
        W, b: one array a layer, (fan_in, fan_out) and (fan_out,), the output layer included.
        gamma, beta: of the layer norms, (width,) a hidden layer; empty without.
        activations: one for each hidden layer.
        skips: for each hidden layer, whether its input is added to its output.
        epsilon: what the layer norms add to the variance.
        dtype: "float32" or "float64".
    """

    def __init__(
        self,
        W: Sequence[Any],
        b: Sequence[Any],
        gamma: Sequence[Any],
        beta: Sequence[Any],
        activations: Sequence[Activation],
        skips: Sequence[bool],
        epsilon: float,
        dtype: str,
    ) -> None:
        super().__init__()
        kind = getattr(torch, dtype)
        layers = []
        for l, phi in enumerate(activations):
            norm = None
            if gamma:
                norm = nn.LayerNorm(len(gamma[l]), eps=epsilon, dtype=kind)
                _fill(norm.weight, gamma[l])
                _fill(norm.bias, beta[l])
            layers.append(Layer(_linear(W[l], b[l], kind), norm, Elementwise(phi), skips[l]))
        self.hidden = nn.ModuleList(layers)
        self.output = _linear(W[-1], b[-1], kind)

    def forward(self, x: Any) -> Any:
        """Logits (…, outputs) for points (…, inputs)."""
        for layer in self.hidden:
            x = layer(x)
        return self.output(x)


def _linear(W: Any, b: Any, kind: Any) -> Any:
    # made on the meta device first, so that no random numbers are drawn
    layer = nn.Linear(*W.shape, device="meta", dtype=kind).to_empty(device="cpu")
    _fill(layer.weight, W.T)
    _fill(layer.bias, b)
    return layer


def _fill(parameter: Any, values: Any) -> None:
    with torch.no_grad():
        parameter.copy_(torch.as_tensor(values.copy(), dtype=parameter.dtype))
