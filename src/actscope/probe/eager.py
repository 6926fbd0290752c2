"""Compiled parts run as they are written while a pass is on, so that they can be looked into."""

from __future__ import annotations

import contextlib
import sys
import threading
import warnings

import torch


class Eager:
    """Torch's stance towards compiled code, which is one for the whole process.

    It is changed when the first of all trackers begins a pass, and put back after the last.
    """

    def __init__(self) -> None:
        self.lock, self.count = threading.Lock(), 0
        self.stack, self.quiet = contextlib.ExitStack(), False

    def enter(self, compiled: bool) -> None:
        """A pass begins.

        Args:
            compiled: the model has parts that `torch.compile` wrapped.
        """
        with self.lock:
            self.count += 1
            # without Dynamo nothing is compiled; stances exist from torch 2.6 on
            known = "torch._dynamo" in sys.modules and hasattr(torch.compiler, "set_stance")
            if self.count == 1 and known:
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
