"""The first pass, checked: activation-like work that no site stands for is listed as opaque.

Below the calls of torch that Python makes lies the dispatcher, through which scripted functions,
extensions and custom operators go too. A `TorchDispatchMode`, on during the first pass only, sees
every operator there. What runs inside a call that the pass followed, or inside the probe itself,
is accounted for; an activation anywhere else is hidden. Two more signs are read off the tensors:
one that torch made and never wrote to was filled by a kernel of its own (Triton, CUDA), and one
made outside torch after values had left it was worked out by NumPy.
"""

from __future__ import annotations

import sys
import types
import weakref
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import (
    TorchDispatchMode,
    _get_current_dispatch_mode,
    _pop_mode_temporarily,
)

from actscope.probe import functions
from actscope.probe.calls import Opaque
from actscope.probe.expressions import version_of
from actscope.probe.forward import Known, Pass
from actscope.probe.functions import ALWAYS, HINGE, PLAIN, Plan
from actscope.probe.sites import Sites
from actscope.probe.stack import NO_FUNCTIONS, Frame

OUTSIDE = "call the Python function as it was before torch.jit.script, or write it with torch"
CUSTOM = "use the layer's plain PyTorch version, or write the function with torch"
# operators of torch's own; those of other namespaces may hold anything
_OWN = functions.words("aten prim prims profiler c10d _c10d_functional torchvision inductor")
_FUSED_NAMES = ("relu", "gelu", "sigmoid", "tanh", "silu", "swish", "elu", "mish")
_ARRAYS = functions.words("numpy __array__")
_TORCH = str(Path(torch.__file__).parent)
_HERE = str(Path(__file__).parent)


class Hidden(TorchDispatchMode):  # type: ignore[misc]
    """Watches operators; keeps the activations that no call accounts for.

    Args:
        frames: the modules that the pass is in.
        known: what was found out about functions.
    """

    supports_higher_order_operators = True

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # nothing is compiled while a pass is on: spares a detour at every operator

    def __init__(self, frames: list[Frame], known: Known) -> None:
        super().__init__()
        self.frames, self.known = frames, known
        self.ours = 0  # the probe itself is at work, so many calls deep
        self.running: Plan | None = None  # the call that the pass followed
        self.bare: dict[tuple[str, str], dict[str, None]] = {}  # (path, place) -> names
        self.within: dict[tuple[str, str, str], None] = {}  # (path, what, way out)
        self.left = False  # data went to NumPy
        self.shared: list[tuple[Any, int, Any, int, Frame]] = []  # arrays that share a tensor

    def __torch_dispatch__(
        self, func: Any, kinds: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        with NO_FUNCTIONS():
            result = func(*args, **(kwargs or {}))
        if not self.ours and not self.frames[-1].quiet:
            self._seen(func, result)
        return result

    def _seen(self, func: Any, result: Any) -> None:
        frame, running = self.frames[-1], self.running
        namespace = getattr(func, "namespace", "")
        if namespace not in _OWN:
            self._foreign(func, namespace, result)
            return
        plan = self.known.plan(func)
        if running is None:
            if plan.name == "lift_fresh" and self.left:
                self.numpy(frame)
            if max(plan.level, functions.level_of_list(plan.name)) >= HINGE or plan.spread:
                self._outside(frame, plan.name.strip("_"))
        elif running.level < PLAIN and (plan.level == ALWAYS or plan.spread):
            known = running.spread or running.told or running.name in functions.COMPOSITES
            if not known:
                name = f"{plan.name.strip('_')} inside torch's {running.name}"
                self._add(frame, name, "write the function with its parts")

    def _outside(self, frame: Frame, name: str) -> None:
        """An activation that Python did not call; of scripted modules the stack tells."""
        if not isinstance(frame.module, torch.jit.ScriptModule):
            self.bare.setdefault((frame.path, _place()), {})[name] = None

    def _foreign(self, func: Any, namespace: str, result: Any) -> None:
        """An operator that is not torch's own, or one of higher order."""
        running, frame = self.running, self.frames[-1]
        if running is not None and running.name in functions.FUSED:
            return
        name = getattr(func, "__name__", str(func)).removesuffix(".default")
        told = namespace in ("quantized", "onednn", "mkldnn", "mkldnn_prepacked")
        if told and not any(word in name for word in _FUSED_NAMES):
            return
        if any(t.is_floating_point() or told for t in _tensors(result)):
            higher = isinstance(func, torch._ops.HigherOrderOperator)
            kind = f"the branches of {name}" if higher else f"the operator {namespace}::{name}"
            self._add(frame, kind, CUSTOM)

    def _add(self, frame: Frame, what: str, way_out: str) -> None:
        self.within[frame.path, what, way_out] = None

    def numpy(self, frame: Frame) -> None:
        """Values come back that had left torch."""
        self._add(frame, "values worked out by NumPy", CUSTOM)

    def share(self, tensor: Any, array: Any) -> None:
        """A tensor's own memory is handed to NumPy."""
        if isinstance(array, np.ndarray) and array.dtype.kind == "f":
            self.shared.append((tensor, version_of(tensor), array, _sum(array), self.frames[-1]))

    def overwritten(self) -> None:
        """Look for memory that NumPy wrote to."""
        for tensor, version, array, before, frame in self.shared:
            if version_of(tensor) == version and _sum(array) != before:
                self.numpy(frame)

    def filled(self, frame: Frame) -> None:
        """A tensor that torch made and never wrote to is used."""
        self._add(frame, "a tensor filled outside torch (by a Triton or CUDA kernel)", CUSTOM)

    def found(self) -> Iterator[Opaque]:
        """What is hidden, place by place."""
        for (path, place), seen in self.bare.items():
            what = f"{', '.join(seen)} in code that Python does not run{place}"
            yield Opaque(path, what, OUTSIDE)
        for path, what, way_out in self.within:
            yield Opaque(path, what, way_out)


def _place() -> str:
    """Where the user's code is: " (called at model.py:12)"."""
    frame: types.FrameType | None = sys._getframe(1)
    while frame and frame.f_code.co_filename.startswith((_TORCH, _HERE, "<")):
        frame = frame.f_back
    if frame is None:
        return ""
    return f" (called at {Path(frame.f_code.co_filename).name}:{frame.f_lineno})"


def _sum(array: Any) -> int:
    """A checksum of an array's bytes."""
    return zlib.crc32(np.ascontiguousarray(array).data)


def _base(tensor: Any) -> Any:
    return tensor._base if tensor._base is not None else tensor


def _array(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.ndim > 0 and value.dtype.kind == "f"


def _tensors(value: Any) -> list[Any]:
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, (list, tuple)):
        return [t for v in value for t in _tensors(v)]
    return []


class _Ours:
    """Around the probe's own work, which the watching mode passes over."""

    def __init__(self, hidden: Hidden) -> None:
        self.hidden = hidden

    def __enter__(self) -> None:
        self.hidden.ours += 1

    def __exit__(self, *error: Any) -> None:
        self.hidden.ours -= 1


class _Unwatched:
    """A listener whose own work the watching mode does not slow down.

    Args:
        listener: any.
        hidden: the mode.
    """

    def __init__(self, listener: Any, hidden: Hidden) -> None:
        self.listener, self.hidden = listener, hidden

    def __getattr__(self, name: str) -> Any:
        function = getattr(self.listener, name)

        def call(*args: Any) -> Any:
            if _get_current_dispatch_mode() is not self.hidden:  # the user's own is above it
                return function(*args)
            with _pop_mode_temporarily():
                return function(*args)

        return call


class Checked(Pass):
    """A pass that is watched from below.

    Args:
        sites: its state.
        known: what was found out about functions.
    """

    def __init__(self, sites: Sites, known: Known) -> None:
        super().__init__(sites, known)
        self.hidden = Hidden(self.frames, known)
        self.ours = _Ours(self.hidden)
        sites.listener = _Unwatched(sites.listener, self.hidden)
        # id -> (weak reference, the call that made it), of tensors made without values
        self.blank: dict[int, tuple[Any, Frame]] = {}

    def __enter__(self) -> Any:
        entered = super().__enter__()
        self.hidden.__enter__()
        return entered

    def __exit__(self, *error: Any) -> None:
        self.hidden.__exit__(*error)
        super().__exit__(*error)

    def __torch_function__(
        self, func: Any, kinds: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        with self.ours:
            plan = self.known.plan(func)
            self._used(plan, args)
            result = super().__torch_function__(func, kinds, args, kwargs)
            if plan.name in _ARRAYS and not (
                self._is_blank(args[0]) or self.notes.is_constant(args[0])
            ):
                self.hidden.share(args[0], result)
            if plan.name in functions.EMPTY and isinstance(result, torch.Tensor) and result.numel():
                self.blank[id(result)] = (weakref.ref(result), self.frames[-1])
            return result

    def run(self, plan: Plan, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a function of torch, which accounts for what runs in it."""
        hidden = self.hidden
        ours, hidden.ours, hidden.running = hidden.ours, 0, plan
        try:
            return func(*args, **kwargs)
        finally:
            hidden.ours, hidden.running = ours, None

    def push(self, module: Any, args: tuple[Any, ...]) -> None:
        """A module under the root is called."""
        with self.ours:
            super().push(module, args)

    def pop(self, module: Any, result: Any) -> None:
        """A module under the root returned, or raised."""
        with self.ours:
            super().pop(module, result)

    def _used(self, plan: Plan, args: tuple[Any, ...]) -> None:
        """Look for tensors that torch never wrote to, and for values that leave torch."""
        if self.hidden.left and plan.name in ("tensor", "as_tensor") and _array(args[0]):
            self.hidden.numpy(self.frames[-1])
        for value in args:
            if not isinstance(value, torch.Tensor) or not value.is_floating_point():
                continue
            if plan.name in _ARRAYS:
                note = self.notes.get(value)
                self.hidden.left |= note is not None and not note.constant
            reads = plan.level >= PLAIN or plan.spread or plan.units is not None
            if self.blank and reads and not plan.in_place:
                self._read(value)

    def _read(self, tensor: Any) -> None:
        """A tensor is read: told of, if torch never wrote to it."""
        base = _base(tensor)
        if not self._is_blank(tensor) or base.is_inference():
            return
        _, frame = self.blank.pop(id(base))
        if not base._version:
            self.hidden.filled(frame)

    def _is_blank(self, tensor: Any) -> bool:
        """Whether a tensor was made without values, and not read since."""
        base = _base(tensor)
        held = self.blank.get(id(base))
        return held is not None and held[0]() is base

    def finish(self) -> None:
        """The root returned: what was hidden is told."""
        super().finish()
        self.hidden.overwritten()
        for found in self.hidden.found():
            self.sites.listener.opaque(found)
