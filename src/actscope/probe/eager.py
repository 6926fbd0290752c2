"""Compiled parts run as they are written while a pass is on, so that they can be looked into."""

from __future__ import annotations

import contextlib
import threading
import warnings
from typing import Any

import torch


class Eager:
    """Torch's stance towards compiled code, which is one for the whole process.

    It is changed when the first of all trackers begins a pass, and put back after the last.
    """

    def __init__(self) -> None:
        self.lock, self.count = threading.Lock(), 0
        self.stack, self.quiet = contextlib.ExitStack(), False

    def enter(self, root: Any) -> None:
        """A pass over a model begins."""
        compiled = any(hasattr(m, "_orig_mod") for m in root.modules())
        with self.lock:
            self.count += 1
            if self.count == 1 and hasattr(torch.compiler, "set_stance"):  # from torch 2.6 on
                self.stack.enter_context(torch.compiler.set_stance("force_eager"))
            if compiled and not self.quiet:
                # torch warns of hooks on compiled modules; ours count them right
                self.quiet = True
                self.stack.enter_context(warnings.catch_warnings())
                warnings.filterwarnings("ignore", message=r"Using `torch\.compile\(module\)`")

    def leave(self) -> None:
        """It ends."""
        with self.lock:
            self.count -= 1
            if self.count == 0:
                self.quiet = False
                self.stack.close()


EAGER = Eager()
