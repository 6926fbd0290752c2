"""The modules that a pass is in, outermost first: where a call has its name from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from actscope.probe import modules
from actscope.probe.transforms import aside, bare

NO_FUNCTIONS = torch._C.DisableTorchFunction


@dataclass(slots=True)
class Seen:
    """What was found out about a module.

    Attributes:
        module: the module.
        path: its path under the root.
        tried: what it is is known.
        verdict: what activation it is (see `modules.kind_of`), or None.
        name: what its function is called.
        call: computes what it does.
    """

    module: Any
    path: str
    tried: bool = False
    verdict: str | None = None
    name: str = ""
    call: Callable[[Any], Any] | None = None

    def look(self, first: Any) -> None:
        """Find out what a module is that is called with a first argument."""
        with NO_FUNCTIONS(), aside():
            self.verdict = modules.kind_of(self.module, bare(first))
        self.tried = isinstance(first, torch.Tensor) and first.is_floating_point()
        if self.verdict is not None:
            self.name, self.call = modules.name_of(self.module), modules.Caller(self.module)


@dataclass(eq=False)
class Frame:
    """One call of a module.

    Attributes:
        module: the module.
        path: its path under the root.
        quiet: it is inside an activation module, or is one: nothing in it is a site.
        started: seconds of the clock when its forward began.
        serial: the number of the call in the pass.
        seen: what is known of an activation module; None for any other.
        first: its first argument.
        kept: rows kept of that, where it is about to be overwritten.
        aside: the pass does not follow calls of torch until it returns.
    """

    module: Any
    path: str
    quiet: bool = False
    started: float = field(default=0.0, init=False)
    serial: int = field(default=0, init=False)
    seen: Seen | None = field(default=None, init=False)
    first: Any = field(default=None, init=False)
    kept: Any = field(default=None, init=False)
    aside: bool = field(default=False, init=False)


def path_of(module: Any, above: Frame) -> str:
    """The path of a module that was made since: its parent's name for it, or else its class."""
    named = (name for name, child in above.module._modules.items() if child is module)
    name = next(named, type(module).__name__)
    return f"{above.path}.{name}" if above.path else str(name)
