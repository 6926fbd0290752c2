"""An activation as PyTorch computes it: its own function, or one made of the formula's steps."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from actscope.activations import Activation
from actscope.activations._steps import SIGNS, trees
from actscope.errors import BadExpression, InputError

Steps = Callable[[Any, Mapping[str, Callable[..., Any]]], Any]
HALVES = (torch.float16, torch.bfloat16)


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
    **SIGNS,
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

    float16 and bfloat16 are worked out in float32, as PyTorch's own activations are.

    Attributes:
        f, df: the function and its slope, to be called with a tensor and a table of operators.
        values: the parameters that they were made for.
    """

    f: Steps
    df: Steps
    values: tuple[float, ...]

    def __call__(self, library: Any, x: Any, *values: float) -> Any:
        """f(x), of x's type."""
        if values != self.values:
            raise InputError(
                f"these steps were made for the parameters {self.values}, not for {values}: "
                "take the activation without its PyTorch twin"
            )
        if x.dtype in HALVES:
            return self._of(x.float()).to(x.dtype)
        return self._of(x)

    def _of(self, x: Any) -> Any:
        # torch.export would keep a region without gradients of it
        wanted = torch.is_grad_enabled() and x.requires_grad
        if wanted and not torch.compiler.is_exporting():
            return _WithSlope.apply(x, self.f, self.df)
        return self.f(x, TABLE)


def with_twin(record: Activation) -> Activation:
    """The activation with a PyTorch twin: its own, or one made of its formula.

    Raises:
        InputError: it has none of its own, and its formula is not in the language of typed
            expressions.
    """
    if record.torch is not None:
        return record
    try:
        f, df = trees(record)
    except BadExpression as error:
        raise InputError(
            f"{record.key} has no PyTorch twin, and none can be made of its formula ({error}): "
            "give it one (torch=), or such a formula"
        ) from None
    return dataclasses.replace(record, torch=Composed(f, df, record.values))


def apply(record: Activation, x: Any) -> Any:
    """A record's PyTorch twin at x."""
    assert record.torch is not None
    return record.torch(torch, x, *record.values)


class Elementwise(nn.Module):  # type: ignore[misc]
    """An activation as a module, which can be copied and pickled.

    Args:
        record: of the catalogue, typed or shaped.

    Raises:
        InputError: there is no PyTorch twin, and none can be made.
    """

    def __init__(self, record: Activation) -> None:
        super().__init__()
        self.record = with_twin(record)

    def __setstate__(self, state: Any) -> None:
        super().__setstate__(state)
        self.record = with_twin(self.record)  # a record travels without its functions

    def forward(self, x: Any) -> Any:
        """Apply it."""
        return apply(self.record, x)

    def extra_repr(self) -> str:
        """The activation's key."""
        return self.record.key
