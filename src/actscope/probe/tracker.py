"""Follow a model's forward pass and report every activation, whatever form it has.

A hook pair on the root module enters a `TorchFunctionMode` (`forward.Pass`) for the length of one
forward pass, so that nothing is seen twice when checkpointing runs a part again in the backward
pass, and nothing stays on when a forward raises. Global module hooks keep the stack of modules,
from which a site has its name. The first pass is checked from below (`coverage`). While a pass is
on, `nn.TransformerEncoder` does not take its fast path, and compiled parts run eagerly.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.nn.modules.module import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
)

from actscope.probe.calls import Call as Call
from actscope.probe.calls import Listener
from actscope.probe.calls import Opaque as Opaque
from actscope.probe.checkpoints import Relay, Stretch
from actscope.probe.coverage import Checked
from actscope.probe.eager import EAGER
from actscope.probe.forward import Again, Known, Pass
from actscope.probe.hooks import Hook, leave, stay
from actscope.probe.modules import is_one_call
from actscope.probe.sites import Sites
from actscope.probe.stack import NO_FUNCTIONS, Seen
from actscope.probe.wrappers import entry_of
from actscope.probe.wrappers import unwrap as unwrap

_ALONE = threading.local()
CHECKS = 8  # passes that are checked at most, while none is complete


class _Here(threading.local):
    """What runs in a thread.

    Attributes:
        current: the pass that is on.
        last: the one that ended last.
    """

    current: Pass | None = None
    last: Pass | None = None


class Tracker:
    """Reports every activation of a model to a listener, from `attach` to `detach`.

    Args:
        model: the module whose forward passes are followed, wrappers taken off by `unwrap`.
        listener: what is told.
    """

    def __init__(self, model: Any, listener: Listener) -> None:
        self.root, self.listener = unwrap(model), listener
        self.entry = entry_of(model) or self.root
        named = reversed(list(self.root.named_modules()))
        self.known = Known(seen={id(m): Seen(m, path) for path, m in named})
        self.skipped: frozenset[int] = frozenset()  # ids of modules that need not be followed
        self.local = _Here()
        self.handles: list[Any] = []
        self.everywhere: list[Any] = []
        self.lock = threading.Lock()
        self.attached = self.compiled = False
        self.open: dict[Pass, threading.Thread] = {}  # passes that run, in whichever thread
        self.checks = 0  # CHECKS from the first complete pass on
        self.lengths: set[int] = set()  # numbers of calls in the passes that were checked
        self.more = CHECKS  # checks left for passes of other lengths
        self.due: Callable[[], bool] = lambda: True  # asked at the start of every forward pass

    def attach(self) -> None:
        """Register the hooks on the root; those on all modules are there during a pass only."""
        self.attached = True
        plain = (i for i, seen in self.known.seen.items() if is_one_call(seen.module))
        self.skipped = frozenset((*plain, id(self.root), id(self.entry)))
        self.compiled = any("_orig_mod" in m._modules for m in self.root.modules())
        self.handles = [
            self.entry.register_forward_pre_hook(Hook(self._enter), prepend=True, with_kwargs=True),
            self.entry.register_forward_hook(Hook(self._leave), always_call=True),
        ]
        stay(self.entry)

    def detach(self) -> None:
        """Take the hooks off, and leave a pass that an interrupt left open.

        A pass of another thread that still runs keeps them until it ends.
        """
        self.attached = False
        current = self.local.current
        if current is not None:
            self._close(current)
        with self.lock:
            for one, thread in list(self.open.items()):
                if isinstance(one, Again) or not thread.is_alive():
                    del self.open[one]
            self._unhook()

    # -- what is on while a pass runs --------------------------------------------------------

    def _hook(self, current: Pass) -> bool:
        """Follow all modules while at least one pass runs; False once detached."""
        with self.lock:
            if not self.attached:
                return False
            self.open[current] = threading.current_thread()
            if not self.everywhere:
                self.everywhere = [
                    register_module_forward_pre_hook(self._push),
                    register_module_forward_hook(self._pop, always_call=True),
                ]
                EAGER.enter(self.compiled)
            return True

    def _unhook(self) -> None:
        """Take off what no pass needs any more."""
        if self.open:
            return
        if self.everywhere:
            for handle in self.everywhere:
                handle.remove()
            self.everywhere = []
            EAGER.leave()
        if not self.attached:
            for handle in self.handles:
                handle.remove()
            if self.handles:
                leave(self.entry)
            self.handles = []

    def _begin(self, current: Pass) -> Pass | None:
        """Enter a pass; returns the one that it interrupts."""
        before = self.local.current
        if self._hook(current):
            self.local.current = current
            current.__enter__()
        return before

    def _close(self, current: Pass, before: Pass | None = None) -> None:
        self.local.current = before
        if current in torch.overrides._get_current_function_mode_stack():
            current.__exit__(None, None, None)
        with self.lock:
            self.open.pop(current, None)
            self._unhook()

    # -- hooks on the root -------------------------------------------------------------------

    def _enter(
        self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None
    ) -> None:
        if _in_backward():  # a checkpoint around the root runs it again: the pass was measured
            return
        if getattr(_ALONE, "tracker", self) is not self:  # an inspection's pass, in this thread
            return
        current = self.local.current
        if isinstance(current, Again):  # its second run raised
            self._close(current)
        elif current is not None:  # the root calls itself
            current.depth += 1
            return
        if not self.due():
            return
        again = functools.partial(self._again, self.listener)
        # a replica of DataParallel is a root of its own
        root = self.root if module is self.entry else module
        sites = Sites(root, self.listener, again)
        check = self.checks < CHECKS
        self.checks += check
        current = (Checked if check else Pass)(sites, self.known)
        with NO_FUNCTIONS():
            self.listener.begin(module, args, kwargs or {})
        self._begin(current)
        current.started = time.perf_counter()

    def _leave(self, module: Any, args: Any, result: Any) -> None:
        current = self.local.current
        if current is None or _in_backward():
            return
        if current.depth:
            current.depth -= 1
            return
        seconds = time.perf_counter() - current.started - current.sites.own
        self._close(current)
        if not self.attached:  # nobody listens any more
            return
        with NO_FUNCTIONS():
            current.finish()
            self.listener.end(seconds)
        if result is not None and current.sites.serial:
            self.checks = CHECKS
            self._compare(current)
        self.local.last = current

    def _compare(self, current: Pass) -> None:
        """Check the next pass too, where this one took a way that none did that was checked."""
        length = current.sites.serial
        if isinstance(current, Checked):
            self.lengths.add(length)
        elif length not in self.lengths and self.more:
            self.more -= 1
            self.checks = CHECKS - 1

    # -- hooks on all modules ----------------------------------------------------------------

    def _push(self, module: Any, args: tuple[Any, ...]) -> None:
        if id(module) not in self.skipped and (current := self.local.current) is not None:
            current.push(module, args)

    def _pop(self, module: Any, args: Any, result: Any) -> None:
        if id(module) not in self.skipped and (current := self.local.current) is not None:
            current.pop(module, result)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Let other trackers pass over the forward passes of this thread."""
        before = getattr(_ALONE, "tracker", None)
        _ALONE.tracker = self
        try:
            yield
        finally:
            if before is None:
                del _ALONE.tracker
            else:
                _ALONE.tracker = before

    # -- after the forward pass --------------------------------------------------------------

    @contextlib.contextmanager
    def loss(self) -> Iterator[Pass | None]:
        """Follow what is done with the output of the last forward pass, to see the loss."""
        last = self.local.last
        if last is None:
            yield None
            return
        last.sites.muted = True
        self.local.last = None
        with last:
            yield last

    def _again(self, listener: Listener, stretch: Stretch) -> Callable[[], None]:
        """Follow a checkpoint's second run; what is returned ends it."""
        relay = Relay(listener, stretch)
        again = functools.partial(self._again, relay)
        sites = Sites(self.root, relay, again)
        current = Again(sites, self.known)
        before = self._begin(current)
        return lambda: self._close(current, before)


def _in_backward() -> bool:
    """Whether this thread is inside a backward pass."""
    return bool(torch._C._current_graph_task_id() != -1)
