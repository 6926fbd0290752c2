"""The probe's hooks on a module: they do not travel with its copies and pickles."""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Callable
from typing import Any

# what torch says of hooks by their number: the dict of the hooks, and those beside it
HOOKS = {
    "_forward_hooks": ("_forward_hooks_with_kwargs", "_forward_hooks_always_called"),
    "_forward_pre_hooks": ("_forward_pre_hooks_with_kwargs",),
}
STATE = "__getstate__"
_LOCK = threading.Lock()


class Hook:
    """A hook of the probe's on a module: copies and pickles of the module get an empty one.

    Args:
        call: what is called.
    """

    def __init__(self, call: Callable[..., Any]) -> None:
        self.call = call

    def __call__(self, *args: Any) -> Any:
        """Call it."""
        return self.call(*args)

    def __reduce__(self) -> tuple[Any, ...]:
        # needs nothing of this package where it is loaded, takes any arguments and gives None
        return getattr, (contextlib.nullcontext(), "__exit__")


class Stay:
    """Stands in a module for its `__getstate__`: its state without what the probe put there.

    Args:
        module: on which trackers hang their hooks.
    """

    def __init__(self, module: Any) -> None:
        self.module, self.trackers = weakref.ref(module), 0

    def __call__(self) -> Any:
        """The state, as its class gives it."""
        module: Any = self.module()
        kind: Any = type(module)
        state = kind.__getstate__(module)
        if not isinstance(state, dict) or not isinstance(state.get(STATE), Stay):
            return state
        state = {k: v for k, v in state.items() if k != STATE}
        for name, beside in HOOKS.items():
            ours = ours_of(state.get(name, {}))
            for box in (name, *beside) if ours else ():
                kept = ((k, v) for k, v in state[box].items() if k not in ours)
                state[box] = type(state[box])(kept)
        return state


def stay(module: Any) -> None:
    """Let copies and pickles of a module go without the probe's hooks, until as many `leave`.

    A class that says itself how it is pickled keeps them, empty.
    """
    kind: Any = type(module)
    if (kind.__reduce__, kind.__reduce_ex__) != (object.__reduce__, object.__reduce_ex__):
        return
    with _LOCK:
        there = vars(module).setdefault(STATE, Stay(module))
        if isinstance(there, Stay):  # else the module has one of its own
            there.trackers += 1


def leave(module: Any) -> None:
    """A tracker's hooks are gone; after the last one a module is copied as its class says."""
    with _LOCK:
        there = vars(module).get(STATE)
        if isinstance(there, Stay):
            there.trackers -= 1
            if not there.trackers:
                del vars(module)[STATE]


def ours_of(hooks: dict[int, Any]) -> set[int]:
    """The numbers of the hooks that are the probe's."""
    return {key for key, hook in hooks.items() if isinstance(hook, Hook)}
