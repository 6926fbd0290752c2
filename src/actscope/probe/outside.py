"""A listener that hears of plain tensors only, outside of every `torch.func` transform."""

from __future__ import annotations

import dataclasses
from typing import Any

from torch.utils._python_dispatch import is_traceable_wrapper_subclass

from actscope.probe.calls import Call, Listener, Opaque
from actscope.probe.dense import PLAIN_TYPES
from actscope.probe.transforms import aside, bare, bared, is_on


def _plain(tensor: Any) -> bool:
    """Whether a tensor can be measured as it is."""
    return type(tensor) in PLAIN_TYPES and not tensor.is_nested and not is_on()


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
        if _plain(call.output):
            return self.listener.site(call)
        output, mapped = bared(call.output)
        if is_traceable_wrapper_subclass(output):
            what = f"{call.label} of a {type(output).__name__}"
            self.listener.opaque(Opaque(call.path, what, "give plain tensors"))
            return None
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
        if _plain(tensor):
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
