"""Which modules are activations: found by what they do, not by a list of classes.

A module without children is an activation if it gives back the shape it gets, each number of the
output depends on that number of the input alone, and the function is not a straight line. It is
tried on synthetic rows, on a copy in eval mode, so that nothing of the model changes.
"""

from __future__ import annotations

import contextlib
import copy
import math
import weakref
from collections.abc import Callable, Hashable
from typing import Any

import torch
from torch import nn

from actscope.probe.keep import random_kept
from actscope.probe.twins import Elementwise

# modules of torch that are not elementwise, or not curved: no need to try them
_NEVER = (
    nn.Linear, nn.Bilinear, nn.Embedding, nn.EmbeddingBag, nn.Identity, nn.Flatten, nn.Unflatten,
    nn.modules.conv._ConvNd, nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm,
    nn.modules.dropout._DropoutNd, nn.RNNBase, nn.RNNCellBase, nn.MultiheadAttention,
    nn.modules.pooling._MaxPoolNd, nn.modules.pooling._AvgPoolNd, nn.Upsample, nn.CosineSimilarity,
    nn.modules.pooling._AdaptiveAvgPoolNd, nn.modules.pooling._AdaptiveMaxPoolNd, nn.PixelShuffle,
)  # fmt: skip
# of them, those whose forward is one call of torch that is no activation and hides none
_ONE_CALL = frozenset([
    nn.Linear, nn.Embedding, nn.Identity, nn.Flatten, nn.Conv1d, nn.Conv2d, nn.Conv3d,
    nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d, nn.BatchNorm1d, nn.BatchNorm2d,
    nn.BatchNorm3d, nn.LayerNorm, nn.GroupNorm, nn.Dropout, nn.Dropout1d, nn.Dropout2d,
    nn.Dropout3d, nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AvgPool1d, nn.AvgPool2d,
    nn.AvgPool3d, nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d,
])  # fmt: skip
_SOFTMAX = (nn.Softmax, nn.LogSoftmax, nn.Softmin, nn.Softmax2d)
_SIMPLE = (bool, int, float, str, type(None))
_MOST = 1 << 22  # numbers tried at once

_verdicts: weakref.WeakKeyDictionary[Any, bool] = weakref.WeakKeyDictionary()
_by_behaviour: dict[Hashable, bool] = {}
_names: dict[str, str] = {
    "SiLU": "silu", "GELU": "gelu", "ReLU": "relu", "ReLU6": "relu6", "Sigmoid": "sigmoid",
    "Tanh": "tanh", "LeakyReLU": "leaky_relu", "ELU": "elu", "Mish": "mish",
}  # fmt: skip


def name_of(module: Any) -> str:
    """The name that a function of this module's class has; of a swapped one its activation's."""
    if isinstance(module, Elementwise):
        return module.record.key
    name = type(module).__name__
    return _names.get(name, name)


def is_one_call(module: Any) -> bool:
    """Whether a module's forward is one call of torch, so that no site can have its name."""
    changed = "forward" in module.__dict__ or module._forward_hooks or module._forward_pre_hooks
    return type(module) in _ONE_CALL and not changed and not module._modules


def kind_of(module: Any, first: Any) -> str | None:
    """What an activation module is: "activation", "softmax", "log_softmax", "softmin", "glu".

    Args:
        module: any module.
        first: the first argument it is called with.

    Returns:
        None for a module that is no activation.
    """
    if module._modules or not isinstance(first, torch.Tensor) or not first.is_floating_point():
        return None
    if isinstance(module, (*_NEVER, torch.jit.ScriptModule)):
        return None
    if isinstance(module, nn.GLU):
        return "glu"
    if isinstance(module, _SOFTMAX):
        name = type(module).__name__
        return {"LogSoftmax": "log_softmax", "Softmin": "softmin"}.get(name, "softmax")
    if module not in _verdicts:
        if 0 in first.shape[1:]:
            return None
        key = behaviour(module)
        if key not in _by_behaviour:
            _verdicts[module] = _behaves(module, first)
            if key is not None:
                _by_behaviour[key] = _verdicts[module]
        else:
            _verdicts[module] = _by_behaviour[key]
    return "activation" if _verdicts[module] else None


class Caller:
    """A function that computes what a module does, on a copy in eval mode, without its hooks."""

    def __init__(self, module: Any) -> None:
        self.module = module

    @property
    def key(self) -> Hashable | None:
        """Equal for two modules that compute the same; None where that is not known."""
        return behaviour(self.module)

    def __call__(self, x: Any) -> Any:
        """The module's output."""
        return _copy(self.module, x)(x)


def behaviour(module: Any) -> Hashable | None:
    """What decides the output of a library's activation without parameters: class and settings.

    None for any other module, and for one that holds more than numbers and functions.
    """
    kind = type(module)
    if not kind.__module__.startswith(("torch.nn.", "transformers.")):
        return None
    if module._parameters or module._buffers or module._modules:
        return None
    settings = tuple((k, v) for k, v in vars(module).items() if k[0] != "_" and k != "training")
    if any(not isinstance(v, _SIMPLE) and not callable(v) for _, v in settings):
        return None
    return kind, settings


def _copy(module: Any, like: Any) -> Callable[[Any], Any]:
    twin = copy.deepcopy(module).eval()
    twin.to(device=like.device, dtype=like.dtype)
    forward: Callable[[Any], Any] = twin.forward
    return forward


def _behaves(module: Any, first: Any) -> bool:
    """Whether a module is shape-preserving, elementwise and curved, by trying.

    First with two where the input has one: a norm over one number is a function of that number.
    """
    rows = max(2, min(8, _MOST // max(1, math.prod(first.shape[1:]))))
    shape = (rows, *first.shape[1:]) if first.ndim > 1 else tuple(first.shape)
    wide = (*shape[:1], *(max(n, 2) for n in shape[1:]))
    with random_kept():
        for tried in dict.fromkeys([wide, shape]):
            with (
                contextlib.suppress(Exception),  # it may take one shape only
                torch.no_grad(),
                torch.autocast(first.device.type, enabled=False),
            ):
                return _tried(_copy(module, first.float()), tried, first.device)
    return False  # a module that cannot be tried alone is looked into instead


def _tried(forward: Callable[[Any], Any], shape: tuple[int, ...], device: Any) -> bool:
    seed = torch.Generator().manual_seed(0)
    x = 3.0 * torch.randn(shape, generator=seed).to(device)
    y = forward(x.clone())
    if not isinstance(y, torch.Tensor) or y.shape != x.shape or not y.is_floating_point():
        return False
    # change half of the numbers: the others' outputs must stay as they are
    kept = (torch.rand(shape, generator=seed) < 0.5).to(device)
    other = torch.where(kept, x, torch.randn(shape, generator=seed).to(device))
    if not torch.equal(y[kept], forward(other)[kept]):
        return False
    return any(_curved(forward, x, scale) for scale in (1.0, 0.1, 10.0, 1e3))


def _curved(forward: Callable[[Any], Any], x: Any, scale: float) -> bool:
    """Whether f(a) + f(−a) differs from 2·f(0), or f(2a) from 2·f(a), relative to f's size."""
    a = scale * x
    zero, one, minus, two = (forward(v.clone()) for v in (0 * a, a, -a, 2 * a))
    size = one.abs().max() + two.abs().max() + 1e-30
    bend = (one + minus - 2 * zero).abs().max() + (two - 2 * one + zero).abs().max()
    return bool(bend > 1e-4 * size)
