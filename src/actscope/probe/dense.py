"""Which tensors hold numbers that can be read, and what is said of the others."""

from __future__ import annotations

from typing import Any

import torch

from actscope.probe.transforms import running

_PLAIN_TYPES = (torch.Tensor, torch.nn.Parameter)
_wraps = torch._C._functorch.is_functorch_wrapped_tensor


def is_plain(tensor: Any) -> bool:
    """Whether a tensor can be measured as it is: it has memory, and no transform runs."""
    return (
        type(tensor) in _PLAIN_TYPES
        and tensor.layout is torch.strided
        and not (tensor.is_meta or tensor.is_nested or _wraps(tensor))
        and running() is None
    )


def has_memory(tensor: Any) -> bool:
    """Whether a tensor's numbers lie in memory of its own that can be looked at."""
    return tensor.layout is torch.strided and not tensor.is_meta and not is_wrapped(tensor)


def is_wrapped(tensor: Any) -> bool:
    """Whether a tensor stands for others: vmap's, a subclass that dispatches in Python, nested."""
    if _wraps(tensor) or tensor.is_nested:
        return True
    if type(tensor) in _PLAIN_TYPES:
        return False
    return bool(torch._C._dispatch_keys(tensor).has(torch._C.DispatchKey.Python))


def described(tensor: Any) -> tuple[str, str]:
    """What a tensor without numbers of its own is, and how to let it be seen."""
    if _wraps(tensor):
        return "inside torch.func (vmap, grad)", "call the function on the whole batch"
    if tensor.is_meta:
        return "on the meta device", "load the weights, and give a batch on a real device"
    if tensor.is_nested:
        return "a nested tensor", "pad the examples to one length"
    if tensor.layout is not torch.strided:
        layout = str(tensor.layout).removeprefix("torch.")
        return f"a tensor of layout {layout}", "call .to_dense() before it"
    return f"a {type(tensor).__name__}", "give it plain tensors (.to_local(), .dequantize(), …)"
