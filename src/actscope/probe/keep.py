"""Leave a model as it was: random states, buffers, modes, gradients."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from actscope.errors import InputError


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


@contextlib.contextmanager
def unchanged(model: Any) -> Iterator[None]:
    """Put a model back to the bit when the block ends, however it ends.

    Kept: train or eval mode of every module, every buffer (which object it is and what it holds),
    every parameter's `grad` and `requires_grad`. Buffers are copied once.

    Args:
        model: any module.
    """
    modes = [(m, m.training) for m in model.modules()]
    buffers = [
        (m, name, b, b.detach().clone())
        for m in model.modules()
        for name, b in m._buffers.items()
        if b is not None
    ]
    parameters = [(p, p.grad, p.requires_grad) for p in model.parameters()]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
        with torch.no_grad():
            for module, name, buffer, held in buffers:
                if not _equal(buffer, held):
                    buffer.copy_(held)
                module._buffers[name] = buffer
        for parameter, gradient, wanted in parameters:
            parameter.grad = gradient
            parameter.requires_grad_(wanted)


def _equal(buffer: Any, held: Any) -> bool:
    """Whether two buffers hold the same bits; NaN where NaN was is the same."""
    if buffer.shape != held.shape or buffer.dtype != held.dtype:
        return False
    if torch.equal(buffer, held):
        return True
    here, there = torch.isnan(buffer), torch.isnan(held)
    return bool(torch.equal(here, there) and torch.equal(buffer[~here], held[~there]))


def backward(loss: Any, parameters: list[Any], reentrant: bool = False) -> None:
    """Run the backward pass for the hooks on the way; no parameter's `grad` is kept.

    `autograd.grad` leaves the parameters' own hooks alone (an optimiser that steps inside the
    backward pass would change the weights). Reentrant checkpoints refuse it: for them it is
    `backward`, and `unchanged` puts the gradients back.

    Args:
        loss: a tensor of one number.
        parameters: those that need a gradient.
        reentrant: the forward pass had reentrant checkpoints.

    Raises:
        InputError: a parameter has a hook that would step, and a reentrant checkpoint runs it.
    """
    if not reentrant:
        torch.autograd.grad(loss, parameters, allow_unused=True)
        return
    if any(p._post_accumulate_grad_hooks for p in parameters):
        raise InputError(
            "parameters have hooks that run in the backward pass, and reentrant checkpoints would "
            "call them: inspect without a loss, or checkpoint with use_reentrant=False"
        )
    for parameter in parameters:
        parameter.grad = None
    loss.backward()
