"""One forward pass in one thread: a `TorchFunctionMode` that follows every call of torch.

Elementwise functions of one source grow into expressions (`expressions`); when something that is
not elementwise uses the result, the whole of it is one site (`sites`) and the listener is told.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import _C
from torch.overrides import TorchFunctionMode

from actscope.probe import functions
from actscope.probe.checkpoints import bracket
from actscope.probe.expressions import Expression, is_reported, level_of
from actscope.probe.functions import ALWAYS, PLAIN, Plan
from actscope.probe.guards import GUARDS, kept
from actscope.probe.held import Held
from actscope.probe.layers import is_softmax, note_layer, note_result, note_sum, note_written
from actscope.probe.sites import Sites
from actscope.probe.stack import NO_FUNCTIONS, Frame, Seen, path_of
from actscope.probe.transforms import bare

Part = tuple[Any, Expression]  # a tensor and what it is


@dataclass(slots=True)
class Known:
    """What was found out about functions and modules, from pass to pass.

    Attributes:
        plans: of every function that was met.
        seen: the model's modules, by their ids.
        held: what has to be told before a tensor is written to.
    """

    plans: dict[Any, Plan] = field(default_factory=dict)
    seen: dict[int, Seen] = field(default_factory=dict)
    held: tuple[Held, ...] = ()

    def plan(self, func: Any) -> Plan:
        """The plan of a function."""
        plan = self.plans.get(func)
        if plan is None:
            plan = self.plans[func] = functions.plan_of(func)
        return plan


class Pass(TorchFunctionMode):  # type: ignore[misc]
    """One forward pass in one thread.

    Args:
        sites: its state, and who is told.
        known: what was found out about functions, kept from pass to pass.
    """

    def __init__(self, sites: Sites, known: Known) -> None:
        super().__init__()
        self.sites, self.notes, self.frames = sites, sites.notes, sites.frames
        self.known, self.plans, self.seen, self.held = known, known.plans, known.seen, known.held
        self.graph = torch.is_grad_enabled()
        self.depth = 0  # calls of the root inside itself
        self.started = 0.0

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        plan = self.plans.get(func) or self.known.plan(func)
        if plan.weight is not None and not (kwargs or plan.writes or self.frames[-1].quiet):
            return self._product(plan, func, args)
        kwargs = kwargs or {}
        if self.held and (plan.writes or "out" in kwargs):
            targets = functions.targets(plan, args, kwargs)
            for held in self.held:
                held.write(targets)
        if plan.name == "__setitem__" and functions.sets_masked(args):
            func, plan = functions.set_masked, functions.SET_MASKED
        if plan.ignored or self.frames[-1].quiet:
            if plan.switch:
                self.switch(*bracket())
            return func(*args, **kwargs)
        if plan.composite:
            with self:
                return functions.opened(func)(*args, **kwargs)
        start = time.perf_counter()
        sites = self.sites
        sites.serial += 1
        named = [v for k, v in kwargs.items() if k != "out"] if kwargs else ()
        tensors = _tensors((*args, *named))
        if sites.stretches:
            sites.bind(tensors)
        if plan.told:
            sites.tell(plan, args)
        if plan.level >= PLAIN and (plan.name not in ("max", "min") or len(tensors) == 2):
            squashed = plan.name in GUARDS and kept(self.notes, func, args, kwargs)
            result = self._elementwise(plan, func, args, kwargs, tensors, start)
            if squashed and (note := self.notes.get(result)) is not None:
                note.squashed = squashed
            return result
        sites.use(plan, tensors)
        called = time.perf_counter()
        sites.own += called - start
        result = self.run(plan, func, args, kwargs)
        back = time.perf_counter()
        self._noted(plan, result, args, kwargs, tensors, back - called)
        sites.own += time.perf_counter() - back
        return result

    def _product(self, plan: Plan, func: Any, args: tuple[Any, ...]) -> Any:
        """Call a product with a weight, all arguments by place: what most calls are."""
        start = time.perf_counter()
        sites = self.sites
        sites.serial += 1
        if sites.stretches:
            sites.bind(args)
        sites.use(plan, args)
        called = time.perf_counter()
        result = self.run(plan, func, args, {})
        back = time.perf_counter()
        if isinstance(result, torch.Tensor):
            note_layer(self.notes, plan, result, args, {}, sites.serial)
        sites.own += called - start + time.perf_counter() - back
        return result

    def run(self, plan: Plan, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a function of torch; the coverage check watches here."""
        return func(*args, **kwargs)

    def switch(self, run: str, what: str) -> None:
        """Gradients are switched off or on, perhaps by a checkpoint."""
        if run == "forward" and self.graph:
            self.sites.switch(what == "__enter__")

    def push(self, module: Any, args: tuple[Any, ...]) -> None:
        """A module under the root is called."""
        start = time.perf_counter()
        sites, above = self.sites, self.frames[-1]
        seen = self.seen.get(id(module))
        if seen is None or seen.module is not module:
            if module is self.frames[0].module:  # a replica of DataParallel calls itself
                return
            seen = Seen(module, path_of(module, above))
        frame = Frame(module, seen.path, above.quiet)
        self.frames.append(frame)
        if frame.quiet:
            return
        sites.serial = frame.serial = sites.serial + 1
        first = args[0] if args else None
        if not seen.tried:
            seen.look(first)
        if seen.verdict is not None and isinstance(first, torch.Tensor):
            self._activation(frame, seen, first)
        elif isinstance(module, torch.jit.ScriptModule):
            sites.hidden("a scripted body", functions.SCRIPTED)
        frame.started = now = time.perf_counter()
        sites.own += now - start

    def _activation(self, frame: Frame, seen: Seen, first: Any) -> None:
        """An activation module is called: there is nothing to follow in it."""
        frame.quiet, frame.seen, frame.first = True, seen, first
        if seen.verdict == "activation" and getattr(seen.module, "inplace", False):
            note = self.notes.get(first)
            with NO_FUNCTIONS():
                frame.kept = self.sites.listener.rows(first, note.dim if note else None)
        # where writes are watched for, those of the module are too
        modes = _C._len_torch_function_stack()
        if not self.held and modes and _C._get_function_stack_at(modes - 1) is self:
            _C._pop_torch_function_stack()
            frame.aside = True

    def pop(self, module: Any, result: Any) -> None:
        """A module under the root returned, or raised."""
        frames = self.frames
        if frames[-1].aside:
            _C._push_on_torch_function_stack(self)
        while len(frames) > 1:
            frame = frames.pop()
            if frame.module is module:
                break
        else:
            return
        seen = frame.seen
        if seen is None or not isinstance(result, torch.Tensor):
            return
        start = time.perf_counter()
        with NO_FUNCTIONS():
            if seen.verdict == "activation":
                self.sites.activated(frame, seen, result, start - frame.started)
            else:
                name = str(seen.verdict)
                self.sites.spread(name, result, frame.first, start - frame.started, frame)
        self.sites.own += time.perf_counter() - start

    def finish(self) -> None:
        """The root returned."""
        self.sites.finish()

    def _noted(
        self,
        plan: Plan,
        result: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        tensors: list[Any],
        seconds: float,
    ) -> None:
        """Note what a function that is not elementwise gave back."""
        if plan.spread:
            self.sites.spread(
                plan.name.strip("_"), result, tensors[0] if tensors else None, seconds
            )
            return
        if plan.puts and tensors:
            self.sites.written(plan, args)
            note_written(self.notes, plan, tensors)
            return
        if plan.weight is not None and isinstance(result, torch.Tensor):
            note_layer(self.notes, plan, result, args, kwargs, self.sites.serial)
            return
        for part in result if isinstance(result, tuple) else (result,):
            if isinstance(part, torch.Tensor):
                note_result(self.notes, plan, part, args, tensors, self.sites.serial)
        if plan.name == "embedding":
            with NO_FUNCTIONS():
                self.sites.listener.embedded(result)

    # -- elementwise functions ---------------------------------------------------------------

    def _elementwise(
        self,
        plan: Plan,
        func: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        tensors: list[Any],
        start: float,
    ) -> Any:
        """Call an elementwise function; its result is an expression if its data have one source."""
        sites, notes = self.sites, self.notes
        parts = [(t, e) for t in tensors if (e := notes.expression(t)) is not None]
        parts = self._begun(plan, parts)
        if not self._one_source(parts) or self._stands_between(plan, tensors, parts):
            return self._several(plan, func, args, kwargs, tensors, start)
        new = self._expression(plan, func, args, kwargs, parts)
        origin = sites.origin(parts)
        overwrites = plan.in_place or functions.is_in_place(plan, args, kwargs)
        if overwrites:
            sites.keep_rows(origin, new.source)
        core = None if overwrites else sites.core(plan, parts)
        for tensor, _ in parts:
            sites.pending.pop(id(tensor), None)
        called = time.perf_counter()
        sites.own += called - start
        result = self.run(plan, func, args, kwargs)
        back = time.perf_counter()
        new.seconds += back - called
        if isinstance(result, torch.Tensor):
            sites.made(result, origin, new, core or sites.starts(result, new, parts, overwrites))
        sites.own += time.perf_counter() - back
        return result

    def _begun(self, plan: Plan, parts: list[Part]) -> list[Part]:
        """What another module finished is a site of its own: an expression begins at its result."""
        if not parts or not self._is_finished(parts[0][1]):
            return parts
        tensor = parts[0][0]
        if any(t is not tensor for t, _ in parts):
            return parts
        self.sites.use(plan, [tensor])
        start = self.sites.begin(tensor)
        return [(t, start) for t, _ in parts]

    def _is_finished(self, expression: Expression) -> bool:
        """Whether an expression is an activation that was made in another call of a module."""
        return is_reported(expression) and expression.frame is not self.frames[-1]

    def _one_source(self, parts: list[Part]) -> bool:
        """Whether these make one expression: one source of floats, in the frame that made them."""
        if not parts or any(e.source is not parts[0][1].source for _, e in parts):
            return False
        if not any(t.is_floating_point() or e.func is not None for t, e in parts):
            return False
        return not any(self._is_finished(e) for _, e in parts)

    def _stands_between(self, plan: Plan, tensors: list[Any], parts: list[Part]) -> bool:
        """Whether a bias is added by hand, or a mask put on: no part of an activation.

        What is added, multiplied or chosen by holds many numbers that differ.
        """
        if plan.name not in functions.MASKING or len(parts) == len(tensors):
            return False
        known = [id(t) for t, _ in parts]
        others = [t for t in tensors if id(t) not in known and t.numel() > 1]
        if plan.name in ("mul", "div"):  # a slope that is learnt belongs to the activation
            if max(e.level for _, e in parts) < ALWAYS:
                return False
            others = [t for t in others if not isinstance(t, torch.nn.Parameter)]
        return any((n := self.notes.get(t)) is None or not n.uniform for t in others)

    def _expression(
        self,
        plan: Plan,
        func: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        parts: list[Part],
    ) -> Expression:
        by_id = {id(t): e for t, e in parts}
        put: Callable[[Any], Any] = lambda a: (
            by_id.get(id(a)) or bare(a) if isinstance(a, torch.Tensor) else a
        )
        known = list({id(e): e for _, e in parts}.values())
        args = tuple(map(put, args))
        kwargs = {k: put(v) for k, v in kwargs.items() if k != "out"}
        level, bends = level_of(plan, args, kwargs)
        new = Expression(known[0].source, plan.name, func, args, kwargs, level)
        new.bends, new.seconds = bends, sum(e.seconds for e in known)
        new.exponential = plan.name in functions.EXPONENTIALS or any(e.exponential for e in known)
        new.frame, new.serial = self.frames[-1], self.sites.serial
        return new

    def _several(
        self,
        plan: Plan,
        func: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        tensors: list[Any],
        start: float,
    ) -> Any:
        """Call an elementwise function of several sources, or of constants alone."""
        notes = self.notes
        data = [t for t in tensors if (n := notes.get(t)) is not None and not n.constant]
        gate = plan.name == "mul" and len(data) == 2 and data[0].ndim == data[1].ndim
        self.sites.use(plan, tensors, gate)
        self.sites.own += time.perf_counter() - start
        called = time.perf_counter()
        result = self.run(plan, func, args, kwargs)
        if isinstance(result, torch.Tensor):
            if softmax := is_softmax(notes, plan, args):
                self.sites.spread(softmax, result, args[0], time.perf_counter() - called)
                return result
            if plan.level == ALWAYS and result.is_complex():
                self.sites.hidden(f"{plan.name} of complex numbers", functions.COMPLEX)
            note_sum(notes, plan, result, tensors, not data)
        return result


class Again(Pass):
    """The second run of a checkpoint, inside the backward pass (see `checkpoints`).

    It is followed from where gradients are switched on, with calls numbered from there.
    """

    def __init__(self, sites: Sites, known: Known) -> None:
        super().__init__(sites, known)
        self.graph, self.begun = True, False

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if self.begun or self.known.plan(func).switch:
            return super().__torch_function__(func, types, args, kwargs)
        return func(*args, **(kwargs or {}))

    def switch(self, run: str, what: str) -> None:
        """The run begins or ends, or there is a checkpoint inside it."""
        if run == "backward" and what == "__enter__":
            self.begun, self.sites.serial = True, 0
        elif run == "backward":  # gradients flow from here on
            self.begun = False
            self.finish()
        super().switch(run, what)


def _tensors(values: tuple[Any, ...]) -> list[Any]:
    """The tensors among values, lists and tuples opened one level."""
    tensor = torch.Tensor
    found: list[Any] = []
    for value in values:
        if isinstance(value, tensor):
            found.append(value)
        elif isinstance(value, (list, tuple)):
            found += [v for v in value if isinstance(v, tensor)]
    return found
