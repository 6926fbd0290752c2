"""The modules that a pass is in, outermost first: where a call has its name from."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from actscope.probe import modules
from actscope.probe.calls import Opaque
from actscope.probe.expressions import Expression, Source, is_reported, version_of
from actscope.probe.functions import ALWAYS, Plan
from actscope.probe.transforms import aside, bare

if TYPE_CHECKING:
    from actscope.probe.sites import Sites

SCRIPTED = "give the original nn.Module, before torch.jit.script or trace"
CALLED = Plan("an activation module")
NO_FUNCTIONS = torch._C.DisableTorchFunction


@dataclass(slots=True)
class Frame:
    """One call of a module.

    Attributes:
        module: the module.
        path: its path under the root.
        quiet: it is inside an activation module, or is one: nothing in it is a site.
        started: seconds of the clock when its forward began.
        serial: the number of the call in the pass.
        called: (verdict, first argument, rows kept of it) of an activation module.
        aside: the pass does not follow calls of torch until it returns.
    """

    module: Any
    path: str
    quiet: bool = False
    started: float = 0.0
    serial: int = 0
    called: tuple[str, Any, Any] | None = None
    aside: bool = False


class Stack:
    """The calls of modules that have not returned.

    Args:
        owner: the state of the pass, which is told of activation modules.
        root: the module whose forward is followed.
        path_of: a module's path, given it and the frame above: (module, parent, parent's path).
        kinds: what was found out about modules before: id -> (module, verdict).
    """

    def __init__(
        self,
        owner: Sites,
        root: Any,
        path_of: Callable[[Any, Any, str], str],
        kinds: dict[int, tuple[Any, str | None]],
    ) -> None:
        self.owner, self.path_of, self.kinds = owner, path_of, kinds
        self.frames = [Frame(root, "")]

    def push(self, module: Any, args: tuple[Any, ...]) -> Frame:
        """A module under the root is called."""
        start = time.perf_counter()
        above, owner = self.frames[-1], self.owner
        frame = Frame(module, self.path_of(module, above.module, above.path), above.quiet)
        self.frames.append(frame)
        if frame.quiet:
            return frame
        owner.serial += 1
        frame.serial = owner.serial
        if isinstance(module, torch.jit.ScriptModule):
            owner.listener.opaque(Opaque(frame.path, "a scripted body", SCRIPTED))
        first = args[0] if args else None
        verdict = self._verdict(module, first)
        if verdict is not None:
            frame.quiet = True
            kept = None
            if verdict == "activation" and getattr(module, "inplace", False):
                note = owner.notes.get(first)
                with NO_FUNCTIONS():
                    kept = owner.listener.rows(first, note.dim if note else None)
            frame.called = (verdict, first, kept)
        now = time.perf_counter()
        owner.own += now - start
        frame.started = now
        return frame

    def _verdict(self, module: Any, first: Any) -> str | None:
        known = self.kinds.get(id(module))
        if known is not None and known[0] is module:
            return known[1]
        with NO_FUNCTIONS(), aside():
            verdict = modules.kind_of(module, bare(first))
            if isinstance(first, torch.Tensor) and first.is_floating_point():
                self.kinds[id(module)] = (module, verdict)
        return verdict

    def pop(self, module: Any, result: Any) -> None:
        """A module under the root returned, or raised."""
        while len(self.frames) > 1:
            frame = self.frames.pop()
            if frame.module is module:
                break
        else:
            return
        if frame.called is None or not isinstance(result, torch.Tensor):
            return
        start = time.perf_counter()
        with NO_FUNCTIONS():
            if frame.called[0] == "activation":
                self._activated(frame, result, start - frame.started)
            else:
                verdict, first, _ = frame.called
                self.owner.spread(verdict, result, first, start - frame.started, frame)
        self.owner.own += time.perf_counter() - start

    def _activated(self, frame: Frame, result: Any, seconds: float) -> None:
        """An activation module returned: its result is an expression of its input."""
        assert frame.called is not None
        owner = self.owner
        _, first, kept = frame.called
        note = owner.notes.get(first)
        below = self._below(first)
        source = below.source
        if kept is not None:
            source.rows = kept
        if note is not None and source.dim is None:
            source.dim = note.dim
        new = Expression(
            source,
            modules.name_of(frame.module),
            modules.caller(frame.module),
            (below,),
            level=ALWAYS,
            bends=True,
            seconds=seconds,
            module_path=frame.path,
            frame=self.frames[-1],
            serial=frame.serial,
        )
        owner.made(result, first, new)

    def _below(self, first: Any) -> Expression:
        """What an activation module starts from: its input as a source."""
        owner = self.owner
        below = owner.notes.expression(first)
        if below is not None and below.func is None:
            return below
        # its input is an expression already: the module's function starts from its result
        if below is not None and is_reported(below):
            owner.use(CALLED, [first])
        owner.pending.pop(id(first), None)
        known = below.source if below is not None else Source(None, False, None, 0)
        version = version_of(first)
        return Expression(Source(known.dim, known.weighted, known.layer, version))
