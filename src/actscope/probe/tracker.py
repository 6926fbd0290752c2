"""Follow a model's forward pass and report every activation, whatever form it has.

A hook pair on the root module enters a `TorchFunctionMode` (`Pass`) for the length of one forward
pass, so that nothing is seen twice when checkpointing runs a part again in the backward pass, and
nothing stays on when a forward raises. Global module hooks keep the stack of modules, from which
a site has its name. While the mode is on, `nn.TransformerEncoder` does not take its fast path.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import time
import types
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch.nn.modules.module import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
)
from torch.overrides import TorchFunctionMode

from actscope.probe import functions, modules
from actscope.probe.expressions import (
    Expression,
    Note,
    Source,
    is_composed,
    is_reported,
    level_of,
    version_of,
)
from actscope.probe.functions import ALWAYS, PLAIN, Plan

SCRIPTED = "give the original nn.Module, before torch.jit.script or trace"
NO_FUNCTIONS = torch._C.DisableTorchFunction


@dataclass(slots=True)
class Call:
    """One activation applied once: what a pass hands to its listener.

    Attributes:
        path: the module's path ("" for the root), or the activation module's own.
        kind: "module", "function", "composed" or "softmax".
        expression: what was computed, ready to be replayed; None for softmax and GLU.
        label: a name for what has no expression.
        output: the result, alive for the length of the listener's call.
        z: the input, or None where it is gone.
        rows: rows of the input kept from before it was overwritten, or None.
        dim: the dimension of the units, or None.
        gated: its output is multiplied by another tensor of the same shape.
    """

    path: str
    kind: str
    expression: Expression | None
    label: str
    output: Any
    z: Any
    source: Source | None
    gated: bool
    seconds: float
    module: Any = None

    @property
    def dim(self) -> int | None:
        """The dimension of the units, where a layer told."""
        return self.source.dim if self.source else None


@dataclass(slots=True, frozen=True)
class Opaque:
    """Something that may hold activations and cannot be looked into."""

    path: str
    what: str
    way_out: str


class Listener(Protocol):
    """What a tracker reports to."""

    def begin(self, root: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """A forward pass starts."""

    def site(self, call: Call) -> None:
        """An activation was applied."""

    def rows(self, tensor: Any, dim: int | None) -> Any:
        """Sampled rows of a tensor that is about to be overwritten."""

    def opaque(self, found: Opaque) -> None:
        """Something cannot be looked into."""

    def embedded(self, tensor: Any) -> None:
        """An embedding was looked up."""

    def loss(self, name: str, tensor: Any, squashed: str | None) -> None:
        """A loss function is called on a tensor."""

    def end(self, seconds: float) -> None:
        """The forward pass ended; seconds without the listener's own."""


@dataclass(slots=True)
class _Frame:
    module: Any
    path: str
    quiet: bool = False  # inside an activation module
    started: float = 0.0
    called: tuple[str, Any, Any] | None = None  # (verdict, first argument, rows kept of it)


def _tensors(value: Any, found: list[Any]) -> list[Any]:
    """The tensors in a value, lists and tuples opened one level."""
    if isinstance(value, torch.Tensor):
        found.append(value)
    elif isinstance(value, (list, tuple)):
        found += [v for v in value if isinstance(v, torch.Tensor)]
    return found


@functools.cache
def _opened(func: Callable[..., Any]) -> Callable[..., Any]:
    """A composite of torch.nn.functional that does not hand itself over to the mode again."""
    assert isinstance(func, types.FunctionType)
    names = {**func.__globals__}
    for name in ("has_torch_function", "has_torch_function_unary", "has_torch_function_variadic"):
        names[name] = lambda *_: False
    copy = types.FunctionType(
        func.__code__, names, func.__name__, func.__defaults__, func.__closure__
    )
    copy.__kwdefaults__ = func.__kwdefaults__
    return copy


@dataclass(slots=True)
class _Known:
    """The plan of every function, and the kind of every module, that was met."""

    plans: dict[Any, Plan] = field(default_factory=dict)
    kinds: dict[int, tuple[Any, str | None]] = field(default_factory=dict)


class Pass(TorchFunctionMode):  # type: ignore[misc]
    """One forward pass in one thread.

    Args:
        root: the module whose forward this is.
        path_of: a module's path under the root, given it and its parent's frame.
        listener: what is told.
        known: what was found out about functions and modules, kept from pass to pass.
    """

    def __init__(
        self,
        root: Any,
        path_of: Callable[[Any, Any, str], str],
        listener: Listener,
        known: _Known,
    ) -> None:
        super().__init__()
        self.root, self.path_of, self.listener = root, path_of, listener
        self.kinds, self.plans = known.kinds, known.plans
        self.frames = [_Frame(root, "")]
        self.notes: dict[int, Note] = {}
        # result id -> (result, source tensor, expression), held until something uses it
        self.pending: dict[int, tuple[Any, Any, Expression]] = {}
        self.own = 0.0  # seconds the listener took
        self.depth = 0
        self.started = 0.0
        self.muted = False  # after the forward, while a loss is worked out: no more sites

    # -- functions ---------------------------------------------------------------------------

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        plan = self.plans.get(func)
        if plan is None:
            plan = self.plans[func] = functions.plan_of(func)
        if plan.ignored or self.frames[-1].quiet:
            return func(*args, **kwargs)
        if plan.name in functions.COMPOSITES and hasattr(func, "__code__"):
            with self:
                return _opened(func)(*args, **kwargs)
        start = time.perf_counter()
        self._before(plan, args, kwargs)
        tensors: list[Any] = []
        for value in (*args, *kwargs.values()) if kwargs else args:
            _tensors(value, tensors)
        if plan.level >= PLAIN and (plan.name not in ("max", "min") or len(tensors) == 2):
            return self._elementwise(plan, func, args, kwargs, tensors, start)
        self._use(plan, tensors)
        self.own += time.perf_counter() - start
        if plan.name in functions.SOFTMAX or plan.name in functions.GATED:
            return self._softmax(plan, func, args, kwargs, tensors)
        result = func(*args, **kwargs)
        if isinstance(result, torch.Tensor):
            self._note_result(plan, result, args, tensors)
        elif isinstance(result, tuple):
            for part in result:
                if isinstance(part, torch.Tensor):
                    self._note_result(plan, part, args, tensors)
        return result

    def _before(self, plan: Plan, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Report what is opaque, and losses, before they run."""
        name = plan.name
        if name in functions.FUSED:
            what, way = functions.FUSED[name]
            self.listener.opaque(Opaque(self.frames[-1].path, f"{what} ({name})", way))
        elif name in functions.LOSSES and args and isinstance(args[0], torch.Tensor):
            self.listener.loss(name, args[0], self._squashed(args[0]))
        elif name == "log" and args and isinstance(args[0], torch.Tensor):
            squashed = self._squashed(args[0])
            if squashed == "softmax":
                self.listener.loss("log", args[0], squashed)

    def _squashed(self, tensor: Any) -> str | None:
        note = self._note(tensor)
        if note is None:
            return None
        if note.expression is not None and note.expression.name == "sigmoid":
            return "sigmoid"
        return note.squashed

    def _note(self, tensor: Any) -> Note | None:
        note = self.notes.get(id(tensor))
        return note if note is not None and note.ref() is tensor else None

    def _put(self, tensor: Any, note: Note) -> None:
        self.notes[id(tensor)] = note

    def made_by(self, tensor: Any) -> str:
        """The site that a tensor is the output of, views apart; "" for none."""
        note = self._note(tensor)
        made = (note.made_by or note.expression) if note is not None else None
        return made.site if made is not None else ""

    def _expression(self, tensor: Any) -> Expression | None:
        """The expression that a tensor is; None for a constant. A fresh tensor becomes a source."""
        note = self._note(tensor)
        if note is None:
            if (tensor.numel() == 1 and tensor.ndim == 0) or isinstance(tensor, torch.nn.Parameter):
                return None
            note = Note(weakref.ref(tensor))
            self._put(tensor, note)
        if note.constant:
            return None
        if note.expression is None:
            source = Source(note.dim, note.weighted, note.weight, version_of(tensor))
            note.expression = Expression(source)
        return note.expression

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
        found = [(t, self._expression(t)) for t in tensors]
        parts = [(t, e) for t, e in found if e is not None]
        if not self._one_source(parts):
            return self._several(plan, func, args, kwargs, tensors, start)
        source = parts[0][1].source
        by_id = {id(t): e for t, e in parts}
        put: Callable[[Any], Any] = lambda a: (
            by_id.get(id(a), a) if isinstance(a, torch.Tensor) else a
        )
        new = Expression(
            source,
            plan.name,
            func,
            tuple(put(a) for a in args),
            {k: put(v) for k, v in kwargs.items()},
            level_of(plan, [e for _, e in parts]),
            sum(e.seconds for e in {id(e): e for _, e in parts}.values()),
            frame=self.frames[-1],
        )
        in_place = plan.in_place or kwargs.get("inplace") is True or _inplace_flag(plan, args)
        origin = self._origin(parts)
        fresh = origin is not None and version_of(origin) == source.version
        if in_place and fresh and source.rows is None:
            with torch.no_grad():
                source.rows = self.listener.rows(origin, source.dim)
        for tensor, _ in parts:
            self.pending.pop(id(tensor), None)
        called = time.perf_counter()
        self.own += called - start
        result = func(*args, **kwargs)
        back = time.perf_counter()
        new.seconds += back - called
        if isinstance(result, torch.Tensor):
            note = Note(weakref.ref(result), new, source.dim, source.weighted, source.weight)
            self._put(result, note)
            if new.level > PLAIN or source.weighted:
                self.pending[id(result)] = (result, None if result is origin else origin, new)
        self.own += time.perf_counter() - back
        return result

    def _one_source(self, parts: list[tuple[Any, Expression]]) -> bool:
        """Whether these make one expression: one source of floats, in the frame that made them."""
        if not parts or any(e.source is not parts[0][1].source for _, e in parts):
            return False
        if not any(t.is_floating_point() or e.func is not None for t, e in parts):
            return False
        # what another module finished is a site of its own
        here = self.frames[-1]
        return not any(is_reported(e) and e.frame is not here for _, e in parts)

    def _origin(self, parts: list[tuple[Any, Expression]]) -> Any:
        """The source tensor of parts, if something still holds it."""
        for tensor, expression in parts:
            if expression.func is None:
                return tensor
            held = self.pending.get(id(tensor))
            if held is not None and held[1] is not None:
                return held[1]
        return None

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
        data = [t for t in tensors if (n := self._note(t)) is not None and not n.constant]
        gate = plan.name == "mul" and len(data) == 2 and data[0].shape == data[1].shape
        self._use(plan, tensors, gate)
        self.own += time.perf_counter() - start
        result = func(*args, **kwargs)
        if isinstance(result, torch.Tensor):
            notes = [n for t in tensors if (n := self._note(t)) is not None]
            weighted = [n for n in notes if n.weighted]
            note = Note(weakref.ref(result), constant=not data)
            # a sum with a residual branch: the layer added last tells
            for known in weighted:
                note.dim, note.weighted = known.dim, True
            if plan.name == "add" and len(weighted) == 1:
                note.weight = weighted[0].weight  # a bias added by hand
            self._put(result, note)
        return result

    def _softmax(
        self, plan: Plan, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], tensors: Any
    ) -> Any:
        start = time.perf_counter()
        result = func(*args, **kwargs)
        back = time.perf_counter()
        self._softmax_done(plan.name.strip("_"), result, tensors, back - start, None)
        self.own += time.perf_counter() - back
        return result

    def _softmax_done(
        self, name: str, result: Any, tensors: list[Any], seconds: float, frame: _Frame | None
    ) -> None:
        if self.muted:
            return
        known = self._note(tensors[0]) if tensors else None
        source = Source(result.ndim - 1, False, None, 0)
        squashed = {"softmax": "softmax", "log_softmax": "log_softmax"}.get(name)
        self._put(result, Note(weakref.ref(result), squashed=squashed))
        kind = "function" if name == "glu" else "softmax"
        if name == "glu" and known is not None:
            source.dim = known.dim
        path = frame.path if frame else self.frames[-1].path
        self.listener.site(
            Call(path, "module" if frame and kind != "softmax" else kind, None, name, result,
                 None, source, name == "glu", seconds, frame.module if frame else None)
        )  # fmt: skip

    def _note_result(
        self, plan: Plan, result: Any, args: tuple[Any, ...], tensors: list[Any]
    ) -> None:
        """Note what a function that is not elementwise tells of its result."""
        start = time.perf_counter()
        where = functions.PRODUCERS.get(plan.name)
        if where is not None:
            batched = 1
            if plan.name.startswith("conv"):
                batched = result.ndim - int(plan.name[-2]) - 1 if plan.name[-1] == "d" else 1
            dim = result.ndim - 1 if where == "last" else batched
            weight = args[1] if len(args) > 1 and plan.name in _WEIGHT_SECOND else None
            ref = weakref.ref(weight) if isinstance(weight, torch.Tensor) else None
            self._put(result, Note(weakref.ref(result), None, dim, True, ref))
            if plan.name == "embedding":
                self.listener.embedded(result)
        elif tensors:
            known = self._note(tensors[0])
            if known is not None and plan.name not in functions.REDUCTIONS:
                same = plan.name not in functions.MOVES and result.ndim == tensors[0].ndim
                dim = known.dim if same else None
                squashed = self._squashed(tensors[0])
                note = Note(weakref.ref(result), None, dim, known.weighted, None)
                note.constant, note.squashed = known.constant, squashed
                if plan.name in _VIEWS:
                    note.made_by = known.made_by or known.expression
                if plan.name in {"dropout", "contiguous", "view", "reshape"} and dim is not None:
                    note.weight = known.weight
                self._put(result, note)
            if plan.name in _CONSTANTS:
                self._put(result, Note(weakref.ref(result), constant=True))
        elif plan.name in _CONSTANTS:
            self._put(result, Note(weakref.ref(result), constant=True))
        self.own += time.perf_counter() - start

    def _use(self, plan: Plan, tensors: list[Any], gate: bool = False) -> None:
        """Something that is not elementwise uses these tensors: their expressions are complete."""
        for tensor in tensors:
            note = self._note(tensor)
            if note is None or note.expression is None:
                continue
            held = self.pending.pop(id(tensor), None)
            reduced = plan.name in functions.REDUCTIONS and note.expression.level < ALWAYS
            if is_reported(note.expression) and not reduced:
                note.expression.gated = gate
                self._emit(tensor, held[1] if held else None, note.expression)

    def _emit(self, result: Any, origin: Any, expression: Expression) -> None:
        expression.emitted = True
        if not result.is_floating_point() or self.muted:
            return
        source = expression.source
        if origin is not None and version_of(origin) != source.version:
            origin = None  # overwritten since
        path = expression.module_path
        composed = path is None and is_composed(expression)
        kind = "module" if path is not None else "composed" if composed else "function"
        self.listener.site(
            Call(path if path is not None else expression.frame.path, kind, expression,
                 expression.name, result, origin, source, expression.gated, expression.seconds)
        )  # fmt: skip

    # -- modules -----------------------------------------------------------------------------

    def push(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """A module under the root is called."""
        start = time.perf_counter()
        above = self.frames[-1]
        frame = _Frame(module, self.path_of(module, above.module, above.path))
        frame.quiet = above.quiet
        self.frames.append(frame)
        if frame.quiet:
            return
        if isinstance(module, torch.jit.ScriptModule):
            self.listener.opaque(Opaque(frame.path, "a scripted body", SCRIPTED))
        first = args[0] if args else next(iter(kwargs.values()), None)
        known = self.kinds.get(id(module))
        if known is not None and known[0] is module:
            verdict = known[1]
        else:
            verdict = modules.kind_of(module, first)
            if isinstance(first, torch.Tensor) and first.is_floating_point():
                self.kinds[id(module)] = (module, verdict)
        if verdict is not None:
            frame.quiet = True
            kept = None
            if verdict == "activation" and getattr(module, "inplace", False):
                note = self._note(first)
                kept = self.listener.rows(first, note.dim if note else None)
            frame.called = (verdict, first, kept)
        now = time.perf_counter()
        self.own += now - start
        frame.started = now

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
        if frame.called[0] == "activation":
            self._module_done(frame, result, start - frame.started)
        else:
            verdict, first, _ = frame.called
            self._softmax_done(verdict, result, [first], start - frame.started, frame)
        self.own += time.perf_counter() - start

    def _module_done(self, frame: _Frame, result: Any, seconds: float) -> None:
        assert frame.called is not None
        _, first, kept = frame.called
        below, note = self._expression(first), self._note(first)
        origin = first
        if below is None or below.func is not None:
            # its input is an expression already: the module's function starts from its result
            if below is not None and is_reported(below):
                held = self.pending.get(id(first))
                self._emit(first, held[1] if held else None, below)
            known = below.source if below is not None else Source(None, False, None, 0)
            version = version_of(first)
            below = Expression(Source(known.dim, known.weighted, known.weight, version))
        self.pending.pop(id(first), None)
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
            seconds=seconds,
            module_path=frame.path,
            frame=self.frames[-1],
        )
        made = Note(weakref.ref(result), new, source.dim, source.weighted, source.weight)
        self._put(result, made)
        self.pending[id(result)] = (result, None if origin is result else origin, new)

    # -- the whole pass ----------------------------------------------------------------------

    def finish(self) -> None:
        """The root returned: what nothing used is complete too."""
        for result, origin, expression in list(self.pending.values()):
            if is_reported(expression):
                self._emit(result, origin, expression)
        self.pending.clear()


_WEIGHT_SECOND = functions.words(
    "linear conv1d conv2d conv3d conv_transpose1d conv_transpose2d matmul mm __matmul__"
)
_VIEWS = functions.words("view reshape squeeze unsqueeze flatten contiguous __getitem__")
_CONSTANTS = functions.words(
    """zeros ones full zeros_like ones_like full_like tensor arange eye empty new_zeros new_ones
    new_full new_tensor scalar_tensor linspace as_tensor"""
)


def _inplace_flag(plan: Plan, args: tuple[Any, ...]) -> bool:
    """Whether a functional's `inplace` was given by position (`F.relu(x, True)`)."""
    return len(args) > 1 and args[-1] is True and plan.level == ALWAYS


class Tracker:
    """Reports every activation of a model to a listener, from `attach` to `detach`.

    Args:
        model: the module whose forward passes are followed, wrappers taken off by `unwrap`.
        listener: what is told.
    """

    def __init__(self, model: Any, listener: Listener) -> None:
        self.root, self.listener = unwrap(model), listener
        self.paths = {id(m): (m, n) for n, m in reversed(list(self.root.named_modules()))}
        self.local = threading.local()
        self.handles: list[Any] = []
        self.everywhere: list[Any] = []
        self.lock = threading.Lock()
        self.known = _Known()
        self.passes = 0
        self.due: Callable[[], bool] = lambda: True  # asked at the start of every forward pass

    def attach(self) -> None:
        """Register the hooks on the root; those on all modules are there during a pass only."""
        self.handles = [
            self.root.register_forward_pre_hook(self._enter, prepend=True, with_kwargs=True),
            self.root.register_forward_hook(self._leave, always_call=True),
        ]

    def detach(self) -> None:
        """Take the hooks off, and leave a pass that an interrupt left open."""
        for handle in self.handles:
            handle.remove()
        self.handles = []
        current = self._current()
        if current is not None:
            self._close(current)
        with self.lock:
            self.passes = 0
            self._unhook()

    def _hook(self) -> None:
        """Follow all modules while at least one pass runs, in whichever thread."""
        with self.lock:
            self.passes += 1
            if not self.everywhere:
                self.everywhere = [
                    register_module_forward_pre_hook(self._push),
                    register_module_forward_hook(self._pop, always_call=True),
                ]

    def _unhook(self) -> None:
        if self.passes == 0:
            for handle in self.everywhere:
                handle.remove()
            self.everywhere = []

    def _current(self) -> Pass | None:
        return getattr(self.local, "current", None)

    def path_of(self, module: Any, above: Any, above_path: str) -> str:
        """A module's path under the root; for one made since, its parent's name for it."""
        known = self.paths.get(id(module))
        if known is not None and known[0] is module:
            return str(known[1])
        for name, child in above._modules.items():
            if child is module:
                return f"{above_path}.{name}" if above_path else str(name)
        name = type(module).__name__
        return f"{above_path}.{name}" if above_path else name

    def _enter(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        current = self._current()
        if current is not None:  # the root calls itself
            current.depth += 1
            return
        if not self.due():
            return
        self._hook()
        self.local.current = current = Pass(module, self.path_of, self.listener, self.known)
        with NO_FUNCTIONS(), torch.no_grad():
            self.listener.begin(module, args, kwargs)
        current.__enter__()
        current.started = time.perf_counter()

    def _leave(self, module: Any, args: Any, result: Any) -> None:
        current = self._current()
        if current is None:
            return
        if current.depth:
            current.depth -= 1
            return
        seconds = time.perf_counter() - current.started - current.own
        self._close(current)
        with NO_FUNCTIONS():
            current.finish()
            self.listener.end(seconds)
        self.local.last = current

    @contextlib.contextmanager
    def loss(self) -> Iterator[Pass | None]:
        """Follow what is done with the output of the last forward pass, to see the loss."""
        last = getattr(self.local, "last", None)
        if last is None:
            yield None
            return
        last.muted = True
        self.local.last = None
        with last:
            yield last

    def _close(self, current: Pass) -> None:
        self.local.current = None
        current.__exit__(None, None, None)
        with self.lock:
            self.passes = max(0, self.passes - 1)
            self._unhook()

    def _push(self, module: Any, args: tuple[Any, ...]) -> None:
        current = self._current()
        if current is not None and module is not current.root:
            with NO_FUNCTIONS():
                current.push(module, args, {})

    def _pop(self, module: Any, args: Any, result: Any) -> None:
        current = self._current()
        if current is not None and module is not current.root:
            with NO_FUNCTIONS():
                current.pop(module, result)


class _Holder(torch.nn.Module):  # type: ignore[misc]
    """A plain module around a scripted one, which takes no hooks."""

    def __init__(self, scripted: Any) -> None:
        super().__init__()
        self.scripted = scripted

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.scripted(*args, **kwargs)


def unwrap(model: Any) -> Any:
    """The model inside torch.compile, DataParallel and DistributedDataParallel.

    A scripted model, which takes no hooks, comes back in a plain module that calls it.
    """
    while True:
        if isinstance(model, torch.jit.ScriptModule):
            return _Holder(model)
        if hasattr(model, "_orig_mod"):
            model = model._orig_mod
        elif isinstance(model, (torch.nn.DataParallel, torch.nn.parallel.DistributedDataParallel)):
            model = model.module
        else:
            return model
