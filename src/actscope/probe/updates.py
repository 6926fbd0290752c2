"""How far one optimiser step moves each weight, from a bounded sample of its numbers."""

from __future__ import annotations

from typing import Any

import torch

from actscope.probe.dense import has_memory

SAMPLE = 4096  # numbers of a weight that are compared


class Updates:
    """Samples of the weights before a step, compared with the same numbers after it.

    Args:
        root: the model.
    """

    def __init__(self, root: Any) -> None:
        weights = [(n, p) for n, p in root.named_parameters() if has_memory(p) and p.ndim >= 2]
        self.places = weights
        self.before = {name: _sample(p) for name, p in self.places}

    def ratios(self) -> dict[str, float]:
        """|Δw|/|w| of every matrix since then; NaN for a weight that is 0."""
        ratios = {}
        for name, parameter in self.places:
            before, after = self.before[name], _sample(parameter)
            size = float(torch.linalg.vector_norm(before.double()))
            moved = float(torch.linalg.vector_norm(after.double() - before.double()))
            ratios[name] = moved / size if size > 0.0 else float("nan")
        return ratios


def _sample(parameter: Any) -> Any:
    """Every k-th number of a weight, at most SAMPLE of them, copied."""
    flat = parameter.detach().reshape(-1)
    step = -(-flat.numel() // SAMPLE) if flat.numel() else 1
    return flat[::step].to("cpu", torch.float32, copy=True)
