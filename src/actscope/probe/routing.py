"""Send activations that are called inside a forward (`F.relu`) to another function.

Such a call cannot be taken out of the code, so the module whose forward holds it gets a class of
its own, derived from the one it had, whose forward runs under a `TorchFunctionMode`. Parameters,
state dicts, pickles and copies are those of the old class; torch.compile and torch.export trace
through it. A call is known by its module's path and by how it is written there ("relu(x)").
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from actscope.activations import Activation
from actscope.errors import InputError
from actscope.probe.expressions import Expression, Source, text, version_of
from actscope.probe.functions import CANONICAL, LEVELS, words
from actscope.probe.twins import apply, with_twin

# the new activations of a call, by its place among the equal calls of a forward pass (None:
# stays); the last one holds for all later calls
Turns = tuple[Activation | None, ...]

# how torch writes each elementwise function -> its canonical name
RAW = {
    written: name
    for raw, name in [*((n, n) for n in LEVELS), *CANONICAL.items()]
    for written in (raw, f"{raw}_", f"{raw}.default", f"{raw}_.default", f"{raw}.Tensor")
}
# those that overwrite their first argument
IN_PLACE = frozenset(
    raw
    for raw in RAW
    if raw.startswith("__i") or (raw.removesuffix(".default").endswith("_") and raw[:2] != "__")
)
CONSTANTS = words("zeros ones full zeros_like ones_like full_like tensor scalar_tensor new_zeros")


NOTHING = Source(None, False, None, 0)


class _Here(threading.local):
    """Where the forward pass of this thread is."""

    path: str | None = None  # of the module whose forward runs; None outside the model
    on: bool = False  # whether the mode is on
    saving: Any = None  # what autograd saved tensors with when that forward began
    counts: dict[Any, int]
    known: dict[int, tuple[Any, Any, Expression]]  # id -> result, its source's tensor, what it is

    def __init__(self) -> None:
        self.counts, self.known = {}, {}


class Routes:
    """Which calls of a model go where.

    Args:
        calls: {module's path: {"relu(x)": new activations}} of calls of one function.
        composed: the same for what several calls make ("x * sigmoid(x)").
        hidden: {path: expressions} that are only steps on the way to a swapped one; an inspection
            of the new model is not shown them.
    """

    def __init__(
        self,
        calls: Mapping[str, Mapping[str, Turns]],
        composed: Mapping[str, Mapping[str, Turns]],
        hidden: Mapping[str, frozenset[str]],
    ) -> None:
        self.__setstate__((calls, composed, hidden))

    def __getstate__(self) -> tuple[Any, ...]:
        return self.calls, self.composed, self.hidden

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        calls, composed, self.hidden = state
        self.calls, self.composed = _with_twins(calls), _with_twins(composed)
        self.here = _Here()
        self.run_eagerly = self.run
        if self.composed:  # expressions are told by which tensor is which: not for a compiler
            why = "an activation of several calls is swapped here"
            self.run_eagerly = torch.compiler.disable(self.run, reason=why)

    def __deepcopy__(self, memo: Any) -> Routes:
        return self  # never changed

    def run(
        self,
        path: str,
        forward: Callable[..., Any],
        module: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """Run a module's forward, its calls routed."""
        here = self.here
        path_before, known_before, on_before = here.path, here.known, here.on
        saving_before, here.saving = here.saving, _saving()
        if path_before is None:
            here.counts = {}
        here.path = path
        try:
            if path in self.composed:
                here.known = {}
            if not on_before and (path in self.calls or path in self.composed):
                here.on = True
                with self.mode():
                    return forward(module, *args, **kwargs)
            return forward(module, *args, **kwargs)
        finally:
            here.path, here.known, here.on = path_before, known_before, on_before
            here.saving = saving_before

    def mode(self) -> Any:
        """The mode that is on during a forward that holds routed calls."""
        return Route(self)

    def turn(self, turns: tuple[Any, ...], key: Any) -> Any:
        """Whose turn it is among equal calls of one forward pass."""
        if len(turns) == 1:
            return turns[0]
        counts = self.here.counts
        number = counts.get(key, 0)
        counts[key] = number + 1
        return turns[min(number, len(turns) - 1)]

    def of_call(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The new activation of a call of one function; None where it stays."""
        there = self.calls.get(self.here.path or "")
        if there is None:
            return None
        said = written(name, args, kwargs)
        turns = there.get(said)
        return None if turns is None else self.turn(turns, (self.here.path, said))

    def of_composed(self, said: str) -> Any:
        """The new activation of an expression; None where it stays."""
        there = self.composed.get(self.here.path or "")
        turns = there.get(said) if there is not None else None
        return None if turns is None else self.turn(turns, (self.here.path, said, "composed"))


def _with_twins(table: Mapping[str, Mapping[str, Turns]]) -> dict[str, dict[str, Turns]]:
    """The table, its activations ready to run: unpickled ones are without their functions."""
    ready: Callable[[Any], Any] = lambda record: None if record is None else with_twin(record)
    return {
        path: {said: tuple(map(ready, turns)) for said, turns in there.items()}
        for path, there in table.items()
    }


def written(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """A call as text: "leaky_relu(x, 0.1)". In place or not is one text."""
    rest = [str(a) for a in args[1:] if not isinstance(a, torch.Tensor)]
    rest += [f"{k}={v}" for k, v in kwargs.items() if k not in ("inplace", "input")]
    if rest and rest[-1] == "True" and name != "gelu":
        rest = rest[:-1]  # F.relu(x, True): in place
    return name + "(" + ", ".join(["x", *rest]) + ")"


class Route(TorchFunctionMode):  # type: ignore[misc]
    """The mode: replaces the calls that its routes name, and hands all others on."""

    def __init__(self, routes: Routes) -> None:
        super().__init__()
        self.routes = routes

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        raw = getattr(func, "__name__", "")
        name = RAW.get(raw)
        if name is None:
            return self._other(raw, func(*args, **kwargs))
        record = self.routes.of_call(name, args, kwargs)
        if record is not None:
            x = args[0] if args else kwargs["input"]
            self._not_checkpointed()
            return replaced(record, x, x, is_in_place(func, args, kwargs))
        if self.routes.here.path in self.routes.composed:
            return self._composed(name, func, args, kwargs)
        return func(*args, **kwargs)

    def _other(self, raw: str, result: Any) -> Any:
        """The result of what is not elementwise; one made of numbers is no source of data."""
        if raw in CONSTANTS and self.routes.here.path in self.routes.composed:
            self.routes.here.known[id(result)] = (result, None, Expression(NOTHING))
        return result

    def _not_checkpointed(self) -> None:
        """Refuse a call in a function that is checkpointed: run again, it would not be routed."""
        if _saving() is not self.routes.here.saving and torch.is_grad_enabled():
            raise InputError(
                f"a call that was swapped in {self.routes.here.path or 'the root'} is inside a "
                "checkpointed function, which runs again without its module: checkpoint the module"
            )

    def _composed(self, name: str, func: Any, args: tuple[Any, ...], kwargs: Any) -> Any:
        """A call that may complete an expression."""
        known = self.routes.here.known
        found = expression_of(known, name, func, args, kwargs)
        if found is None:
            return func(*args, **kwargs)
        origin, expression = found
        said = text(expression)
        record = self.routes.of_composed(said)
        if record is None:
            there = self.routes.hidden.get(self.routes.here.path or "", ())
            hide = torch._C.DisableTorchFunction if said in there else contextlib.nullcontext
            with hide():
                result = func(*args, **kwargs)
            known[id(result)] = (result, origin, expression)
            return result
        fresh_input(origin, expression, self.routes.here.path)
        self._not_checkpointed()
        return replaced(record, origin, args[0] if args else None, is_in_place(func, args, kwargs))


def _saving() -> Any:
    """What autograd saves tensors with; checkpoints put something of their own there."""
    if torch.compiler.is_compiling():
        return None
    hooks = torch._C._autograd._top_saved_tensors_default_hooks(True)
    return hooks[0] if hooks is not None else None


def is_in_place(func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Whether a call overwrites its first argument."""
    if func.__name__ in IN_PLACE:
        return True
    return kwargs.get("inplace") is True or (len(args) > 1 and args[-1] is True)


def replaced(record: Activation, x: Any, target: Any, in_place: bool) -> Any:
    """The new activation at x; written into `target` where the old one was in place."""
    if in_place and isinstance(target, torch.Tensor):
        return target.copy_(apply(record, x.clone()))
    return apply(record, x)


def expression_of(
    known: dict[int, tuple[Any, Any, Expression]],
    name: str,
    func: Any,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> tuple[Any, Expression] | None:
    """What a call makes of one source tensor, and that tensor; None if of none or of several."""
    parts: dict[int, Expression] = {}
    origin = None
    tensors = [v for v in (*args, *kwargs.values()) if isinstance(v, torch.Tensor)]
    if name in ("max", "min") and len(tensors) < 2:
        return None  # over a dimension
    for value in tensors:
        if isinstance(value, nn.Parameter):
            continue
        held = known.get(id(value))
        if held is None:
            if value.ndim == 0 or not value.is_floating_point():
                continue
            held = (value, value, Expression(Source(None, False, None, version_of(value))))
            known[id(value)] = held
        if held[1] is None:  # made of numbers, not of data
            continue
        if origin is not None and origin is not held[1]:
            return None
        origin = held[1]
        parts[id(value)] = held[2]
    if origin is None:
        return None
    put: Callable[[Any], Any] = lambda a: parts.get(id(a), a) if isinstance(a, torch.Tensor) else a
    source = next(iter(parts.values())).source
    new = Expression(
        source, name, func, tuple(map(put, args)), {k: put(v) for k, v in kwargs.items()}
    )
    return origin, new


def fresh_input(origin: Any, expression: Expression, path: str | None) -> None:
    """Refuse an expression whose input was overwritten on the way.

    Raises:
        InputError: the input is gone, so no other activation can be applied to it.
    """
    if version_of(origin) != expression.source.version:
        raise InputError(
            f"{text(expression)} in {path or 'the root'} overwrites its own input, so it cannot be "
            "swapped from outside: write it without in-place steps, or as a module"
        )


@functools.cache
def _routed(base: type) -> type:
    """The class of a module of class `base` whose forward runs under routes."""
    plain: Callable[..., Any] = base.forward  # type: ignore[attr-defined]

    @functools.wraps(plain)
    def forward(self: Any, *args: Any, **kwargs: Any) -> Any:
        routes, path = self.actscope_routes, self.actscope_path
        run = routes.run_eagerly if path in routes.composed else routes.run
        return run(path, plain, self, args, kwargs)

    def reduce(self: Any, protocol: Any) -> Any:
        plain_reduce: Any = base.__reduce_ex__
        made, given, *rest = plain_reduce(self, protocol)
        if given and given[0] is made_class:  # the class is made again where it is unpickled
            return _blank, (base,), *rest
        return made, given, *rest

    names = {
        "forward": forward,
        "__reduce_ex__": reduce,
        "__module__": base.__module__,
        "__qualname__": base.__qualname__,
        "__doc__": base.__doc__,
    }
    made_class: type = type(base)(base.__name__, (base,), names)
    return made_class


def _blank(base: type) -> Any:
    """An empty module of a routed class, to be filled by unpickling."""
    made: Any = _routed(base)
    return made.__new__(made)


class InTurn(nn.ModuleList):  # type: ignore[misc]
    """Activation modules that take turns: one module of the old model, called several times.

    Args:
        turns: for each call of a forward pass the module that it goes to; the last for all later.
        routes: which count the calls.
    """

    def __init__(self, turns: list[Any], routes: Routes) -> None:
        kept = list({id(m): m for m in turns}.values())
        super().__init__(kept)
        self.order = tuple(next(i for i, k in enumerate(kept) if k is m) for m in turns)
        self.routes = routes

    def forward(self, x: Any) -> Any:
        """Apply the one whose turn it is."""
        return self[self.routes.turn(self.order, id(self))](x)


def route(module: Any, routes: Routes, path: str) -> None:
    """Let a module's forward run under routes, in place."""
    if not hasattr(module, "actscope_routes"):
        old: Any = type(module)
        module.__class__ = _routed(old)
    module.actscope_routes, module.actscope_path = routes, path
