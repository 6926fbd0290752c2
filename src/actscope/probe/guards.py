"""Probabilities that a small number keeps away from 0: softmax(x) + 1e-8, p.clamp(min=1e-7)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import torch

from actscope.probe import functions
from actscope.probe.notes import Notes
from actscope.probe.stack import NO_FUNCTIONS

# by which probabilities are guarded, or cast
GUARDS = functions.words(
    """add sub clamp clamp_min clamp_max max min maximum minimum fmax fmin clone
    to float half bfloat16 double type type_as"""
)
SMALL = 0.01  # a guard moves no probability further; bfloat16's own epsilon is 0.008
STEPS = 16  # of the probabilities that it is tried on: 0, 1/16, …, 1, which every type has


def kept(
    notes: Notes, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> str | None:
    """The squashing function whose probabilities a call hands on, a small number apart.

    Args:
        notes: of the pass.
        func: one of GUARDS, not called yet.
        args: what it will be called with.
        kwargs: the same, by name.

    Returns:
        "softmax" or "sigmoid"; None where it is called on something else, or changes more.
    """
    x = args[0] if args else None
    squashed = notes.squashed(x) if isinstance(x, torch.Tensor) else None
    if squashed not in functions.PROBABILITIES:  # eps + p, torch.maximum(eps, p)
        x = args[1] if len(args) > 1 else None
        squashed = notes.squashed(x) if isinstance(x, torch.Tensor) else None
    if squashed not in functions.PROBABILITIES:
        return None
    assert isinstance(x, torch.Tensor)
    return squashed if _moves_little(func, args, kwargs, x) else None


def _moves_little(
    func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], x: Any
) -> bool:
    """Whether a function leaves every probability in x's place about where it is."""
    exact = torch.linspace(0.0, 1.0, STEPS + 1, dtype=torch.float64, device="cpu")
    tried = exact.to(x.dtype)
    put: Callable[[Any], Any] = lambda a: (
        tried if a is x else a.detach().to("cpu") if isinstance(a, torch.Tensor) else a
    )
    with NO_FUNCTIONS(), torch.no_grad(), contextlib.suppress(Exception):
        given = {k: put(v) for k, v in kwargs.items() if k != "out"}
        moved = func(*map(put, args), **given)
        if isinstance(moved, torch.Tensor) and moved.shape == exact.shape:
            return float((moved.cpu().double() - exact).abs().max()) <= SMALL
    return False
