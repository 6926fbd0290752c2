"""Inside `torch.func` transforms (vmap, grad, jvp, …): the plain tensors beneath.

A tensor that a transform wraps must not outlive it and cannot be measured: it has no numbers of its
own to read. What is told of it is told of the tensor beneath, with the transform set aside: under
`vmap` that one has every example, along a dimension in front. Of a nested tensor it is all rows.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import torch
from torch._C import _functorch
from torch._functorch.pyfunctorch import temporarily_clear_interpreter_stack

running: Callable[[], Any] = _functorch.peek_interpreter_stack  # the innermost one, or None
_NOTHING = contextlib.nullcontext()


def bare(tensor: Any) -> Any:
    """The plain tensor beneath a wrapped one, mapped dimensions in front; any other as it is."""
    return bared(tensor)[0]


def bared(tensor: Any) -> tuple[Any, int]:
    """The plain tensor beneath, and how many more dimensions it has in front."""
    mapped = 0
    while isinstance(tensor, torch.Tensor) and _functorch.is_functorch_wrapped_tensor(tensor):
        at = _functorch.maybe_get_bdim(tensor)
        tensor = _functorch.get_unwrapped(tensor)
        if at >= 0:
            mapped += 1
            with aside():
                tensor = tensor.movedim(at, 0) if at else tensor
    if isinstance(tensor, torch.Tensor) and tensor.is_nested:  # the rows of all, one below another
        if tensor.layout == torch.jagged:
            return tensor.values(), mapped - 1
        rows = torch.cat([one.reshape(-1, one.shape[-1]) for one in tensor.unbind()])
        return rows, mapped + 2 - tensor.ndim
    return tensor, mapped


def aside() -> Any:
    """A context in which no transform is on."""
    return temporarily_clear_interpreter_stack() if running() is not None else _NOTHING
