"""How far one optimiser step moves each weight, from a bounded sample of its numbers."""

from __future__ import annotations

from typing import Any

import torch

from actscope.probe.dense import has_memory

SAMPLE = 4096  # numbers of a weight that are compared


class Updates:
    """Samples of the weights before a step, compared with the same numbers after it.

    They stay on the weights' device, and its numbers are read once a look.

    Args:
        root: the model.
    """

    def __init__(self, root: Any) -> None:
        weights = [(n, p) for n, p in root.named_parameters() if has_memory(p) and p.ndim >= 2]
        self.before = [(name, p, _sample(p).clone()) for name, p in weights]

    def ratios(self) -> dict[str, float]:
        """|Δw|/|w| of every matrix since then; NaN for a weight that is 0."""
        by_device: dict[Any, list[Any]] = {}
        norm = torch.linalg.vector_norm
        for name, parameter, before in self.before:
            moved = _sample(parameter) - before
            pair = torch.stack([norm(before), norm(moved)])
            by_device.setdefault((pair.device, pair.dtype), []).append((name, pair))
        ratios = {}
        for pairs in by_device.values():
            numbers = torch.stack([pair for _, pair in pairs]).cpu().tolist()
            for (name, _), (size, moved) in zip(pairs, numbers, strict=True):
                ratios[name] = moved / size if size > 0.0 else float("nan")
        return ratios


def _sample(parameter: Any) -> Any:
    """Every k-th number of a weight, at most SAMPLE of them, in float32 or float64."""
    flat = parameter.detach().reshape(-1)
    step = -(-flat.numel() // SAMPLE) if flat.numel() else 1
    return flat[::step].to(torch.promote_types(flat.dtype, torch.float32))
