"""Leave a model as it was: random states, buffers, modes, gradients."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from actscope.errors import InputError
from actscope.probe.held import Held


def _random_states() -> list[tuple[Any, Any]]:
    """(restore, state) of every source of random numbers that a forward may use."""
    states: list[tuple[Any, Any]] = [
        (random.setstate, random.getstate()),
        (np.random.set_state, np.random.get_state()),  # noqa: NPY002 - the user's own state
        (torch.random.set_rng_state, torch.random.get_rng_state()),
    ]
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        states.append((torch.cuda.set_rng_state_all, torch.cuda.get_rng_state_all()))
    if torch.backends.mps.is_available():
        states.append((torch.mps.set_rng_state, torch.mps.get_rng_state()))
    return states


@contextlib.contextmanager
def random_kept() -> Iterator[None]:
    """Put every random state back when the block ends.

    Around a whole inspection: what is imported on the way may draw numbers too.
    """
    states = _random_states()
    try:
        yield
    finally:
        for restore, state in states:
            restore(state)


# torch's settings that a forward may change and leave so: (how to read, how to set)
_SETTINGS: tuple[tuple[Callable[[], Any], Callable[[Any], Any]], ...] = (
    (torch.is_grad_enabled, torch.set_grad_enabled),
    (torch.get_default_dtype, torch.set_default_dtype),
    (torch.get_num_threads, torch.set_num_threads),
    (torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode),
    (torch.is_anomaly_enabled, torch.set_anomaly_enabled),
)


@contextlib.contextmanager
def unchanged(model: Any) -> Iterator[Held]:
    """Put a model back to the bit when the block ends, however it ends.

    Kept: every parameter and buffer (which object it is, what it holds, its `grad`,
    `requires_grad` and hooks), the modes, hooks, classes and attributes of every module, with
    what is in lists, dicts and sets; tensors and random states among them. Attributes of
    objects of other classes are not followed.

    Args:
        model: any module.

    Yields:
        What is held. Buffers are copied at once; of all else that torch is about to write to,
        `write` has to be told (a pass does that).
    """
    held, settings = Held(model.modules()), [read() for read, _ in _SETTINGS]
    try:
        yield held
    finally:
        held.restore()
        for (read, put), setting in zip(_SETTINGS, settings, strict=True):
            if read() != setting:
                put(setting)


def backward(loss: Any, parameters: list[Any], reentrant: bool = False) -> list[Any]:
    """Run the backward pass for the hooks on the way; no parameter's `grad` is kept.

    `autograd.grad` leaves the parameters' own hooks alone (an optimiser that steps inside the
    backward pass would change the weights). Reentrant checkpoints refuse it: for them it is
    `backward`, and what is held (`Held.aside`) has to put the gradients back.

    Args:
        loss: a tensor of one number.
        parameters: those that need a gradient.
        reentrant: the forward pass had reentrant checkpoints.

    Returns:
        The gradient of each parameter, None for one that has none.

    Raises:
        InputError: a parameter has a hook that would step, and a reentrant checkpoint runs it.
    """
    if not reentrant:
        trained = [p for p in parameters if p.requires_grad]  # none that the forward froze
        found = dict(
            zip(trained, torch.autograd.grad(loss, trained, allow_unused=True), strict=True)
        )
        return [found.get(p) for p in parameters]
    if any(p._post_accumulate_grad_hooks for p in parameters):
        raise InputError(
            "parameters have hooks that run in the backward pass, and reentrant checkpoints would "
            "call them: inspect without a loss, or checkpoint with use_reentrant=False"
        )
    loss.backward()
    return [p.grad for p in parameters]
