"""What tensors and modules hold, remembered and put back: numbers, hooks, attributes, classes."""

from __future__ import annotations

import collections
import contextlib
import functools
import operator
import random
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch

from actscope.probe.dense import has_memory
from actscope.probe.expressions import version_of
from actscope.probe.hooks import HOOKS, STATE, Stay, ours_of

NO_FUNCTIONS = torch._C.DisableTorchFunction
DEEP = 4  # containers inside one another that are followed
_BOXES = (dict, list, tuple, set, collections.deque)
_OFTEN = frozenset([dict, list, set, collections.OrderedDict])
_FIXED = frozenset([bool, int, float, str, type(None), types.FunctionType])
_OWN = frozenset([*HOOKS, *(name for names in HOOKS.values() for name in names)])
_RANDOM: dict[type, tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]] = {
    torch.Generator: (lambda g: g.get_state(), lambda g, s: g.set_state(s)),
    random.Random: (lambda g: g.getstate(), lambda g, s: g.setstate(s)),
    np.random.RandomState: (lambda g: g.get_state(), lambda g, s: g.set_state(s)),
    np.random.Generator: (
        lambda g: g.bit_generator.state,
        lambda g, s: setattr(g.bit_generator, "state", s),
    ),
}


class Numbers:
    """A tensor: its numbers, where they lie, its class, gradient and hooks.

    Args:
        tensor: any.
        copied: copy the numbers now; else `write` has to be called before they change.
    """

    def __init__(self, tensor: Any, copied: bool) -> None:
        self.tensor, self.kind = tensor, type(tensor)
        self.place = _alias(tensor)  # the same memory, with shape and strides as they are now
        self.version, self.wanted = version_of(tensor), tensor.requires_grad
        self.gradient = tensor.grad if tensor.is_leaf else None
        self.hooks = {name: _items(tensor, name) for name in ("_backward_hooks", _AFTER)}
        self.copy: Any = None
        if copied:
            self.write()

    def write(self) -> None:
        """The numbers are about to change: copy them, unless that was done."""
        if self.copy is None and self.place is not None:
            with torch.no_grad(), NO_FUNCTIONS(), contextlib.suppress(*_CANNOT):
                self.copy = self.place.clone()

    def restore(self) -> None:
        """Put everything back, to the bit."""
        tensor = self.tensor
        if type(tensor) is not self.kind:
            tensor.__class__ = self.kind
        if self.place is not None:
            self._numbers(tensor)
        if tensor.requires_grad != self.wanted:
            tensor.requires_grad_(self.wanted)
        if tensor.is_leaf and tensor.grad is not self.gradient:
            tensor.grad = self.gradient
        for name, items in self.hooks.items():
            if _items(tensor, name) != items:
                getattr(tensor, name).clear()
                getattr(tensor, name).update(items)
        if version_of(tensor) != self.version:  # a graph that the user keeps still fits
            torch._C._autograd._unsafe_set_version_counter((tensor,), (self.version,))

    def _numbers(self, tensor: Any) -> None:
        now = _alias(tensor)
        if has_memory(self.place) and not _same_place(now, self.place):
            tensor.data = self.place
        if self.copy is None or same_bits(self.place, self.copy):
            return
        with torch.inference_mode(tensor.is_inference()), torch.no_grad():
            (self.place if has_memory(self.place) else tensor).copy_(self.copy)


_AFTER = "_post_accumulate_grad_hooks"
_CANNOT = (RuntimeError, TypeError, NotImplementedError)  # of tensors that know few functions


def _alias(tensor: Any) -> Any:
    """A tensor over the same memory; None where there is none to be had."""
    with contextlib.suppress(*_CANNOT):
        return tensor.data
    return None


def _items(tensor: Any, name: str) -> list[Any]:
    return list((getattr(tensor, name, None) or {}).items())


def _same_place(now: Any, before: Any) -> bool:
    """Whether a tensor still is the same view of the same memory."""
    if now is None or not has_memory(now) or now.dtype != before.dtype:
        return False
    here, there = ((t.shape, t.stride(), t.data_ptr()) for t in (now, before))
    return bool(here == there)


def same_bits(a: Any, b: Any) -> bool:
    """Whether two tensors hold the same bits; False where that cannot be told."""
    if a.shape != b.shape or a.dtype != b.dtype or not has_memory(a) or a.is_quantized:
        return False
    with torch.no_grad():
        first, second = (t.contiguous().reshape(-1).view(torch.uint8) for t in (a, b))
        return bool(torch.equal(first, second))


class Held:
    """Modules and tensors, remembered when this is made, and put back by `restore`.

    Buffers are copied at once, since kernels write to them. All other tensors are copied when
    torch is about to write to one (`write`, which a pass calls), so that it costs no memory.

    Args:
        modules: whose attributes are followed, containers in them too.
        tensors: others.
    """

    def __init__(self, modules: Iterable[Any], tensors: Iterable[Any] = ()) -> None:
        self.numbers: dict[int, Numbers] = {}
        self.places: dict[int, list[Numbers]] = {}  # address of the memory -> who lies there
        self.kinds: list[tuple[Any, type]] = []
        self.states: list[tuple[Any, Any]] = []  # attributes of modules
        self.boxes: list[tuple[Any, Any]] = []  # containers, and what was in them
        self.empty: list[Any] = []  # those with nothing in them
        self.hooks: list[tuple[Any, Any, Any]] = []  # hooks of a module, a container, a copy
        self.undo: list[Callable[[], object]] = []
        self.met: set[int] = set()
        with NO_FUNCTIONS():
            for module in modules:
                self._module(module)
            for tensor in tensors:
                self._tensor(tensor, False)

    def write(self, tensors: Iterable[Any]) -> None:
        """Torch is about to write to these; what is no tensor among them is passed over."""
        for tensor in tensors:
            if isinstance(tensor, torch.Tensor) and has_memory(tensor):
                for one in self.places.get(tensor.untyped_storage().data_ptr(), ()):
                    one.write()

    def aside(self) -> None:
        """Take the gradients away, so that a backward pass adds nothing to them in place."""
        for one in self.numbers.values():
            if one.gradient is not None:
                one.tensor.grad = None

    def restore(self) -> None:
        """Put everything back."""
        with NO_FUNCTIONS():
            for numbers in self.numbers.values():
                numbers.restore()
            for module, kind in self.kinds:
                if type(module) is not kind:  # a lazy module became what it stood for
                    module.__class__ = kind
            for state, before in self.states:
                there = state.get(STATE)  # of another inspection, in another thread
                _refill(state, before | {STATE: there} if type(there) is Stay else before)
            for box in self.empty:
                if box:
                    box.clear()
            for box, before in self.boxes:
                _refill(box, before)
            for hooks, box, before in self.hooks:
                if box or before:
                    # another inspection may have begun or ended in another thread
                    now = ours_of(hooks)
                    _refill(box, before | {k: v for k, v in box.items() if k in now})
            for undo in self.undo:
                undo()

    # -- what is remembered ------------------------------------------------------------------

    def _module(self, module: Any) -> None:
        if id(module) in self.met:
            return
        self.met.add(id(module))
        for tensor in module._buffers.values():
            if tensor is not None:
                self._tensor(tensor, True)
        if isinstance(module, torch.jit.ScriptModule):  # its attributes live in C++
            training = module.training
            self.undo.append(lambda: setattr(module, "training", training))
            for tensor in module._parameters.values():
                self._tensor(tensor, False)
            return
        state = vars(module)
        self.kinds.append((module, type(module)))
        before = dict(state)
        if type(before.get(STATE)) is Stay:
            del before[STATE]
        self.states.append((state, before))
        for name, beside in HOOKS.items():
            hooks = state[name]
            ours = ours_of(hooks) if hooks else ()
            for box in (hooks, *(state[other] for other in beside)):
                kept = {k: v for k, v in box.items() if k not in ours} if box else {}
                self.hooks.append((hooks, box, kept))
        for name, value in before.items():
            kind = type(value)
            if kind in _FIXED or name in _OWN:
                continue
            if kind in _OFTEN and not value:
                self.empty.append(value)
            else:
                self._value(value, 0)

    def _value(self, value: Any, depth: int) -> None:
        """Remember a value: a container, a tensor, a random state, a hidden module."""
        if isinstance(value, _BOXES):
            if depth == DEEP or id(value) in self.met:
                return
            self.met.add(id(value))
            if not isinstance(value, tuple):
                self.boxes.append((value, _copy_of(value)))
            for part in list(value.values() if isinstance(value, dict) else value):
                if type(part) not in _FIXED:
                    self._value(part, depth + 1)
        elif isinstance(value, torch.Tensor):
            self._tensor(value, False)
        elif isinstance(value, torch.nn.Module):
            for module in value.modules():
                self._module(module)
        else:
            for kind, (get, put) in _RANDOM.items():
                if isinstance(value, kind):
                    self.undo.append(functools.partial(put, value, get(value)))

    def _tensor(self, tensor: Any, copied: bool) -> None:
        if id(tensor) in self.numbers:
            return
        self.numbers[id(tensor)] = numbers = Numbers(tensor, copied)
        if numbers.place is not None and has_memory(numbers.place):
            place = numbers.place.untyped_storage().data_ptr()
            self.places.setdefault(place, []).append(numbers)


@contextlib.contextmanager
def kept(tensors: list[Any]) -> Iterator[None]:
    """Put tensors back when the block ends; they are copied at once."""
    held = Held((), tensors)
    held.write(tensors)
    try:
        yield
    finally:
        held.restore()


def _copy_of(box: Any) -> Any:
    """A plain container with the same in it."""
    return next(kind for kind in _BOXES if isinstance(box, kind))(box)


def _same(box: Any, before: Any) -> bool:
    """Whether a container holds the same objects, in the same order."""
    if not box and not before:
        return True
    if len(box) != len(before):
        return False
    if isinstance(box, set):
        return {id(v) for v in box} == {id(v) for v in before}
    if isinstance(box, dict):
        kept = all(map(operator.is_, box.values(), before.values()))
        return kept and all(map(operator.eq, box, before))
    return all(map(operator.is_, box, before))


def _refill(box: Any, before: Any) -> None:
    """Let a container hold what it held; one that nothing happened to is not touched."""
    if _same(box, before):
        return
    if isinstance(box, dict):  # other threads may read it: only what differs
        for key in [key for key in box if key not in before]:
            del box[key]
        box.update(before)
        if list(box) == list(before):
            return
    box.clear()
    box.extend(before) if isinstance(box, (list, collections.deque)) else box.update(before)
