"""Inside `torch.func` transforms (vmap, grad, jvp, …): the plain tensors beneath, and who is told.

A tensor that a transform wraps must not outlive it and cannot be measured: it has no numbers of its
own to read. What is told of it is told of the tensor beneath, with the transform set aside: under
`vmap` that one has every example, along a dimension in front.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch._C import _functorch
from torch._functorch.pyfunctorch import temporarily_clear_interpreter_stack

if TYPE_CHECKING:
    from actscope.probe.calls import Call, Listener, Opaque

_top: Callable[[], Any] = _functorch.peek_interpreter_stack
_NOTHING = contextlib.nullcontext()


def is_on() -> bool:
    """Whether a transform runs."""
    return _top() is not None


def bare(tensor: Any) -> Any:
    """The plain tensor beneath a wrapped one, mapped dimensions in front; any other as it is."""
    return bared(tensor)[0]


def bared(tensor: Any) -> tuple[Any, int]:
    """The plain tensor beneath, and how many mapped dimensions it has in front."""
    mapped = 0
    while isinstance(tensor, torch.Tensor) and _functorch.is_functorch_wrapped_tensor(tensor):
        at = _functorch.maybe_get_bdim(tensor)
        tensor = _functorch.get_unwrapped(tensor)
        if at >= 0:
            mapped += 1
            with aside():
                tensor = tensor.movedim(at, 0) if at else tensor
    return tensor, mapped


def aside() -> Any:
    """A context in which no transform is on."""
    return temporarily_clear_interpreter_stack() if is_on() else _NOTHING


class Outside:
    """A listener that hears of plain tensors only, outside of every transform.

    Args:
        listener: any.
    """

    def __init__(self, listener: Listener) -> None:
        self.listener = listener

    def __getattr__(self, name: str) -> Any:
        return getattr(self.listener, name)

    def site(self, call: Call) -> Any:
        """An activation was applied."""
        if not is_on():
            return self.listener.site(call)
        output, mapped = bared(call.output)
        source = call.source
        if mapped and source is not None:
            source = dataclasses.replace(source, mapped=mapped)
        with aside():
            return self.listener.site(
                dataclasses.replace(call, output=output, z=bare(call.z), source=source)
            )

    def gradient(self, site: Any, tensor: Any) -> None:
        """A checkpoint runs again."""
        with aside():
            self.listener.gradient(site, bare(tensor))

    def rows(self, tensor: Any, dim: int | None) -> Any:
        """A tensor is about to be overwritten."""
        if not is_on():
            return self.listener.rows(tensor, dim)
        plain, mapped = bared(tensor)
        with aside():
            return self.listener.rows(plain, None if dim is None else dim + mapped)

    def opaque(self, found: Opaque) -> None:
        """Something cannot be looked into."""
        self.listener.opaque(found)

    def embedded(self, tensor: Any) -> None:
        """An embedding was looked up."""
        with aside():
            self.listener.embedded(bare(tensor))

    def loss(self, name: str, tensor: Any, squashed: str | None) -> None:
        """A loss function is called."""
        with aside():
            self.listener.loss(name, bare(tensor), squashed)
