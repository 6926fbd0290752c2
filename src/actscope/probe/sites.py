"""What a pass makes of the calls that it follows: expressions that wait, and sites."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import torch

from actscope.probe import functions
from actscope.probe.calls import Call, Listener, Opaque
from actscope.probe.checkpoints import Stretch
from actscope.probe.expressions import (
    Expression,
    Source,
    beneath,
    is_composed,
    is_reported,
    version_of,
)
from actscope.probe.functions import ALWAYS, PLAIN, Plan
from actscope.probe.notes import Notes
from actscope.probe.stack import Frame, Stack


class Sites:
    """The state of one pass.

    Args:
        root: the module whose forward is followed.
        listener: what is told.
        path_of: a module's path, given it, its parent and the parent's path.
        kinds: what was found out about modules before: id -> (module, verdict).
        again: enters a pass over a checkpoint's second run.

    Attributes:
        notes: what is known of live tensors.
        pending: result id -> (result, source tensor, expression), until something uses it.
        stretches: some of the pass ran inside a reentrant checkpoint.
        deep: checkpoints that the pass is in.
        serial: calls of torch and of modules so far.
        own: seconds that the listener took.
        muted: after the forward, while a loss is worked out: no more sites.
    """

    def __init__(
        self,
        root: Any,
        listener: Listener,
        path_of: Callable[[Any, Any, str], str],
        kinds: dict[int, tuple[Any, str | None]],
        again: Callable[[Stretch], Any],
    ) -> None:
        self.listener, self.again = listener, again
        # no cycle: a pass is freed when it is over, not when the garbage is collected
        self.stack = Stack(weakref.proxy(self), root, path_of, kinds)
        self.notes = Notes()
        self.pending: dict[int, tuple[Any, Any, Expression]] = {}
        self.stretches = False
        self.deep = 0
        self.serial = 0
        self.own = 0.0
        self.muted = False

    def made(self, result: Any, origin: Any, new: Expression) -> None:
        """A tensor was made that is an expression: it waits for its use."""
        source = new.source
        self.notes.put(result, new, source.dim, source.weighted, source.layer)
        if new.level > PLAIN or source.weighted:
            self.pending[id(result)] = (result, None if result is origin else origin, new)

    def origin(self, parts: list[tuple[Any, Expression]]) -> Any:
        """The source tensor of parts, if something still holds it."""
        for tensor, expression in parts:
            if expression.func is None:
                return tensor
            held = self.pending.get(id(tensor))
            if held is not None and held[1] is not None:
                return held[1]
        return None

    def keep_rows(self, origin: Any, source: Source) -> None:
        """Sample the source before it is overwritten."""
        if origin is not None and source.rows is None and version_of(origin) == source.version:
            with torch.no_grad():
                source.rows = self.listener.rows(origin, source.dim)

    def use(self, plan: Plan, tensors: list[Any], gate: bool = False) -> None:
        """Something that is not elementwise uses these tensors: their expressions are complete."""
        for tensor in tensors:
            note = self.notes.get(tensor)
            if note is None or note.expression is None:
                continue
            held = self.pending.pop(id(tensor), None)
            reduced = plan.name in functions.REDUCTIONS and note.expression.level < ALWAYS
            if is_reported(note.expression) and not reduced:
                note.expression.gated = gate
                self.emit(tensor, held[1] if held else None, note.expression)

    def emit(self, result: Any, origin: Any, expression: Expression) -> None:
        """An expression is complete: it is a site, if the activation in it is not one yet."""
        expression.emitted = True
        inner = beneath(expression)
        told = any(e.emitted for e in inner)
        for part in inner:
            part.emitted = True
        if told or not result.is_floating_point() or self.muted:
            return
        source, path = expression.source, expression.module_path
        if origin is not None and version_of(origin) != source.version:
            origin = None  # overwritten since
        composed = path is None and is_composed(expression)
        kind = "module" if path is not None else "composed" if composed else "function"
        place = path if path is not None else expression.frame.path
        self._report(
            Call(place, kind, expression, expression.name, result, origin, source,
                 expression.gated, expression.seconds, expression.serial)
        )  # fmt: skip

    def spread(
        self, name: str, result: Any, first: Any, seconds: float, frame: Frame | None = None
    ) -> None:
        """Softmax or GLU was applied, by a function or (frame) a module."""
        if self.muted:
            return
        known = self.notes.get(first) if first is not None else None
        self.notes.put(result, squashed=name if name in ("softmax", "log_softmax") else None)
        glu = name == "glu"
        kind = "softmax" if not glu else "module" if frame else "function"
        dim = known.dim if glu and known is not None else None if glu else result.ndim - 1
        where = frame or self.stack.frames[-1]
        self._report(
            Call(where.path, kind, None, name, result, None, Source(dim, False, None, 0), glu,
                 seconds, frame.serial if frame else self.serial, frame.module if frame else None)
        )  # fmt: skip

    def _report(self, call: Call) -> None:
        site = self.listener.site(call)
        note = self.notes.get(call.output)
        if site is not None and note is not None and note.stretch is not None:
            note.stretch.add(call.serial, site)

    def finish(self) -> None:
        """The root returned: what nothing used is complete too."""
        if self.stretches:
            self.bind([t for n in self.notes.held.values() if (t := n.ref()) is not None])
        for made, origin, expression in list(self.pending.values()):
            if is_reported(expression):
                self.emit(made, origin, expression)
        self.pending.clear()

    # -- what else the listener hears --------------------------------------------------------

    def tell(self, plan: Plan, args: tuple[Any, ...]) -> None:
        """Report what is opaque, and losses, before they run."""
        name = plan.name
        if name in functions.FUSED:
            what, way = functions.FUSED[name]
            self.listener.opaque(Opaque(self.stack.frames[-1].path, f"{what} ({name})", way))
        elif args and isinstance(args[0], torch.Tensor):
            squashed = self.notes.squashed(args[0])
            if name != "log" or squashed == "softmax":
                self.listener.loss(name, args[0], squashed)

    # -- checkpoints -------------------------------------------------------------------------

    def switch(self, begins: bool) -> None:
        """The first run of a checkpoint begins or ends, perhaps inside another's."""
        self.deep += 1 if begins else -1
        if self.deep == 0:
            self.notes.stretch = None
        elif begins and self.deep == 1:
            self.notes.stretch, self.stretches = Stretch(self.serial), True

    def bind(self, tensors: list[Any]) -> None:
        """Follow the second run of the checkpoints that made these tensors."""
        for tensor in tensors:
            note = self.notes.get(tensor)
            if note is not None and note.stretch is not None and not note.stretch.bound:
                note.stretch.bind(tensor, self.again)
