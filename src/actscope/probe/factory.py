"""Make PyTorch modules of plain arrays and of functions given as lists of steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from actscope.activations import Activation
from actscope.errors import InputError
from actscope.probe.swapping import Elementwise

Steps = Callable[[Any, Mapping[str, Callable[..., Any]]], Any]


def _extreme(name: str, low: bool) -> Callable[[Any, Any], Any]:
    """The larger or the smaller of two tensors, or of a tensor and a number."""

    def apply(a: Any, b: Any) -> Any:
        if not isinstance(a, torch.Tensor):
            a, b = b, a
        if isinstance(b, torch.Tensor):
            return getattr(torch, name)(a, b)
        return torch.clamp(a, min=b) if low else torch.clamp(a, max=b)

    return apply


TABLE: dict[str, Callable[..., Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "negative": torch.neg,
    **{word: getattr(torch, word) for word in ("exp", "expm1", "log", "log1p", "tanh", "sin")},
    **{word: getattr(torch, word) for word in ("cos", "sqrt", "sign", "abs", "erf", "where")},
    "maximum": _extreme("maximum", low=True),
    "minimum": _extreme("minimum", low=False),
    "ndtr": lambda x: 0.5 * torch.special.erfc(-0.7071067811865476 * x),  # torch's own cancels
    "npdf": lambda x: torch.exp(-0.5 * x * x) * 0.3989422804014327,  # 1/√(2π)
    "sigmoid": torch.sigmoid,
    # beyond the threshold PyTorch returns x, within it log1p(eˣ), which then overflows nowhere
    "softplus": lambda x: nn.functional.softplus(x, threshold=50.0),
}


class _WithSlope(torch.autograd.Function):  # type: ignore[misc]
    """f, whose gradient is df: where autograd would meet 0·∞ in a branch not taken, df does not."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Any, f: Steps, df: Steps) -> Any:
        y = f(x, TABLE)
        return y.view_as(y) if y is x else y  # autograd wants an input handed on as a view

    @staticmethod
    def setup_context(context: Any, inputs: Any, output: Any) -> None:
        x, _, context.df = inputs
        context.save_for_backward(x)

    @staticmethod
    def backward(context: Any, gradient: Any) -> Any:
        [x] = context.saved_tensors
        return gradient * context.df(x, TABLE), None, None


@dataclass(frozen=True)
class Composed:
    """The PyTorch twin of an activation that PyTorch has not: steps of its functions.

    Attributes:
        f, df: the function and its slope, to be called with a tensor and a table of operators.
        values: the parameters that they were made for.
    """

    f: Steps
    df: Steps
    values: tuple[float, ...]

    def __call__(self, library: Any, x: Any, *values: float) -> Any:
        """f(x)."""
        if values != self.values:
            raise InputError(
                f"these steps were made for the parameters {self.values}, not for {values}: "
                "take the activation without its PyTorch twin"
            )
        if torch.is_grad_enabled() and x.requires_grad:
            return _WithSlope.apply(x, self.f, self.df)
        return self.f(x, TABLE)


class Typed(Elementwise):
    """An activation that PyTorch has not, as a module that can be copied and pickled.

    Args:
        record: what it is.
        twin: what computes it.
    """

    def __init__(self, record: Activation, twin: Composed) -> None:
        nn.Module.__init__(self)  # the record needs no PyTorch twin of its own
        self.record, self.twin = record, twin

    def forward(self, x: Any) -> Any:
        """Apply it."""
        return self.twin(torch, x, *self.record.values)


def module_of(record: Activation) -> Any:
    """An activation with a PyTorch twin as a module."""
    if isinstance(record.torch, Composed):
        return Typed(record, record.torch)
    return Elementwise(record)


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
        activations: one with a PyTorch twin for each hidden layer.
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
            layers.append(Layer(_linear(W[l], b[l], kind), norm, module_of(phi), skips[l]))
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
