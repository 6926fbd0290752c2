"""Gradients at sites inside reentrant checkpoints, which run without a graph the first time.

`checkpoint(f, x, use_reentrant=True)` runs f without gradients, and again with them in the
backward pass. Its first run is a `Stretch`; it remembers its sites by the
number of the call that made each. When a tensor made in it is met with a checkpoint as its
`grad_fn`, hooks on that node follow the second run, call by call, and hang the gradients' hooks
on the tensors that the same calls make. Nothing is counted or measured twice.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from actscope.probe.calls import Call, Listener

NODE = "CheckpointFunctionBackward"
DEEP = 12  # frames of Python between a checkpoint and the probe


def bracket() -> tuple[str, str]:
    """Where a checkpoint is that switches gradients on or off just now.

    Returns:
        ("forward" or "backward", "__enter__" or "__exit__"); ("", "") where no checkpoint does.
    """
    frame, below = sys._getframe(1), ""
    for _ in range(DEEP):
        if frame.f_code.co_qualname.startswith("CheckpointFunction."):
            inside = below in ("__enter__", "__exit__")
            return (frame.f_code.co_name, below) if inside else ("", "")
        below = frame.f_code.co_name
        if frame.f_back is None:
            break
        frame = frame.f_back
    return "", ""


class Stretch:
    """The first run of a checkpoint.

    Args:
        start: calls of the pass before it.
    """

    def __init__(self, start: int) -> None:
        self.start = start
        # number of the call since the start -> (what is told, whether of the call's core)
        self.sites: dict[int, tuple[Any, bool]] = {}
        self.bound = False

    def add(self, serial: int, site: Any, cored: bool) -> None:
        """Remember a site, by the number of its call in the pass."""
        self.sites[serial - self.start] = site, cored

    def bind(self, tensor: Any, again: Callable[[Stretch], Any]) -> None:
        """Follow the second run, if a checkpoint made this tensor.

        Args:
            tensor: that was made in the stretch, after it.
            again: enters a pass over the second run; what it returns leaves it.
        """
        node = tensor.grad_fn
        if self.bound or node is None or type(node).__name__ != NODE:
            return
        self.bound = True
        leave: list[Callable[[], None]] = []

        def enter(*_: Any) -> None:
            leave.append(again(self))

        def end(*_: Any) -> None:
            if leave:
                leave.pop()()

        node.register_prehook(enter)
        node.register_hook(end)


class Relay:
    """The listener of a second run: sites are those of the first, and only gradients are new.

    Args:
        listener: of the first run.
        stretch: the first run.
    """

    def __init__(self, listener: Listener, stretch: Stretch) -> None:
        self.listener, self.stretch = listener, stretch

    def site(self, call: Call) -> Any:
        """The site of the first run, with a hook for its gradient."""
        site, cored = self.stretch.sites.get(call.serial, (None, False))
        call.cored = cored
        output = call.core.output if cored and call.core is not None else call.output
        if site is None or not output.requires_grad:
            return site  # a checkpoint inside a checkpoint
        self.listener.gradient(site, output)
        return None

    def gradient(self, site: Any, tensor: Any) -> None:
        """From a checkpoint inside the checkpoint."""
        self.listener.gradient(site, tensor)

    def begin(self, root: Any, args: Any, kwargs: Any) -> None:
        """Not a pass of its own."""

    def rows(self, tensor: Any, dim: int | None) -> Any:
        """Sampled already."""

    def opaque(self, found: Any) -> None:
        """Told already."""

    def embedded(self, tensor: Any) -> None:
        """Told already."""

    def loss(self, name: str, tensor: Any, squashed: str | None) -> None:
        """Told already."""

    def end(self, seconds: float) -> None:
        """Not a pass of its own."""
