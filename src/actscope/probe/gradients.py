"""The gradient at a site's output: its norm and how much of it is exactly zero."""

from __future__ import annotations

import math
from typing import Any

import torch

from actscope.probe.moments import WIDE, compiled

NO_FUNCTIONS = torch._C.DisableTorchFunction


class Gradient:
    """Sums of squares and of zeros over all gradients that reached a site.

    In float64; a device's are taken of the gradient divided by its largest number, so that a
    gradient of 1e-30 does not become a norm of 0 in float32.

    Args:
        on_cpu: a gradient on the CPU goes through compiled code; False takes calls of torch there
            too, as on any other device.
    """

    square, count, zeros, batches = 0.0, 0, 0.0, 0  # of all gradients so far

    def __init__(self, on_cpu: bool = True) -> None:
        self.on_cpu = on_cpu
        self.parts: list[tuple[Any, Any]] = []  # (largest, sum of squares over largest², filled)

    def add(self, gradient: Any) -> None:
        """Add one gradient; what torch calls when it has worked it out."""
        with NO_FUNCTIONS():
            count = gradient.numel()
            if count == 0:
                return
            if gradient.dtype not in WIDE:
                gradient = gradient.detach().float()
            if self.on_cpu and gradient.is_cpu:
                self._compiled(gradient, count)
            else:
                self._on_device(gradient.detach())

    def _compiled(self, g: Any, count: int) -> None:
        """Add a gradient by one pass of compiled code."""
        if not g.is_contiguous():
            g = g.detach().resolve_neg()
            g = (g.permute(0, 2, 3, 1) if g.ndim == 4 else g).contiguous()
        square, filled = compiled().squares_at(g.data_ptr(), WIDE[g.dtype], count)
        self.square += square
        self.count += count
        self.zeros += count - filled
        self.batches += 1

    def _on_device(self, g: Any) -> None:
        """Add a gradient by calls of torch; its numbers are read later."""
        with torch.no_grad(), torch.autocast(g.device.type, enabled=False):
            size = g.abs()
            top = size.amax()
            scaled = size / top.clamp(min=1e-44 if g.dtype == torch.float32 else 1e-300)
            flat = scaled.reshape(-1)
            filled = size.sign_().sum()
            self.parts.append((torch.stack([top, torch.dot(flat, flat), filled]), g.numel()))
        if len(self.parts) >= 64:
            self._fold()

    def _fold(self) -> None:
        """Read the numbers off the device, a few dozen batches at once."""
        for numbers, count in self.parts:
            top, square, filled = (float(v) for v in numbers)
            self.square += square * top * top
            self.count += count
            self.zeros += count - filled
            self.batches += 1
        self.parts = []

    @property
    def norm(self) -> float:
        """Root of the mean over batches of the squared norm; NaN where none arrived."""
        self._fold()
        return math.sqrt(self.square / self.batches) if self.batches else math.nan

    @property
    def zero_fraction(self) -> float:
        """The part of the gradient's numbers that is exactly 0; NaN where none arrived."""
        self._fold()
        return self.zeros / self.count if self.count else math.nan

    def state(self) -> dict[str, float]:
        """Everything measured, to be sent to another process."""
        self._fold()
        return {
            "square": self.square,
            "count": self.count,
            "zeros": self.zeros,
            "batches": self.batches,
        }

    def merge(self, state: dict[str, Any]) -> None:
        """Add what another process measured."""
        self._fold()
        self.square += state["square"]
        self.count += state["count"]
        self.zeros += state["zeros"]
        self.batches += state["batches"]
