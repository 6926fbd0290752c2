"""What a pass makes of the calls that it follows: expressions that wait, and sites."""

from __future__ import annotations

import copy
import dataclasses
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch

from actscope.probe import functions
from actscope.probe.calls import Call, Listener, Opaque
from actscope.probe.checkpoints import Stretch
from actscope.probe.expressions import (
    LINES,
    Expression,
    Source,
    bending,
    is_composed,
    is_polynomial,
    is_reported,
    version_of,
)
from actscope.probe.functions import ALWAYS, HINGE, PLAIN, Plan
from actscope.probe.notes import Notes
from actscope.probe.outside import Outside
from actscope.probe.stack import NO_FUNCTIONS, Frame, Seen
from actscope.probe.transforms import bare, bared, running

CALLED = Plan("an activation module")
ALONE = 2  # references to what only `Waiting` holds: its own, and the one that asks


@dataclass(slots=True)
class Waiting:
    """A tensor that is an expression, until something uses it.

    Attributes:
        result: the tensor.
        origin: the tensor that it was worked out from, or None.
        expression: what it is of that.
        core: the activation that it is a straight line of, or whose argument is one, or None.
    """

    result: Any
    origin: Any
    expression: Expression
    core: Waiting | None = None


class Sites:
    """The state of one pass.

    Args:
        root: the module whose forward is followed.
        listener: what is told.
        again: enters a pass over a checkpoint's second run.

    Attributes:
        frames: the calls of modules that have not returned.
        notes: what is known of live tensors.
        pending: result id -> what waits for its use.
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
        again: Callable[[Stretch], Any],
    ) -> None:
        self.listener: Any = Outside(listener)
        self.again = again
        self.frames = [Frame(root, "")]
        self.notes = Notes()
        self.pending: dict[int, Waiting] = {}
        self.stretches = False
        self.deep = 0
        self.serial = 0
        self.own = 0.0
        self.muted = False

    def made(self, result: Any, origin: Any, new: Expression, core: Waiting | None = None) -> None:
        """A tensor was made that is an expression: it waits for its use."""
        source = new.source
        self.notes.put(result, new, source.dim, source.weighted, source.layer)
        if new.level > PLAIN or source.weighted:
            origin = None if result is origin else origin
            plain = result
            if running() is not None:
                (plain, source.mapped), origin = bared(result), bare(origin)
            self.pending[id(result)] = Waiting(plain, origin, new, core)

    def core(self, plan: Plan, parts: list[tuple[Any, Expression]]) -> Waiting | None:
        """The activation that a function of these parts is a straight line of, before it is run."""
        if plan.name not in LINES or len(parts) != 1 or parts[0][1].level < HINGE:
            return None
        held = self.pending.get(id(parts[0][0]))
        return held and (held.core or held)

    def starts(
        self, result: Any, new: Expression, parts: list[tuple[Any, Expression]], gone: bool
    ) -> Waiting | None:
        """An activation of a straight line, as one that starts from the line's result.

        Args:
            result: the activation's.
            new: what that is of the line's own source.
            parts: the line's result, and what it is.
            gone: the line's result was overwritten.
        """
        (tensor, line), *more = parts
        if more or gone or line.func is None or line.level > PLAIN or new.level < HINGE:
            return None
        known = new.source
        layer = known.layer and dataclasses.replace(known.layer, plain=False)
        source = Source(known.dim, known.weighted, layer, version_of(tensor))
        source.mapped = known.mapped
        start = Expression(source)
        put: Callable[[Any], Any] = lambda a: start if a is line else a
        alone = copy.copy(new)
        alone.source, alone.args = source, tuple(map(put, new.args))
        alone.kwargs = {k: put(v) for k, v in new.kwargs.items()}
        return Waiting(bare(result), bare(tensor), alone)

    def origin(self, parts: list[tuple[Any, Expression]]) -> Any:
        """The source tensor of parts, if something still holds it."""
        for tensor, expression in parts:
            if expression.func is None:
                return tensor
            held = self.pending.get(id(tensor))
            if held is not None and held.origin is not None:
                return held.origin
        return None

    def keep_rows(self, origin: Any, source: Source) -> None:
        """Sample the source before it is overwritten."""
        if origin is not None and source.rows is None and version_of(origin) == source.version:
            with torch.no_grad(), NO_FUNCTIONS():
                source.rows = self.listener.rows(origin, source.dim)

    def use(self, plan: Plan, tensors: Iterable[Any], gate: bool = False) -> None:
        """Something that is not elementwise uses these tensors: their expressions are complete.

        What is no tensor is passed over.
        """
        notes = self.notes.held
        for tensor in tensors:
            note = notes.get(id(tensor))
            if note is None or note.expression is None or note.ref() is not tensor:
                continue
            expression = note.expression
            held = self.pending.pop(id(tensor), None) or Waiting(tensor, None, expression)
            if expression.level == ALWAYS:
                complete = not expression.emitted
            elif plan.name in functions.REDUCTIONS:
                complete = False
            else:
                onward = plan.name in functions.ONWARD and is_polynomial(expression)
                complete = onward or is_reported(expression)
            if complete:
                expression.gated = gate
                self.emit(held)

    def emit(self, held: Waiting) -> None:
        """An expression is complete: it is a site, if what bends in it is not told of yet."""
        expression = held.expression
        if expression.module_path is not None:  # its only part is its input
            told = expression.emitted
        else:
            calls = bending(expression)
            told = bool(calls) and all(c.emitted for c in calls)
            for call in calls:
                call.emitted = True
        expression.emitted = True
        if not told and held.result.is_floating_point() and not self.muted:
            self._report(_call(held, expression.gated))

    def spread(
        self, name: str, result: Any, first: Any, seconds: float, frame: Frame | None = None
    ) -> None:
        """Softmax or GLU was applied, by a function or (frame) a module."""
        if frame is not None and not self.muted:  # a module's own calls are not followed
            self.use(CALLED, [first])
        known = self.notes.get(first) if first is not None else None
        self.notes.put(result, squashed=name if name in ("softmax", "log_softmax") else None)
        if self.muted:
            return
        glu = name == "glu"
        kind = "softmax" if not glu else "module" if frame else "function"
        dim = known.dim if glu and known is not None else None if glu else result.ndim - 1
        where = frame or self.frames[-1]
        self._report(
            Call(where.path, kind, None, name, result, None, Source(dim, False, None, 0), glu,
                 seconds, frame.serial if frame else self.serial, frame.module if frame else None)
        )  # fmt: skip

    def activated(self, frame: Frame, seen: Seen, result: Any, seconds: float) -> None:
        """An activation module returned: its result is an expression of its input."""
        first = frame.first
        below = self.notes.expression(first)
        if below is None or below.func is not None:
            below = self._ended(first, below)
        if frame.kept is not None:
            below.source.rows = frame.kept
        new = Expression(below.source, seen.name, seen.call, (below,), level=ALWAYS)
        new.bends, new.seconds, new.serial = True, seconds, frame.serial
        new.module_path, new.frame = frame.path, self.frames[-1]
        self.made(result, first, new)

    def _ended(self, first: Any, below: Expression | None) -> Expression:
        """An expression ends where an activation module takes it: what follows starts there."""
        if below is not None and is_reported(below):
            self.use(CALLED, [first])
        self.pending.pop(id(first), None)
        known: Any = below.source if below is not None else self.notes.get(first)
        return _source(first, known)

    def begin(self, tensor: Any) -> Expression:
        """An activation is finished: what is worked out from its result has that as its source."""
        note = self.notes.get(tensor)
        assert note is not None and note.expression is not None
        note.squashed = self.notes.squashed(tensor)
        made = note.expression
        note.made_by = note.made_by or made
        note.expression = _source(tensor, made.source)
        return note.expression

    def _report(self, call: Call) -> None:
        with NO_FUNCTIONS():  # modes around the model, another watch's too, are not shown our work
            site = self.listener.site(call)
        if site is None:
            return
        note = self.notes.get(call.output)
        if note is not None and note.stretch is not None:
            note.stretch.add(call.serial, site, call.cored)

    def finish(self) -> None:
        """The root returned: what nothing used is complete too."""
        if self.stretches:
            self.bind([t for n in self.notes.held.values() if (t := n.ref()) is not None])
        for held in list(self.pending.values()):
            if is_reported(held.expression) and not self._dropped(held):
                self.emit(held)
        self.pending.clear()

    def _dropped(self, held: Waiting) -> bool:
        """Whether nobody has a tensor any more that was made and not used, as in x.abs().dtype."""
        if held.expression.level == ALWAYS or self.notes.get(held.result) is None:
            return False
        # what was overwritten may be seen through other tensors
        return sys.getrefcount(held.result) <= ALONE and not version_of(held.result)

    # -- what else the listener hears --------------------------------------------------------

    def tell(self, plan: Plan, args: tuple[Any, ...]) -> None:
        """Report what is opaque, and losses, before they run."""
        name = plan.name
        if name in functions.FUSED:
            what, way = functions.FUSED[name]
            self.hidden(f"{what} ({name})", way)
        elif (level := functions.level_of_list(name)) >= HINGE:
            notes = map(self.notes.get, args[0])
            if level == ALWAYS or any(note and note.weighted for note in notes):
                self.hidden(f"torch.{name} of a list of tensors", functions.LISTS)
        elif args and isinstance(args[0], torch.Tensor):
            squashed = self.notes.squashed(args[0])
            if name not in functions.LOGS or squashed in functions.PROBABILITIES:
                with NO_FUNCTIONS():
                    self.listener.loss(name, args[0], squashed)

    def hidden(self, what: str, way_out: str) -> None:
        """Report what cannot be looked into, where the pass is."""
        self.listener.opaque(Opaque(self.frames[-1].path, what, way_out))

    def written(self, plan: Plan, args: tuple[Any, ...]) -> None:
        """Report values put through a mask that was worked out from data: x[x < 0] *= 0.1."""
        note = self.notes.get(args[1]) if plan.name == "__setitem__" else None
        made = note.expression if note is not None else None
        if made is None or args[1].shape != args[0].shape:
            return
        if made.level == HINGE and made.source.weighted:
            self.hidden(*functions.MASKED)

    # -- checkpoints -------------------------------------------------------------------------

    def switch(self, begins: bool) -> None:
        """The first run of a checkpoint begins or ends, perhaps inside another's."""
        self.deep += 1 if begins else -1
        if self.deep == 0:
            self.notes.stretch = None
        elif begins and self.deep == 1:
            self.notes.stretch, self.stretches = Stretch(self.serial), True

    def bind(self, tensors: Iterable[Any]) -> None:
        """Follow the second run of the checkpoints that made these tensors."""
        for tensor in tensors:
            note = self.notes.get(tensor)
            if note is not None and note.stretch is not None and not note.stretch.bound:
                note.stretch.bind(tensor, self.again)


def _source(tensor: Any, known: Any) -> Expression:
    """A tensor as a source, of which a note, or the source before it, tells what is known."""
    if known is None:
        return Expression(Source(None, False, None, version_of(tensor)))
    return Expression(Source(known.dim, known.weighted, known.layer, version_of(tensor)))


def _call(held: Waiting, gated: bool) -> Call:
    """What a listener is told of an expression that is complete."""
    expression, origin = held.expression, held.origin
    source, path, kind = expression.source, expression.module_path, "module"
    if origin is not None and version_of(origin) != source.version:
        origin = None  # overwritten since
    if path is None:
        path = expression.frame.path
        kind = "composed" if is_composed(expression) else "function"
    call = Call(
        path, kind, expression, expression.name, held.result, origin, source, gated,
        expression.seconds, expression.serial,
    )  # fmt: skip
    if held.core is not None:
        call.core = _call(held.core, gated)
    return call
