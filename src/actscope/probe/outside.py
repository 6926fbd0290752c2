"""A listener that hears of plain tensors only, outside of every `torch.func` transform."""

from __future__ import annotations

import copy
from typing import Any

from actscope.probe.calls import Call, Listener, Opaque
from actscope.probe.dense import described, has_memory, is_plain
from actscope.probe.transforms import aside, bare, bared


class Outside:
    """A listener that hears of plain tensors only, outside of every transform.

    A site whose output has no numbers of its own to read is told of as opaque.

    Args:
        listener: any.
    """

    def __init__(self, listener: Listener) -> None:
        self.listener = listener

    def __getattr__(self, name: str) -> Any:
        return getattr(self.listener, name)

    def site(self, call: Call) -> Any:
        """An activation was applied."""
        if is_plain(call.output):
            return self.listener.site(call)
        output, mapped = bared(call.output)
        if not has_memory(output):
            what, way_out = described(output)
            self.listener.opaque(Opaque(call.path, f"{call.label}: its output is {what}", way_out))
            return None
        beneath = copy.copy(call)
        beneath.output, beneath.z = output, bare(call.z)
        if mapped and call.source is not None:
            beneath.source = copy.copy(call.source)
            beneath.source.mapped = mapped
        with aside():
            site = self.listener.site(beneath)
        call.cored = beneath.cored
        return site

    def gradient(self, site: Any, tensor: Any) -> None:
        """A checkpoint runs again."""
        with aside():
            self.listener.gradient(site, bare(tensor))

    def rows(self, tensor: Any, dim: int | None) -> Any:
        """A tensor is about to be overwritten."""
        if is_plain(tensor):
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
